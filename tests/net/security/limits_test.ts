/** X3: what strangers may send to a port, and how long it keeps them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encode } from "../../../net/cbor.ts";
import { readToEnd } from "../../../net/fields.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import { guarded } from "../../../net/security/authenticate.ts";
import { authHeaders, clusterToken } from "../../../net/security/client_auth.ts";
import { RawClient } from "./raw_client.ts";
import { AGENT_SAMPLES } from "./samples.ts";
import { NOW, ServedAgent, secret } from "./served_agent.ts";

const good = authHeaders(clusterToken(secret, NOW)).authorization;
const HEAD = `Host: x\r\nluciole-protocol: 1\r\nAuthorization: ${good}\r\n`;
const IDLE_S = 4;
let agent: ServedAgent;

beforeAll(async () => {
  agent = await ServedAgent.open();
  await agent.world.startJob();
});

afterAll(async () => {
  expect(await agent.close()).toEqual([]);
});

async function goesOn(): Promise<void> {
  expect((await agent.send("GET", "/v1/agent", { token: clusterToken(secret, NOW) })).status).toBe(200);
}

describe("X3: a request", () => {
  const post = (headers: string, body = "") =>
    `POST /v1/jobs/j1/cancel HTTP/1.1\r\n${HEAD}${headers}\r\n${body}`;
  test.each([
    ["is no HTTP", "hello\r\n\r\n"],
    ["is TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["has a line that never ends", `GET /${"a".repeat(200_000)} HTTP/1.1\r\n`],
    ["has headers of 200 KB", `GET /v1/agent HTTP/1.1\r\n${HEAD}x: ${"a".repeat(200_000)}\r\n\r\n`],
    ["has 20,000 headers", `GET /v1/agent HTTP/1.1\r\n${HEAD}${"a: b\r\n".repeat(20_000)}\r\n`],
    ["has a length that is no number", post("Content-Length: many\r\n")],
    ["has a negative length", post("Content-Length: -1\r\n")],
    ["has two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n", "aa")],
    [
      "has a length and is in pieces",
      post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ],
    ["has pieces of no length", post("Transfer-Encoding: chunked\r\n", "zz\r\n\r\n")],
    ["is of a terabyte", post("Content-Length: 1000000000000\r\n", "aaaa")],
    ["is of 300 MB", post("Content-Length: 300000000\r\n", "aaaa")],
  ])("that %s gets an error, or is cut off", async (_, text) => {
    const client = await RawClient.open(agent.port);
    client.send(Buffer.from(text, "latin1"));
    const status = await client.status();
    expect(status === undefined || (status >= 400 && status < 500)).toBe(true);
    client.close();
    await goesOn();
  });

  test.each([
    "/v1/jobs/../../../etc/passwd",
    "/v1/jobs/j1/shards/../../../../etc/passwd/0",
    "/v1/jobs/j1/shards/..%2f..%2fetc%2fpasswd/0",
    "/v1/jobs/j1/shards/%2e%2e/0",
    "/v1/jobs/%00/events",
    "/v1/jobs/j1%00/events",
    "/v1/jobs/%ff%fe/events",
    "/v1/jobs/%zz/events",
    "/v1/jobs/j1\\..\\x/events",
    "//v1/agent",
    "/v1/jobs/__proto__/events",
    "/v1/jobs/constructor/events",
    "/v1/jobs/-rf/events",
    "http://elsewhere/v1/jobs/x/events",
    "*",
    "/v1/jobs/j1/shards/a1/0?from=-1",
    "/v1/jobs/j1/shards/a1/99999999999999999999?from=1e400",
  ])("for %s gets an error", async (path) => {
    const client = await RawClient.open(agent.port);
    client.send(`GET ${path} HTTP/1.1\r\n${HEAD}\r\n`);
    const status = await client.status();
    expect(status === undefined || (status >= 400 && status < 500)).toBe(true);
    client.close();
    await goesOn();
  });

  test.each(["x y", "[::", "x:99999", "x/..", "a@b", "", "é", "%", "x\u0001", "http://x"])(
    "for the host %j is answered, or refused",
    async (host) => {
      for (const method of ["GET", "POST"]) {
        const client = await RawClient.open(agent.port);
        const body = method === "POST" ? "Content-Length: 1\r\n\r\nx" : "\r\n";
        const head = HEAD.replace("Host: x", `Host: ${host}`);
        client.send(Buffer.from(`${method} /v1/jobs/j1/cancel HTTP/1.1\r\n${head}${body}`, "latin1"));
        const status = await client.status();
        expect(status === undefined || (status >= 400 && status < 500)).toBe(true);
        client.close();
      }
      await goesOn();
    },
  );

  test("that comes byte by byte is answered", async () => {
    const client = await RawClient.open(agent.port);
    for (const byte of Buffer.from(`GET /v1/agent HTTP/1.1\r\n${HEAD}\r\n`)) {
      client.send(Uint8Array.of(byte));
      await client.flushed();
    }
    expect(await client.status()).toBe(200);
    client.close();
  });

  test("in pieces is read to its bound, and no further", async () => {
    let given = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        given += 1000;
        controller.enqueue(new Uint8Array(1000));
      },
    });
    await expect(readToEnd(endless, 10_000)).rejects.toThrow("its body is longer than 10000 bytes");
    expect(given).toBeLessThan(20_000);
  });
});

describe("X3: requests with changed bytes", () => {
  /** Of requests that are no HTTP, by the server itself. */
  const NO_HTTP = 505;
  const HELD_MS = 50;
  const requests = fc.constantFrom(...AGENT_SAMPLES).map(([method, path, body]) => {
    const bytes = body === undefined ? new Uint8Array(0) : encode(body);
    const head = `${method} ${path} HTTP/1.1\r\n${HEAD}Content-Length: ${bytes.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), bytes]);
  });
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });

  test("are answered, held or cut off", async () => {
    const own = await ServedAgent.open();
    await own.world.startJob();
    const property = fc.asyncProperty(requests, changes, fc.nat(), async (request, places, end) => {
      for (const [at, byte] of places) request[at % request.length] = byte;
      const client = await RawClient.open(own.port);
      client.send(end % 4 === 0 ? request.subarray(0, end % request.length) : request);
      const waited = Promise.withResolvers<undefined>();
      const timer = setTimeout(waited.resolve, HELD_MS);
      const status = await Promise.race([client.status(), waited.promise]);
      clearTimeout(timer);
      client.close();
      if (status !== undefined && status >= 500) expect(status).toBe(NO_HTTP);
    });
    await fc.assert(property, { numRuns: 400 });
    expect((await own.send("GET", "/v1/agent", { token: clusterToken(secret, NOW) })).status).toBe(200);
    expect(await own.close()).toEqual([]);
  });
});

describe("X3: a connection", () => {
  const HALVES = [
    "",
    "POST /v1/jobs/j1/cancel HTT",
    `POST /v1/jobs/j1/cancel HTTP/1.1\r\n${HEAD}`,
    `POST /v1/jobs/j1/cancel HTTP/1.1\r\n${HEAD}Content-Length: 1000\r\n\r\nabc`,
    `POST /v1/jobs/j1/cancel HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nab`,
    `GET /v1/agent HTTP/1.1\r\n${HEAD}\r\n`,
    // A stream that has ended.
    `GET /v1/jobs/j1/shards/c1/0 HTTP/1.1\r\n${HEAD}\r\n`,
  ];

  test("that stops in the midst of a request, or after it, is closed; one that waits for an answer is not", async () => {
    for (const method of ["PUT", "DELETE"]) await agent.world.call(method, "/v1/jobs/j1/channels/c1");
    const runtime = await currentRuntime();
    const listen = { hostname: "127.0.0.1", port: 0 };
    const fetch = guarded(agent.world.agent, { secret, clock: () => NOW });
    const server = await runtime.serve({ listen, fetch, idleSeconds: IDLE_S });
    const port = "port" in server.address ? server.address.port : 0;
    const waiting = await RawClient.open(port);
    waiting.send(`GET /v1/jobs/j1/events HTTP/1.1\r\n${HEAD}\r\n`);
    expect(await waiting.status()).toBe(200);
    const clients = await Promise.all(
      HALVES.map(async (half) => {
        const client = await RawClient.open(port);
        client.send(half);
        return client;
      }),
    );
    await Promise.all(clients.map((client) => client.closed()));
    expect(waiting.isClosed).toBe(false);
    waiting.close();
    await server.stop();
  }, 180_000);
});
