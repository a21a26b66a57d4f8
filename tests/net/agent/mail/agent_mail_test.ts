/** Mail between the agents of a job over connections that break: in order, each letter once, and bounded. */
import { describe, expect, test } from "bun:test";
import { AgentMailbox } from "../../../../net/agent/mail/agent_mail.ts";
import { decode, encode } from "../../../../net/cbor.ts";
import { fields } from "../../../../net/fields.ts";
import { agentMail, type Mail } from "../../../../net/mail.ts";
import type { Transport } from "../../../../net/protocol.ts";

const letter = (sequence: number, agent = "b", bytes = 10): Mail => ({
  gang: "g1",
  from: 0,
  agent,
  worker: 1,
  kind: "value",
  sequence,
  label: "send",
  payload: new Uint8Array(bytes),
});

/** Two agents; `fate` decides what becomes of each request. */
function pair(fate: () => "arrives" | "lost" | "answer lost" | "refused") {
  const received: number[] = [];
  const troubles: string[] = [];
  const done = Promise.withResolvers<void>();
  let expected = Number.POSITIVE_INFINITY;
  const b = new AgentMailbox({
    job: "j1",
    agent: "b",
    transportTo: () => undefined,
    deliver: (_, { sequence }) => {
      received.push(sequence);
      if (received.length >= expected) done.resolve();
    },
    onTrouble: () => undefined,
  });
  const transport: Transport = {
    fetch: async (path, init) => {
      expect(path).toBe("/v1/jobs/j1/mail");
      const what = fate();
      if (what === "lost") throw new Error("connection reset");
      if (what === "refused") return new Response(null, { status: 500 });
      const body = new Uint8Array(await new Response(init?.body).arrayBuffer());
      const reply = b.receive(agentMail(fields(decode(body), "body")));
      if (what === "answer lost") throw new Error("connection reset");
      return new Response(encode(reply) as Uint8Array<ArrayBuffer>);
    },
  };
  const a = new AgentMailbox({
    job: "j1",
    agent: "a",
    transportTo: (agent) => (agent === "b" ? transport : undefined),
    deliver: (_, { sequence }) => received.push(sequence),
    onTrouble: (text) => troubles.push(text),
  });
  const all = (count: number): Promise<void> => {
    expected = count;
    if (received.length >= count) done.resolve();
    return done.promise;
  };
  return { a, b, received, troubles, all };
}

describe("AgentMailbox", () => {
  test("brings every letter once and in order over connections that break", async () => {
    const fates = [
      "lost",
      "answer lost",
      "arrives",
      "answer lost",
      "answer lost",
      "refused",
      "lost",
    ] as const;
    let turn = 0;
    const { a, received, troubles, all } = pair(() => fates[turn++] ?? "arrives");
    for (let i = 0; i < 100; i++) {
      await a.send([letter(2 * i), letter(2 * i + 1)]);
      if (i % 10 === 0) await Promise.resolve();
    }
    await all(200);
    expect(received).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(troubles.length).toBeGreaterThan(0);
    a.close();
  });

  test("begins anew with an agent that was gone, though that one remembers what came before", async () => {
    const { a, b, received, all } = pair(() => "arrives");
    await a.send([letter(0), letter(1)]);
    await all(2);
    a.drop("b");
    a.welcome(["b"]);
    await a.send([letter(2), letter(3)]);
    const deadline = performance.now() + 10_000;
    while (received.length < 4 && performance.now() < deadline) await new Promise(setImmediate);
    // A request of the line that is over comes late.
    b.receive({ from: "a", line: "unknown", first: 1, items: [letter(9)] });
    await a.send([letter(4)]);
    while (received.length < 5 && performance.now() < deadline) await new Promise(setImmediate);
    expect(received).toEqual([0, 1, 2, 3, 4]);
    a.close();
  });

  test("goes on with the line of an agent that is told late as gone, and was there again before", async () => {
    const { a, b, received, all } = pair(() => "arrives");
    await a.send([letter(1), letter(2)]);
    await all(2);
    b.drop("a");
    b.welcome(["a"]);
    await a.send([letter(3)]);
    const deadline = performance.now() + 10_000;
    while (received.length < 3 && performance.now() < deadline) await new Promise(setImmediate);
    expect(received).toEqual([1, 2, 3]);
    a.close();
  });

  test("hands letters for its own workers over at once, and sends those of one turn together", async () => {
    let requests = 0;
    const { a, received, all } = pair(() => {
      requests++;
      return "arrives";
    });
    await a.send([letter(1, "a")]);
    expect(received).toEqual([1]);
    await a.send([letter(2), letter(3), letter(4)]);
    await all(4);
    expect(requests).toBe(1);
    a.close();
  });

  test("drops what is for an agent that is gone, and does not keep who sends to it", async () => {
    const asked = Promise.withResolvers<void>();
    let fate: "lost" | "arrives" = "lost";
    const { a, received, all } = pair(() => {
      asked.resolve();
      return fate;
    });
    const large = Array.from({ length: 9 }, (_, i) => letter(i, "b", 8 * 2 ** 20));
    let hasRoom = false;
    const sending = a.send(large).then(() => {
      hasRoom = true;
    });
    await asked.promise;
    expect(hasRoom).toBe(false);
    a.drop("b");
    await sending;
    await a.send([letter(10)]);
    expect(received).toEqual([]);
    fate = "arrives";
    a.welcome(["a", "b"]);
    await a.send([letter(11)]);
    await all(1);
    expect(received).toEqual([11]);
    a.close();
  });
});
