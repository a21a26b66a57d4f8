/**
 * Shard streams of an agent: committed, followed, lost; channels; back-pressure.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import { encodeBatch } from "../../../core/batch/codec.ts";
import { columnOf } from "../../../core/batch/make.ts";
import { rowReader } from "../../../core/batch/row_reader.ts";
import type { BatchReader } from "../../../core/exec/ports.ts";
import { NO_TOTALS } from "../../../core/schedule/report.ts";
import { codecPorts } from "../../../net/codec_ports.ts";
import { ROUTES } from "../../../net/protocol.ts";
import { readStreamedPiece } from "../../../net/store/piece_readers.ts";
import { ShardFileWriter } from "../../../net/store/shard_writer.ts";
import { AgentWorld, COMMITTED, JOB, order } from "./agent_world.ts";

const MIB = 1024 * 1024;
let world: AgentWorld | undefined;

async function open(options?: Parameters<typeof AgentWorld.open>[0]): Promise<AgentWorld> {
  world = await AgentWorld.open(options);
  await world.startJob(2);
  return world;
}

afterEach(async () => {
  expect((await world?.close()) ?? []).toEqual([]);
  world = undefined;
});

function item(...values: unknown[]): Uint8Array {
  return encodeBatch({ rows: values.length, column: columnOf(values) }, codecPorts);
}

const bigItem = (bytes: number) => item(new Uint8Array(randomFillSync(new Uint8Array(bytes))));

function writer(agent: AgentWorld, attempt: string, partitions = 1): ShardFileWriter {
  return new ShardFileWriter({
    directory: join(agent.directory, JOB),
    attempt,
    partitions,
    isFollowed: true,
  });
}

async function reader(agent: AgentWorld, attempt: string, partition = 0): Promise<BatchReader> {
  const response = await agent.request("GET", ROUTES.shard(JOB, attempt, partition));
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  const piece = { agent: "a1", attempt, partition, isCommitted: false };
  return readStreamedPiece(response.body, piece, codecPorts);
}

async function rest(batches: BatchReader): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (let batch = await batches.next(); batch !== undefined; batch = await batches.next()) {
    const read = rowReader(batch.column);
    for (let i = 0; i < batch.rows; i++) rows.push(read(i));
  }
  return rows;
}

/** Hands the attempt to worker 0, as if it ran there. */
async function launch(agent: AgentWorld, attempt: string): Promise<void> {
  await agent.enqueue(order(attempt, { isFollowed: true }));
  await agent.next(0);
}

function tell(agent: AgentWorld, attempt: string, sizeBytes: number): Promise<unknown> {
  return agent.call("POST", ROUTES.written(0), { job: JOB, attempt, sizeBytes });
}

/** What the promise is after everything that is ready has run. */
async function stateOf(promise: Promise<unknown>): Promise<"done" | "held"> {
  let state: "done" | "held" = "held";
  promise.then(
    () => {
      state = "done";
    },
    () => undefined,
  );
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  return state;
}

