/**
 * Real worker processes under an agent: what they do, how they end, what they leave.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { rowReader } from "../../../core/batch/row_reader.ts";
import { encode } from "../../../net/cbor.ts";
import { codecPorts } from "../../../net/codec_ports.ts";
import { ROUTES } from "../../../net/protocol.ts";
import { HeldReader } from "../../../net/store/held_shard.ts";
import { readLocalPiece } from "../../../net/store/piece_readers.ts";
import { AgentWorld, JOB } from "../agent/agent_world.ts";
import { orderWork } from "./work.ts";
import "./worker_program.ts";

const PROGRAM = join(import.meta.dir, "worker_program.ts");
const COMMAND = [process.execPath, PROGRAM];

let world: AgentWorld | undefined;

async function open(workers = 1, command: readonly string[] = COMMAND): Promise<AgentWorld> {
  world = await AgentWorld.open({ workers: "process", command });
  await world.startJob(workers);
  return world;
}

/** Processes whose environment names this directory: the workers of the test. */
function workersOf(directory: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`LUCIOLE_DIRECTORY=${directory}/`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

afterEach(async () => {
  const left = await world?.close();
  expect(left ?? []).toEqual([]);
  if (world !== undefined) expect(workersOf(world.directory)).toEqual([]);
  world = undefined;
});

function rowsOf(agent: AgentWorld, attempt: string): unknown[] {
  const piece = { agent: "a1", attempt, partition: -1, isCommitted: true };
  const held = agent.agent.heldItems(JOB, attempt, -1);
  const reader =
    held === undefined
      ? readLocalPiece(join(agent.directory, JOB), piece, codecPorts)
      : new HeldReader(held, attempt, codecPorts);
  const rows: unknown[] = [];
  for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
    if (batch instanceof Promise) throw new Error("a local piece waits");
    const read = rowReader(batch.column);
    for (let i = 0; i < batch.rows; i++) rows.push(read(i));
  }
  return rows;
}

