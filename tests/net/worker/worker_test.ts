/**
 * The worker's loop in the agent's own process, over an in-memory transport.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { rowReader } from "../../../core/batch/row_reader.ts";
import type { ShardPiece } from "../../../core/plan/physical.ts";
import { encode } from "../../../net/cbor.ts";
import { codecPorts } from "../../../net/codec_ports.ts";
import { ROUTES } from "../../../net/protocol.ts";
import { readStreamedPiece } from "../../../net/store/piece_readers.ts";
import { AgentWorld, JOB, order } from "../agent/agent_world.ts";
import { orderWork } from "./work.ts";
import "./worker_program.ts";

let world: AgentWorld | undefined;

async function open(workers = 1): Promise<AgentWorld> {
  world = await AgentWorld.open({ workers: "memory" });
  await world.startJob(workers);
  return world;
}

afterEach(async () => {
  expect((await world?.close()) ?? []).toEqual([]);
  world = undefined;
});

async function rowsOf(agent: AgentWorld, attempt: string): Promise<unknown[]> {
  const piece: ShardPiece = { agent: "a1", attempt, partition: 0, isCommitted: false };
  const response = await agent.request("GET", ROUTES.shard(JOB, attempt, 0));
  if (response.body === null || !response.ok) throw new Error(`status ${response.status}`);
  const reader = readStreamedPiece(response.body, piece, codecPorts);
  const rows: unknown[] = [];
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
    const read = rowReader(batch.column);
    for (let i = 0; i < batch.rows; i++) rows.push(read(i));
  }
  return rows;
}

describe("Worker", () => {
  test("run() performs the orders of an execution, without a request for progress when they are short", async () => {
    const agent = await open();
    const events = await agent.events();
    await orderWork(agent, "e0", { what: "double", shards: 5, rows: 2 });
    for (let i = 0; i < 5; i++) {
      expect((await events.until("attemptEnded")).result.kind).toBe("committed");
    }
    expect(events.seen.filter(({ kind }) => kind === "attemptProgress")).toEqual([]);
    expect(await rowsOf(agent, "e0-0-4-0")).toEqual([0, 2]);
  });

  test("run() writes a followed shard that is read to its end while it grows", async () => {
    const agent = await open();
    const text = "x".repeat(4000);
    const [attempt = ""] = await orderWork(
      agent,
      "e0",
      { what: "text", rows: 10_000, text },
      { isFollowed: true },
    );
    const rows = await rowsOf(agent, attempt);
    expect(rows.length).toBe(10_000);
    expect(new Set(rows)).toEqual(new Set([text]));
  });

  test("run() fails an attempt of an execution that is not known", async () => {
    const agent = await open();
    const events = await agent.events();
    await agent.enqueue(order("x", { execution: "nowhere" }));
    const { result } = await events.until("attemptEnded");
    expect(result).toMatchObject({ kind: "failed", error: { code: "not-found" } });
  });

  test("run() fails an attempt when the plan is of another graph", async () => {
    const agent = await open();
    const events = await agent.events();
    const plan = { flow: "work", fingerprint: ["another"], groups: [], outputs: [] };
    const templates = [{ id: "t1", body: encode({ flow: "work", plan }) }];
    const executions = [{ id: "e1", template: "t1", params: encode({ what: "double" }) }];
    const orders = [order("y", { execution: "e1" })];
    await agent.call("POST", ROUTES.attempts(JOB), { orders, templates, executions });
    const { result } = await events.until("attemptEnded");
    expect(result).toMatchObject({ kind: "failed", error: { code: "plan-mismatch" } });
  });

  test("run() reads a shard that was lost as ShardLostError", async () => {
    const agent = await open();
    const events = await agent.events();
    await orderWork(agent, "e0", { what: "double" });
    await events.until("attemptEnded");
    await agent.call("POST", ROUTES.release(JOB), { attempts: ["e0-0-0-0"], executions: [] });
    await expect(rowsOf(agent, "e0-0-0-0")).rejects.toThrow("404");
  });

  test("run() forgets a released execution", async () => {
    const agent = await open();
    const events = await agent.events();
    await orderWork(agent, "e0", { what: "double" });
    await events.until("attemptEnded");
    await agent.call("POST", ROUTES.release(JOB), { attempts: [], executions: ["e0"] });
    await agent.enqueue(order("z", { execution: "e0" }));
    const { result } = await events.until("attemptEnded");
    expect(result).toMatchObject({ kind: "failed", error: { code: "not-found" } });
  });

  test("run() goes on with other work when queued attempts were cancelled", async () => {
    const agent = await open();
    const events = await agent.events();
    const attempts = await orderWork(agent, "e0", { what: "double", shards: 40 });
    await agent.call("POST", ROUTES.cancel(JOB), { attempts });
    for (const _ of attempts) {
      const { result } = await events.until("attemptEnded");
      if (result.kind === "failed") expect(result.error.code).toBe("cancelled");
    }
    await orderWork(agent, "e1", { what: "double" });
    expect((await events.until("attemptEnded")).result.kind).toBe("committed");
  });
});