describe("shard streams", () => {
  test("give the rows of one partition, or of all, when the attempt is committed", async () => {
    const agent = await open();
    await launch(agent, "a");
    const shard = writer(agent, "a", 2);
    shard.write(0, item(1, 2), 2);
    shard.write(1, item("x"), 1);
    shard.write(0, item(3), 1);
    shard.commit();
    void agent.next(0, { attempt: "a", result: COMMITTED });
    expect(await rest(await reader(agent, "a", 0))).toEqual([1, 2, 3]);
    expect(await rest(await reader(agent, "a", 1))).toEqual(["x"]);
    expect(await rest(await reader(agent, "a", -1))).toEqual([1, 2, 3, "x"]);
  });

  test("go on from a byte position", async () => {
    const agent = await open();
    await launch(agent, "a");
    const shard = writer(agent, "a");
    const first = item(1, 2);
    shard.write(0, first, 2);
    shard.write(0, item(3), 1);
    shard.commit();
    void agent.next(0, { attempt: "a", result: COMMITTED });
    const whole = new Uint8Array(await (await agent.request("GET", ROUTES.shard(JOB, "a", 0))).arrayBuffer());
    const part = await agent.request("GET", ROUTES.shard(JOB, "a", 0, first.byteLength + 3));
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(whole.subarray(first.byteLength + 3));
  });

  test("follow an attempt from before it began to its commit", async () => {
    const agent = await open();
    await agent.enqueue(order("a", { isFollowed: true }));
    const batches = await reader(agent, "a");
    const firstBatch = batches.next();
    await agent.next(0);
    const shard = writer(agent, "a");
    shard.write(0, item(1), 1);
    shard.flush();
    await tell(agent, "a", shard.sizeBytes);
    expect((await firstBatch)?.rows).toBe(1);
    const others = rest(batches);
    shard.write(0, item(2, 3), 2);
    shard.commit();
    void agent.next(0, { attempt: "a", result: COMMITTED });
    expect(await others).toEqual([2, 3]);
  });

  test("break off when the followed attempt fails, is lost, or the job ends", async () => {
    const agent = await open();
    const error = { name: "TaskError", code: "task", message: "bad row", retryable: false, fields: {} };
    const ways = [
      (attempt: string) =>
        void agent.next(0, { attempt, result: { kind: "failed", error, totals: NO_TOTALS } }),
      () => agent.workers[0].exit("was ended by signal SIGKILL"),
      () => void agent.call("DELETE", ROUTES.job(JOB)),
    ];
    for (const [i, end] of ways.entries()) {
      const attempt = `a${i}`;
      await agent.enqueue(order(attempt, { isFollowed: true }));
      await agent.next(i === 2 ? 1 : 0);
      const shard = writer(agent, attempt);
      shard.write(0, item(1), 1);
      shard.flush();
      if (i < 2) await tell(agent, attempt, shard.sizeBytes);
      const batches = await reader(agent, attempt);
      if (i < 2) expect((await batches.next())?.rows).toBe(1);
      const next = batches.next();
      end(attempt);
      await expect(Promise.resolve(next)).rejects.toThrow(/Cannot read shard/);
    }
  });

  test("are gone after release", async () => {
    const agent = await open();
    await launch(agent, "a");
    const shard = writer(agent, "a");
    shard.commit();
    void agent.next(0, { attempt: "a", result: COMMITTED });
    expect(await rest(await reader(agent, "a"))).toEqual([]);
    await agent.call("POST", ROUTES.release(JOB), { attempts: ["a"], executions: [] });
    await expect(reader(agent, "a")).rejects.toThrow("status 404");
  });
});

describe("the writer of a followed shard", () => {
  test("is held while a reader is 8 MiB behind, and goes on when it has caught up", async () => {
    const agent = await open();
    await launch(agent, "a");
    const shard = writer(agent, "a");
    const batches = await reader(agent, "a");
    for (let i = 0; i < 9; i++) shard.write(0, bigItem(MIB), 1);
    shard.flush();
    const held = tell(agent, "a", shard.sizeBytes);
    expect(await stateOf(held)).toBe("held");
    for (let i = 0; i < 9; i++) await batches.next();
    await held;
    batches.close();
  });

  test("goes on when the reader that was behind leaves", async () => {
    const agent = await open();
    await launch(agent, "a");
    const shard = writer(agent, "a");
    const response = await agent.request("GET", ROUTES.shard(JOB, "a", 0));
    for (let i = 0; i < 9; i++) shard.write(0, bigItem(MIB), 1);
    shard.flush();
    const held = tell(agent, "a", shard.sizeBytes);
    expect(await stateOf(held)).toBe("held");
    await response.body?.cancel();
    await held;
  });

  test("is not held while nobody reads, as who waits for the whole shard reads it afterwards", async () => {
    const agent = await open();
    await launch(agent, "a");
    await tell(agent, "a", 1024 * MIB);
  });

  test("goes on with a warning when its readers stand still", async () => {
    const agent = await open({ stallMs: 20 });
    await launch(agent, "a");
    const shard = writer(agent, "a");
    const response = await agent.request("GET", ROUTES.shard(JOB, "a", 0));
    for (let i = 0; i < 9; i++) shard.write(0, bigItem(MIB), 1);
    shard.flush();
    await tell(agent, "a", shard.sizeBytes);
    const events = await agent.events();
    const warning = await events.until("log");
    expect(warning.level).toBe("warn");
    expect(warning.text).toContain("shard a goes on after 20 ms");
    expect(warning.text).toContain("its slowest reader stands still");
    await response.body?.cancel();
  });

  test("goes on when the attempt is lost", async () => {
    const agent = await open();
    await launch(agent, "a");
    const shard = writer(agent, "a");
    await agent.request("GET", ROUTES.shard(JOB, "a", 0));
    for (let i = 0; i < 9; i++) shard.write(0, bigItem(MIB), 1);
    shard.flush();
    const held = tell(agent, "a", shard.sizeBytes);
    expect(await stateOf(held)).toBe("held");
    agent.workers[0].exit("was ended by signal SIGKILL");
    await held;
  });
});