describe("runWorker()", () => {
  test("runs tasks of an execution and commits their shards", async () => {
    const agent = await open(2);
    const events = await agent.events();
    const attempts = await orderWork(agent, "e0", { what: "double", shards: 3, rows: 4 });
    for (const _ of attempts) {
      const { result } = await events.until("attemptEnded");
      expect(result).toMatchObject({ kind: "committed", shard: { partitions: [{ rows: 4 }] } });
    }
    for (const attempt of attempts) expect(rowsOf(agent, attempt)).toEqual([0, 2, 4, 6]);
  });

  test("keeps what user code prints out of the data and tells it as log lines", async () => {
    const agent = await open();
    const events = await agent.events();
    const [attempt = ""] = await orderWork(agent, "e0", { what: "print", rows: 1 });
    const { result } = await events.until("attemptEnded");
    expect(result).toMatchObject({ kind: "committed", totals: { counters: { rows: 1 } } });
    expect(rowsOf(agent, attempt)).toEqual([0]);
    await agent.call("DELETE", ROUTES.job(JOB));
    await events.until("workerExited").catch(() => undefined);
    const logs = events.seen.flatMap((event) => (event.kind === "log" ? [event.text] : []));
    expect(logs.toSorted()).toEqual(["logged 0", "printed 0", "warned 0"]);
    const letters = events.seen.flatMap((event) =>
      event.kind === "parcel" ? (event.parcel.frame?.letters ?? []) : [],
    );
    expect(letters).toEqual([encode({ n: 0 })]);
  });

  test("fails the attempt with the user's error when a closure throws", async () => {
    const agent = await open();
    const events = await agent.events();
    const [attempt = ""] = await orderWork(agent, "e0", { what: "fail" });
    const { result } = await events.until("attemptEnded");
    if (result.kind !== "failed") throw new Error("committed");
    expect(result.error.code).toBe("task");
    expect(result.error.cause?.message).toBe("row of no use");
    expect(existsSync(join(agent.directory, JOB, `${attempt}.data`))).toBe(false);
    await orderWork(agent, "e1", { what: "double" });
    expect((await events.until("attemptEnded")).result.kind).toBe("committed");
  });

  test("fails the attempt and is replaced when a promise of user code is rejected uncaught", async () => {
    const agent = await open();
    const events = await agent.events();
    await orderWork(agent, "e0", { what: "uncaught", rows: 1 });
    await events.until("workerExited");
    const told = JSON.stringify(events.seen);
    expect(told).toContain("nobody caught this");
    await orderWork(agent, "e1", { what: "double" });
    expect((await events.until("attemptEnded")).result.kind).toBe("committed");
  });

  test("fails the attempt, with the user's line, when user code ends the process", async () => {
    const agent = await open();
    const events = await agent.events();
    await orderWork(agent, "e0", { what: "exit" });
    const { result } = await events.until("attemptEnded");
    if (result.kind !== "failed") throw new Error(`it ${result.kind}`);
    expect(result.error.message).toMatch(/worker_program.ts:\d+: .*process\.exit\(7\) was called in a task$/);
  });

  test("loses the attempt, with the signal, when the worker is killed", async () => {
    const agent = await open();
    const events = await agent.events();
    await orderWork(agent, "e0", { what: "hang" });
    await events.until("log");
    const [pid] = workersOf(agent.directory);
    if (pid === undefined) throw new Error("no worker");
    process.kill(pid, "SIGKILL");
    expect((await events.until("attemptLost")).cause).toStartWith(
      "worker 0 was ended by signal SIGKILL (on agent a1 of host ",
    );
    await orderWork(agent, "e1", { what: "double" });
    expect((await events.until("attemptEnded")).result.kind).toBe("committed");
  });

  test("stops between rows when a task is cancelled, and stays", async () => {
    const agent = await open();
    const events = await agent.events();
    const attempts = await orderWork(agent, "e0", { what: "slow", rows: 1e6 });
    await events.until("attemptProgress");
    await agent.call("POST", ROUTES.cancel(JOB), { attempts });
    const { result } = await events.until("attemptEnded");
    expect(result).toMatchObject({ kind: "failed", error: { code: "cancelled" } });
    await orderWork(agent, "e1", { what: "double" });
    expect((await events.until("attemptEnded")).result.kind).toBe("committed");
    expect(events.seen.filter(({ kind }) => kind === "workerExited")).toEqual([]);
  });

  test("is killed and replaced when its cancelled closure never returns", async () => {
    const agent = await open();
    const events = await agent.events();
    const attempts = await orderWork(agent, "e0", { what: "hang" });
    await events.until("log");
    await agent.call("POST", ROUTES.cancel(JOB), { attempts });
    const { result } = await events.until("attemptEnded");
    expect(result).toMatchObject({ kind: "failed", error: { code: "cancelled" } });
    expect((await events.until("workerExited")).cause).toContain("SIGKILL");
    await orderWork(agent, "e1", { what: "double" });
    expect((await events.until("attemptEnded")).result.kind).toBe("committed");
  }, 60_000);

  test("is ended in the midst of a closure when the job ends", async () => {
    const agent = await open();
    const events = await agent.events();
    await orderWork(agent, "e0", { what: "hang" });
    await events.until("log");
    await agent.call("DELETE", ROUTES.job(JOB));
    expect(workersOf(agent.directory)).toEqual([]);
  });

  test("bounds a flood of output", async () => {
    const agent = await open();
    const events = await agent.events();
    await orderWork(agent, "e0", { what: "flood", rows: 1 });
    await events.until("attemptEnded");
    await agent.call("DELETE", ROUTES.job(JOB));
    await events.until("workerExited").catch(() => undefined);
    const logs = events.seen.filter((event) => event.kind === "log");
    expect(logs.length).toBeLessThan(5000);
    expect(logs.some(({ text }) => text.includes("were dropped"))).toBe(true);
  });

  test("tells the stderr of a program that fails to load, after three starts", async () => {
    const agent = await open(1, [process.execPath, "-e", 'throw new Error("no luck at load")']);
    const events = await agent.events();
    await agent.enqueue();
    await orderWork(agent, "e0", { what: "double" });
    const { result } = await events.until("attemptEnded");
    if (result.kind !== "failed") throw new Error(`it ${result.kind}`);
    expect(result.error.message).toContain("Cannot start a worker: it exited with code 1: no luck at load");
    expect(events.seen.filter(({ kind }) => kind === "log")).toEqual([]);
    expect(events.seen.filter(({ kind }) => kind === "workerExited").length).toBe(3);
  });

  test("tells why when its command does not exist", async () => {
    const agent = await open(1, ["/no/such/program"]);
    const events = await agent.events();
    expect((await events.until("workerExited")).cause).toContain("could not be started");
  });

  test("exits when its agent dies, idle or at work", async () => {
    for (const what of ["double", "slow", "hang"] as const) {
      // It ends with its stdin, too: when this process is killed, or the test given up, nothing is left running.
      const child = spawn(process.execPath, [join(import.meta.dir, "lonely_agent.ts"), what], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      const directory = await new Promise<string>((resolve, reject) => {
        child.stdout.once("data", (bytes) => resolve(String(bytes).trim()));
        child.once("exit", (code) => reject(new Error(`the agent exited with code ${code}`)));
      });
      try {
        expect(workersOf(directory).length).toBe(1);
      } finally {
        child.kill("SIGKILL");
      }
      await eventually(() => workersOf(directory).length === 0);
      rmSync(directory, { recursive: true });
    }
  }, 60_000);
});

/** Looks again and again until it holds. */
async function eventually(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 50_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error("it never came");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
