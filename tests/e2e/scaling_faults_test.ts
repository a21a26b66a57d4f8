/** Jobs on real processes that scale while they work, whose workers and agents are killed, and whose master is away. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";
import { type Finished, LUCIOLE } from "./executable.ts";

/** Kills workers, one after the other; prints the least time in which it was told, and what. */
const killing = `
import process from "node:process";
import { flow, run } from "luciole";
const held = flow("held", (f) => f.generate(2, async function* (_, ctx) {
  const told = new Promise((resolve) => ctx.on("driverMessage", resolve));
  ctx.sendToDriver(process.pid);
  await told;
  yield ctx.worker;
}));
await run(async (job) => {
  const at = new Map<number, number>();
  const pids = new Map<number, number>();
  let here = () => {};
  job.on<number>("workerMessage", (pid, worker) => {
    pids.set(worker, pid);
    if (pids.size === 2) here();
  });
  let failed = Promise.withResolvers<string>();
  let restarted = Promise.withResolvers<number>();
  job.on("workerFailed", ({ worker }, cause) => failed.resolve(worker + " " + cause));
  job.on("workerRestarted", ({ worker }) => restarted.resolve(worker));
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    failed = Promise.withResolvers();
    restarted = Promise.withResolvers();
    pids.clear();
    const both = new Promise<void>((resolve) => { here = resolve; });
    const execution = job.start(held);
    await both;
    const worker = i % 2;
    const pid = pids.get(worker);
    const killedAt = performance.now();
    process.kill(pid!, "SIGKILL");
    const what = await failed.promise;
    times.push(performance.now() - killedAt);
    const again = await restarted.promise;
    if (!what.startsWith(worker + " ") || !what.includes("SIGKILL") || again !== worker) throw new Error(what + ", " + again);
    // Its task begins anew, and nothing is told twice.
    const other = pids.get(1 - worker);
    pids.clear();
    pids.set(1 - worker, other!);
    if (pids.size < 2) await new Promise<void>((resolve) => { here = resolve; });
    await job.messenger.broadcast("end");
    const rows = await execution.outputs.collect();
    if (rows.length !== 2) throw new Error(rows.join(" "));
  }
  console.log(JSON.stringify({ least: Math.min(...times), workers: job.workers, epoch: job.epoch }));
});
`;

/** Random steps while flows run; every result is checked. */
const steps = `
import { flow, run } from "luciole";
const numbers = flow("numbers", (f) => f.range(600, { shards: 9 }));
const sums = flow("sums", (f, p: { rows: never }) =>
  f.from<number>(p.rows).keyBy((n) => n % 3).reduceByKey((a, b) => a + b).sortByKey());
await run(async (job) => {
  let state = Number(job.args[0]);
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const kept = await job.execute(numbers);
  const expected = JSON.stringify([[0, 59700], [1, 59900], [2, 60100]]);
  const check = async () => {
    const handle = await job.execute(sums, { rows: kept as never });
    const rows = JSON.stringify(await handle.collect());
    handle.release();
    if (rows !== expected) throw new Error(rows);
  };
  let size = job.workers;
  const running: Promise<void>[] = [];
  for (let step = 0; step < 12; step++) {
    running.push(check(), check());
    if (running.length > 6) await Promise.all(running.splice(0, 2));
    const count = 1 + random(3);
    const isUp = random(2) === 0;
    const { scaler } = job;
    // Two at once: they follow each other.
    const calls = [isUp ? scaler.scaleUp(count) : scaler.scaleDown(count), scaler.scaleUp(1)];
    for (const [isDone, by] of [[await calls[0], isUp ? count : -count], [await calls[1], 1]] as const) {
      const most = 6;
      if (isDone !== (by > 0 ? size + by <= most : size + by >= 1)) throw new Error("step " + step + " by " + by + " of " + size + ": " + isDone);
      if (isDone) size += by;
    }
    if (job.workers !== size) throw new Error("step " + step + ": " + job.workers + " and not " + size);
  }
  await Promise.all(running);
  await check();
  console.log("right");
});
`;

/** All workers of one agent go, and what it keeps is wanted when it is gone itself. */
const leaving = `
import { flow, run } from "luciole";
const numbers = flow("numbers", (f) => f.range(1000, { shards: 6 }));
const sums = flow("sums", (f, p: { rows: never }) =>
  f.from<number>(p.rows).keyBy((n) => n % 3).reduceByKey((a, b) => a + b).sortByKey());
await run(async (job) => {
  const workers = new Map<number, string>();
  const known = new Promise<void>((resolve) => job.on("allWorkersJoined", (all) => {
    for (const { worker, agent } of all) workers.set(worker, agent);
    resolve();
  }));
  await known;
  const kept = await job.execute(numbers);
  const last = workers.get(job.workers - 1);
  await job.scaler.scaleDown(2);
  const isEmpty = ![...workers].some(([worker, agent]) => worker < job.workers && agent === last);
  console.log(isEmpty, job.workers);
  await fetch(job.args[0] + last);
  console.log(JSON.stringify(await (await job.execute(sums, { rows: kept as never })).collect()));
  console.log((await kept.collect()).length, job.workers);
});
`;