describe("channels", () => {
  test("give rows to their readers while they are open", async () => {
    const agent = await open();
    await agent.call("PUT", ROUTES.channel(JOB, "c"));
    const batches = await reader(agent, "c");
    const first = batches.next();
    await agent.call("POST", ROUTES.channel(JOB, "c"), undefined, item("a", "b"));
    expect((await first)?.rows).toBe(2);
    await agent.call("POST", ROUTES.channel(JOB, "c"), undefined, item("c"));
    await agent.call("DELETE", ROUTES.channel(JOB, "c"));
    expect(await rest(batches)).toEqual(["c"]);
    expect(await rest(await reader(agent, "c"))).toEqual(["a", "b", "c"]);
  });

  test("hold an append at 64 MiB that nobody reads, until a reader comes", async () => {
    const agent = await open();
    await agent.call("PUT", ROUTES.channel(JOB, "c"));
    await agent.call("POST", ROUTES.channel(JOB, "c"), undefined, bigItem(40 * MIB));
    const held = agent.call("POST", ROUTES.channel(JOB, "c"), undefined, bigItem(40 * MIB));
    expect(await stateOf(held)).toBe("held");
    const batches = await reader(agent, "c");
    await batches.next();
    await batches.next();
    Promise.resolve(batches.next()).catch(() => undefined);
    await held;
    batches.close();
  });

  test("hold an append while the slowest reader is 8 MiB behind", async () => {
    const agent = await open();
    await agent.call("PUT", ROUTES.channel(JOB, "c"));
    const quick = await reader(agent, "c");
    const slow = await reader(agent, "c");
    const held = agent.call("POST", ROUTES.channel(JOB, "c"), undefined, bigItem(9 * MIB));
    await quick.next();
    Promise.resolve(quick.next()).catch(() => undefined);
    expect(await stateOf(held)).toBe("held");
    await slow.next();
    Promise.resolve(slow.next()).catch(() => undefined);
    await held;
    await agent.call("DELETE", ROUTES.channel(JOB, "c"));
  });

  test("append once what is sent twice, refuse what is missing before, and close twice", async () => {
    const agent = await open();
    const first = item("a", "b");
    await agent.call("PUT", ROUTES.channel(JOB, "c"));
    for (let i = 0; i < 2; i++) await agent.call("POST", ROUTES.channel(JOB, "c", 0), undefined, first);
    await expect(agent.call("POST", ROUTES.channel(JOB, "c", 999), undefined, first)).rejects.toThrow(
      "400 protocol",
    );
    for (let i = 0; i < 2; i++) {
      await agent.call("POST", ROUTES.channel(JOB, "c", first.byteLength), undefined, item("c"));
    }
    for (let i = 0; i < 2; i++) await agent.call("DELETE", ROUTES.channel(JOB, "c"));
    expect(await rest(await reader(agent, "c"))).toEqual(["a", "b", "c"]);
  });

  test("refuse what is no whole item, and append nothing of it", async () => {
    const agent = await open();
    await agent.call("PUT", ROUTES.channel(JOB, "c"));
    const good = item(1);
    const bad = new Uint8Array([...good, ...good.subarray(0, 9)]);
    await expect(agent.call("POST", ROUTES.channel(JOB, "c"), undefined, bad)).rejects.toThrow(
      "400 protocol",
    );
    await agent.call("DELETE", ROUTES.channel(JOB, "c"));
    expect(await rest(await reader(agent, "c"))).toEqual([]);
  });
});
