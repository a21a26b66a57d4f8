/**
 * Small shards in an agent's memory: they outlive their worker, go with orders that read them, and go when released.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ShardPiece } from "../../../../core/plan/physical.ts";
import { codecPorts } from "../../../../net/codec_ports.ts";
import { type PerformedAttempt, ROUTES } from "../../../../net/protocol.ts";
import { HeldReader } from "../../../../net/store/held_shard.ts";
import { readStreamedPiece } from "../../../../net/store/piece_readers.ts";
import { numberItem, numbersOf } from "../../store/fixtures.ts";
import { AgentWorld, COMMITTED, JOB, order } from "../agent_world.ts";

let world: AgentWorld | undefined;

async function open(options?: Parameters<typeof AgentWorld.open>[0]): Promise<AgentWorld> {
  world = await AgentWorld.open(options);
  await world.startJob();
  return world;
}

afterEach(async () => {
  expect((await world?.close()) ?? []).toEqual([]);
  world = undefined;
});

function performed(attempt: string, ...numbers: number[]): PerformedAttempt {
  return {
    attempt,
    result: COMMITTED,
    held: { partitions: 2, items: [[1, numberItem(numbers)]] },
  };
}

const piece = (attempt: string, changes: Partial<ShardPiece> = {}): ShardPiece => ({
  agent: "a1",
  attempt,
  partition: 1,
  isCommitted: true,
  ...changes,
});

async function streamed(agent: AgentWorld, of: ShardPiece): Promise<unknown> {
  const response = await agent.request("GET", ROUTES.shard(JOB, of.attempt, of.partition));
  if (!response.ok || response.body === null) return response.status;
  const batch = await readStreamedPiece(response.body, of, codecPorts).next();
  return batch === undefined ? [] : numbersOf(batch);
}

const hasFile = (agent: AgentWorld, attempt: string) =>
  existsSync(join(agent.directory, JOB, `${attempt}.data`));

describe("a small shard", () => {
  test("is read after its worker died, and is gone once it is released", async () => {
    const agent = await open();
    await agent.enqueue(order("a"));
    await agent.next(0);
    const events = await agent.events();
    const held = agent.next(0, performed("a", 1, 2, 3));
    await events.until("attemptEnded");
    agent.workers[0].exit("was ended by signal SIGKILL");
    await events.until("workerExited");
    await held;
    expect(await streamed(agent, piece("a"))).toEqual([1, 2, 3]);
    expect(await streamed(agent, piece("a", { partition: 0 }))).toEqual([]);
    expect(await streamed(agent, piece("a", { partition: -1 }))).toEqual([1, 2, 3]);
    expect(hasFile(agent, "a")).toBe(false);
    await agent.call("POST", ROUTES.release(JOB), { attempts: ["a"], executions: [] });
    expect(await streamed(agent, piece("a"))).toBe(404);
  });

  test("goes with an order that reads it, and is to be asked for when there is too much of it", async () => {
    const agent = await open();
    await agent.enqueue(order("a"), order("b"));
    await agent.next(0);
    await agent.next(0, performed("a", 1, 2, 3));
    const large = Array.from({ length: 140_000 }, (_, i) => i + 0.5);
    void agent.next(0, performed("b", ...large));
    const pieces = [[piece("a"), piece("b"), piece("none"), piece("a", { agent: "a2" })]];
    const sides = { 2: [piece("a", { partition: -1, chunks: { from: 1, to: 2 } })] };
    await agent.enqueue(order("c", { input: { pieces, sides } }));
    const reply = await agent.next(0);
    if (reply.kind !== "order") throw new Error(reply.kind);
    const [a, b, none, other] = reply.order.input.pieces[0];
    const batch = new HeldReader(a.held as Uint8Array, "a", codecPorts).next();
    expect(batch === undefined ? [] : numbersOf(batch)).toEqual([1, 2, 3]);
    expect(b.held).toBe("ask");
    expect(await streamed(agent, b)).toEqual(large);
    expect([none.held, other.held]).toEqual([undefined, undefined]);
    expect(reply.order.input.sides[2]).toEqual([piece("a", { partition: -1, held: new Uint8Array(0) })]);
  });

  test("is written to files beyond the bound, where it is read as before", async () => {
    const agent = await open({ heldBytes: 700 });
    await agent.enqueue(order("a"), order("b"));
    await agent.next(0);
    await agent.next(0, performed("a", 1));
    await agent.enqueue(order("c", { input: { pieces: [[piece("b")]], sides: {} } }));
    const reply = await agent.next(0, performed("b", 2));
    expect([hasFile(agent, "a"), hasFile(agent, "b")]).toEqual([false, true]);
    expect(await streamed(agent, piece("b"))).toEqual([2]);
    expect(reply).toMatchObject({ order: { input: { pieces: [[piece("b")]] } } });
    await agent.call("POST", ROUTES.release(JOB), { attempts: ["a", "b"], executions: [] });
    expect(hasFile(agent, "b")).toBe(false);
  });

  test("is not kept when its worker does not hold the attempt", async () => {
    const agent = await open();
    await agent.enqueue(order("a"));
    void agent.next(0, performed("b", 1));
    expect(await streamed(agent, piece("b"))).toBe(404);
    expect(agent.agent.heldItems(JOB, "b", -1)).toBeUndefined();
  });

  test("of a malformed kind is refused", async () => {
    const agent = await open();
    for (const held of [{ partitions: -1, items: [] }, { partitions: 1, items: [[0, "x"]] }, []]) {
      const body = { job: JOB, ended: { attempt: "a", result: COMMITTED, held } };
      await expect(agent.call("POST", ROUTES.next(0), body)).rejects.toThrow("400 protocol");
    }
  });
});

describe("several orders at a time", () => {
  test("come in one answer, and their ends in one request", async () => {
    const agent = await open();
    const events = await agent.events();
    const short = { ...COMMITTED, ms: 2 };
    await agent.enqueue(order("warm"), ...Array.from({ length: 8 }, (_, i) => order(`t${i}`)));
    await agent.next(0);
    const reply = await agent.next(0, { attempt: "warm", result: short });
    if (reply.kind !== "order") throw new Error(reply.kind);
    expect([reply.order, ...(reply.more ?? [])].map(({ attempt }) => attempt)).toEqual([
      "t0",
      "t1",
      "t2",
      "t3",
    ]);
    const report = [
      { kind: "ended", ...performed("t0", 7), result: short },
      { kind: "returned", attempts: ["t2", "t3"] },
    ];
    const ended = { ...performed("t1", 8), result: short };
    const next = await agent.call("POST", ROUTES.next(0), { job: JOB, events: report, ended });
    expect(next).toMatchObject({ order: { attempt: "t2" }, more: [{ attempt: "t3" }, { attempt: "t4" }] });
    for (const attempt of ["warm", "t0", "t1"]) {
      expect((await events.until("attemptEnded")).attempt).toBe(attempt);
    }
    expect(await streamed(agent, piece("t0"))).toEqual([7]);
    expect(await streamed(agent, piece("t1"))).toEqual([8]);
  });
});