const alone = `
import { flow, run } from "luciole";
const numbers = flow("numbers", (f) => f.range(10));
await run(async (job) => {
  await job.execute(numbers);
  await fetch(job.args[0]);
  const start = performance.now();
  console.log(await job.scaler.scaleUp(1), performance.now() - start < 30_000);
  console.log((await (await job.execute(numbers)).collect()).length, job.workers);
});
`;

const adaptive = `
import { flow, run } from "luciole";
const slow = flow("slow", (f) => f.generate(12, async function* (shard) {
  await new Promise((resolve) => setTimeout(resolve, 700));
  yield shard;
}));
await run(async (job) => {
  const before = job.workers;
  const rows = await (await job.execute(slow)).collect();
  console.log(before, job.workers > before && job.workers <= 4, rows.length);
});
`;

const cluster = await Cluster.open({
  agents: 3,
  slots: 2,
  files: {
    "killing.ts": killing,
    "steps.ts": steps,
    "leaving.ts": leaving,
    "alone.ts": alone,
    "adaptive.ts": adaptive,
  },
});
afterAll(() => cluster[Symbol.asyncDispose]());
afterEach(() => cluster.settled());

/** Does something when a program asks it to, by the last part of the path; its answer lets the program go on. */
function helper(act: (path: string) => Promise<unknown>): Disposable & { readonly url: string } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: async (request) => {
      await act(new URL(request.url).pathname.slice(1));
      return new Response();
    },
  });
  return { url: server.url.href, [Symbol.dispose]: () => void server.stop(true) };
}

function checkKilled({ code, stdout, stderr }: Finished): void {
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
  const { least, ...rest } = JSON.parse(stdout);
  expect(rest).toEqual({ workers: 2, epoch: 1 });
  expect(least).toBeLessThan(100);
}

test("F1: a worker that is killed is told as failed within 100 ms and as restarted, on a cluster", async () => {
  checkKilled(await cluster.run(["--workers", "2", "killing.ts"]));
}, 60_000);

test("F1: the same on one machine", async () => {
  checkKilled(await cluster.runLocally(["killing.ts"]));
}, 60_000);

test.each([1, 2])(
  "S6 S7: random steps under load, two calls at a time, seed %d",
  async (seed) => {
    const { code, stdout, stderr } = await cluster.run(["--workers", "3", "steps.ts", `${seed}`]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "right\n", stderr: expect.any(String) });
  },
  120_000,
);

test.each(["SIGKILL", "SIGTERM"] as const)(
  "S4: what an agent without workers keeps is computed again when it ends by %s",
  async (signal) => {
    let name = "";
    using ending = helper((agent) => {
      name = agent;
      return cluster.agent(agent).end(signal);
    });
    const { code, stdout, stderr } = await cluster.run(["--workers", "6", "leaving.ts", ending.url]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(`agent ${name} is gone`) });
    expect(stdout.trimEnd().split("\n")).toEqual(["true 4", "[[0,166833],[1,166167],[2,166500]]", "1000 4"]);
    await cluster.startAgent(name);
  },
  60_000,
);

test("S2: without a master scaling up is refused within bounded time and told in one line", async () => {
  using ending = helper(() => cluster.master.end("SIGKILL"));
  const { code, stdout, stderr } = await cluster.run(["--workers", "1", "alone.ts", ending.url]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "false true\n10 1\n" });
  expect(stderr.trimEnd().split("\n")).toEqual([expect.stringMatching(/cannot scale up by 1: .*master/)]);
  await cluster.startMaster();
}, 60_000);

test("--workers 1..4: a job whose tasks wait gets more workers by itself", async () => {
  const env = { LUCIOLE_WORKERS: "1..4" };
  for (const run of [() => cluster.run(["adaptive.ts"], { env }), () => local(["--workers", "1..4"])]) {
    expect(await run()).toMatchObject({ code: 0, stdout: "1 true 12\n" });
  }
}, 60_000);

function local(flags: readonly string[]): Promise<Finished> {
  return cluster.folder.run([LUCIOLE, "run", "--quiet", ...flags, "adaptive.ts"]);
}
