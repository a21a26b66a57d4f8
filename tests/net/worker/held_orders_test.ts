/** A worker holds nothing of the orders that it has performed. */

import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { decode, encode } from "../../../net/cbor.ts";
import type { NextReply, NextRequest, Transport } from "../../../net/protocol.ts";
import { Worker } from "../../../net/worker/worker.ts";
import { order } from "../agent/agent_world.ts";

const ORDERS = 60;
const ORDER_NUMBERS = 100_000;

/** An agent that knows no execution, so that every order fails at once. */
class UnknowingAgent implements Transport {
  ended = 0;

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    if (path.includes("/control")) return new Response(new ReadableStream<Uint8Array>());
    if ((decode(init?.body as Uint8Array) as NextRequest).ended !== undefined) this.ended++;
    return new Response(encode(this.#reply()) as Uint8Array<ArrayBuffer>);
  }

  #reply(): NextReply {
    if (this.ended === ORDERS) return { kind: "stop" };
    const numbers = Array.from({ length: ORDER_NUMBERS }, (_, i) => i + 0.5);
    const input = { pieces: [], sides: {}, numbers };
    return { kind: "order", order: order(`e0-0-${this.ended}-0`, { input }) };
  }
}

test("Worker run() lets go of each order when the next one comes", async () => {
  const agent = new UnknowingAgent();
  const worker = new Worker({ transport: agent, job: "j1", worker: 0, agent: "a1", directory: "/nowhere" });
  Bun.gc(true);
  const before = heapStats().heapSize;
  await worker.run();
  Bun.gc(true);
  const held = heapStats().heapSize - before;
  expect(agent.ended).toBe(ORDERS);
  expect(worker.isRunning).toBe(false);
  // One order is 0.8 MB. All of them would be twice as much; a dozen is what other tests of the process may leave or take.
  expect(held).toBeLessThan((ORDERS / 2) * 0.8e6);
});
