import { expect, test } from "bun:test";
import { HttpClient, type Line, type LineEvents } from "../../../net/runtime/http_client.ts";

const POST = { method: "POST", path: "/x", headers: { a: "b" }, body: new Uint8Array([1, 2, 3]) };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const OK = encode("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");

/** Lines that tests speak on. */
function lines(room = Number.POSITIVE_INFINITY) {
  const all: (Line & {
    events: LineEvents;
    sent: string;
    isHeld: boolean;
    isClosed: boolean;
    isFlushed: () => boolean;
    room: number;
  })[] = [];
  const client = new HttpClient("there:1", async (events) => {
    const line = {
      events,
      sent: "",
      isHeld: true,
      isFlushed: () => true,
      isClosed: false,
      room,
      write(bytes: Uint8Array): number {
        if (line.room < 0) return -1;
        const taken = bytes.subarray(0, line.room);
        line.sent += new TextDecoder("latin1").decode(taken);
        line.room -= taken.byteLength;
        return taken.byteLength;
      },
      hold(isHeld: boolean) {
        line.isHeld = isHeld;
      },
      close() {
        line.isClosed = true;
      },
    };
    all.push(line);
    return line;
  });
  return { client, all };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("requests one after the other use one connection, those at once one each; idle ones hold no process", async () => {
  const { client, all } = lines();
  for (let i = 0; i < 3; i++) {
    const answer = client.send(POST);
    await turn();
    expect(all.length).toBe(1);
    all[0].events.onData(OK);
    expect(await (await answer).text()).toBe("ok");
    expect(all[0].isHeld).toBe(false);
  }
  expect(all[0].sent).toBe(
    "POST /x HTTP/1.1\r\nhost: there:1\r\ncontent-length: 3\r\na: b\r\n\r\n\x01\x02\x03".repeat(3),
  );
  const both = [client.send(POST), client.send(POST)];
  await turn();
  expect(all.map(({ isHeld }) => isHeld)).toEqual([true, true]);
  for (const { events } of all) events.onData(OK);
  await Promise.all(both);
});

test("a connection that the server closed, or wants to, is not used again", async () => {
  const { client, all } = lines();
  const first = client.send(POST);
  await turn();
  all[0].events.onData(OK);
  await first;
  all[0].events.onClose(undefined);
  const second = client.send(POST);
  await turn();
  expect(all.length).toBe(2);
  all[1].events.onData(encode("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"));
  expect((await second).status).toBe(200);
  expect(all[1].isClosed).toBe(true);
  const third = client.send(POST);
  await turn();
  expect(all.length).toBe(3);
  all[2].events.onData(encode("HTTP/1.1 413 No\r\n\r\ntoo "));
  all[2].events.onData(encode("long"));
  all[2].events.onClose(undefined);
  expect([(await third).status, await (await third).text()]).toEqual([413, "too long"]);
});

test("a request fails at once when its connection breaks, speaks no HTTP, or it is given up", async () => {
  const { client, all } = lines();
  const broken = client.send(POST);
  await turn();
  all[0].events.onData(OK.subarray(0, 10));
  all[0].events.onClose(undefined);
  await expect(broken).rejects.toMatchObject({ code: "ECONNRESET" });
  const strange = client.send(POST);
  await turn();
  all[1].events.onData(encode("220 mail"));
  await expect(strange).rejects.toMatchObject({ code: "Malformed_HTTP_Response" });
  const giving = new AbortController();
  const given = client.send({ ...POST, signal: giving.signal });
  await turn();
  giving.abort(new Error("enough"));
  await expect(given).rejects.toThrow("enough");
  expect(all.map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
  const dialled: unknown[] = [];
  const silent = new HttpClient("there:1", (_, signal) => {
    dialled.push(signal);
    return new Promise(() => undefined);
  });
  const waiting = new AbortController();
  const unheard = silent.send({ ...POST, signal: waiting.signal });
  waiting.abort(new Error("too late"));
  await expect(unheard).rejects.toThrow("too late");
  // Or the attempt would keep the process running.
  expect(dialled).toEqual([waiting.signal]);
});

test("what does not fit is sent when there is room", async () => {
  const { client, all } = lines(5);
  const body = new Uint8Array(200_000).fill(65);
  const answer = client.send({ ...POST, body });
  for (let i = 0; i < 60; i++) {
    await turn();
    all[0].room = 4000;
    all[0].events.onRoom();
  }
  expect(all[0].sent.endsWith(`\r\n\r\n${"A".repeat(body.byteLength)}`)).toBe(true);
  all[0].events.onData(OK);
  expect((await answer).status).toBe(200);
});

test.each([
  ["HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", true],
  ["HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 0\r\n\r\n", false],
  ["HTTP/1.1 200 OK\r\nconnection: TE, Close\r\ncontent-length: 0\r\n\r\n", true],
])("no request follows on a connection that its server is about to close: %j", async (text, isLast) => {
  const { client, all } = lines();
  const first = client.send(POST);
  await turn();
  all[0].events.onData(encode(text));
  await first;
  expect(all[0].isClosed).toBe(isLast);
});

test("an answer that comes before all of its request was sent is the last of its connection", async () => {
  const { client, all } = lines();
  const early = client.send(POST);
  await turn();
  all[0].isFlushed = () => false;
  all[0].events.onData(OK);
  expect((await early).status).toBe(200);
  expect(all[0].isClosed).toBe(true);
});

test("what an answer without a length is cut at by an error is not all of it", async () => {
  const { client, all } = lines();
  const cut = client.send(POST);
  await turn();
  all[0].events.onData(encode("HTTP/1.1 200 OK\r\n\r\npart"));
  all[0].events.onClose(Object.assign(new Error("reset"), { code: "ECONNRESET" }));
  await expect(cut).rejects.toThrow("reset");
});

test("what comes right after an answer is no part of the next", async () => {
  const { client, all } = lines();
  const first = client.send(POST);
  await turn();
  all[0].events.onData(OK);
  all[0].events.onData(encode("HTTP/1.1 200"));
  expect((await first).status).toBe(200);
  expect(all[0].isClosed).toBe(true);
});

test("after many requests at once few connections are kept", async () => {
  const { client, all } = lines();
  const answers = Array.from({ length: 500 }, () => client.send(POST));
  await turn();
  for (const { events } of all) events.onData(OK);
  await Promise.all(answers);
  expect(all.length).toBe(500);
  expect(all.filter(({ isClosed }) => !isClosed).length).toBe(32);
});

test("nothing of a path or header begins another header", async () => {
  const { client, all } = lines();
  await expect(client.send({ ...POST, path: "/x y" })).rejects.toThrow("no path");
  await expect(client.send({ ...POST, path: "/\r\n" })).rejects.toThrow("no path");
  await expect(client.send({ ...POST, headers: { a: "b\r\nc: d" } })).rejects.toThrow("malformed");
  await expect(client.send({ ...POST, headers: { "a\r\nb": "c" } })).rejects.toThrow("no name");
  await expect(client.send({ ...POST, headers: [["a b", "c"]] })).rejects.toThrow("no name");
  expect(all).toEqual([]);
});
