/**
 * Executions on sets of workers (C2, C4, C6, and C1's barrier between two of them): who performs what is told by
 * `ctx.worker`, and rows are compared with plain arrays.
 */
import { describe, expect, test } from "bun:test";
import { NotEnoughResourcesError } from "../../core/errors.ts";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import type { ExecuteOptions } from "../../net/driver/execute_options.ts";
import { pause } from "../../net/pause.ts";
import { Random } from "../simulation/random.ts";
import { Cluster } from "./cluster.ts";
import { soon, until } from "./until.ts";

/** Each row with the worker that made it. */
const performed = flow("sets-performed", (f, p: { rows: number; shards: number }) =>
  f.range(p.rows, { shards: p.shards }).map((n, ctx) => [n % 7, n, ctx.worker] as const),
);

/** The same after an exchange, so that workers read of each other. */
const exchanged = flow("sets-exchanged", (f, p: { rows: DatasetInput<readonly [number, number, number]> }) =>
  f
    .from(p.rows)
    .map((row) => [row[0], row[1]] as [number, number])
    .reduceByKey((a, b) => a + b)
    .map((row, ctx) => [row[0], row[1], ctx.worker] as const),
);

/** Told by the test when tasks may end; workers of the cluster run in this process. */
const gates = new Map<string, { readonly promise: Promise<void>; readonly open: () => void }>();
const begun = new Map<string, Set<number>>();
const held = flow("sets-held", (f, p: { name: string; shards: number; after?: DatasetInput<number> }) => {
  const tasks = f.generate(p.shards, async function* (shard, ctx) {
    begun.set(p.name, (begun.get(p.name) ?? new Set()).add(ctx.worker));
    await gates.get(`${p.name}-${shard}`)?.promise;
    await gates.get(p.name)?.promise;
    yield shard;
  });
  return p.after === undefined ? tasks : tasks.union(f.from(p.after));
});

function gate(name: string): void {
  const { promise, resolve } = Promise.withResolvers<void>();
  gates.set(name, { promise, open: resolve });
  begun.delete(name);
}

const began = (name: string) => begun.get(name) ?? new Set<number>();

describe("sets of workers", () => {
  test("C6: only the workers of a set run what is bound to it, whatever the sets", async () => {
    for (const [agents, slots] of [
      [1, 3],
      [2, 2],
      [5, 1],
    ]) {
      await using cluster = await Cluster.open({ agents, slots });
      const random = new Random(agents);
      const all = Array.from({ length: agents * slots }, (_, worker) => worker);
      const runs = Array.from({ length: 12 }, async (_, i) => {
        const some = all.filter(() => random.chance(2));
        const workers = some.length > 0 ? some : [random.pick(all)];
        const rows = 20 + i * 13;
        const made = await cluster.job.execute(performed, { rows, shards: 1 + (i % 9) }, { workers });
        const others = workers.toReversed();
        const sums = await cluster.job.execute(exchanged, { rows: made }, { workers: others });
        const found = await made.collect();
        expect(found.map(([, n]) => n)).toEqual(Array.from({ length: rows }, (_, n) => n));
        const plain = new Map<number, number>();
        for (const [key, n] of found) plain.set(key, (plain.get(key) ?? 0) + n);
        const summed = await sums.collect();
        expect(new Map(summed.map(([key, sum]) => [key, sum]))).toEqual(plain);
        for (const [, , worker] of [...found, ...summed]) expect(workers).toContain(worker);
        made.release();
        sums.release();
      });
      await Promise.all(runs);
    }
  }, 60_000);

  test("a number of workers is given disjointly, and who finds no room waits in the order of asking", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    for (const name of ["a", "b", "c", "d"]) gate(name);
    const a = cluster.job.start(held, { name: "a", shards: 2 }, { workers: 2 });
    const b = cluster.job.start(held, { name: "b", shards: 1 }, { workers: 1 });
    await until("a and b run", () => began("a").size === 2 && began("b").size === 1);
    expect(began("a").isDisjointFrom(began("b"))).toBe(true);
    const c = cluster.job.start(held, { name: "c", shards: 3 }, { workers: 3 });
    // There is room for it, but c asked first.
    const d = cluster.job.start(held, { name: "d", shards: 1 }, { workers: 1 });
    await until("c is told to wait", () => cluster.logged.some((line) => line.includes("waiting")));
    gates.get("b")?.open();
    await b.done;
    expect(began("c").size + began("d").size).toBe(0);
    gates.get("a")?.open();
    await a.done;
    await until("c and d run", () => began("c").size === 3 && began("d").size === 1);
    expect(began("c").isDisjointFrom(began("d"))).toBe(true);
    gates.get("c")?.open();
    gates.get("d")?.open();
    await Promise.all([c.done, d.done]);
    expect(cluster.logged[0]).toStartWith(
      'waiting: flow "sets-held": it asks for 3 workers, and 1 of the job\'s 4 workers is free',
    );
  });

  test("C2: of a diamond B and C run at the same time on disjoint workers, and D reads both", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    gates.clear();
    const a = await cluster.job.execute(held, { name: "A", shards: 4 });
    gate("B");
    gate("C");
    const b = cluster.job.execute(held, { name: "B", shards: 2, after: a }, { workers: 2 });
    const c = cluster.job.execute(held, { name: "C", shards: 2, after: a }, { workers: 2 });
    await until("B and C run at the same time", () => began("B").size === 2 && began("C").size === 2);
    expect(began("B").isDisjointFrom(began("C"))).toBe(true);
    gates.get("B")?.open();
    gates.get("C")?.open();
    const d = flow("sets-diamond", (f, p: { b: DatasetInput<number>; c: DatasetInput<number> }) =>
      f.from(p.b).union(f.from(p.c)).countByValue(),
    );
    const counts = await (await cluster.job.execute(d, { b: await b, c: await c })).collect();
    expect(new Map(counts)).toEqual(
      new Map([
        [0, 4],
        [1, 4],
        [2, 2],
        [3, 2],
      ]),
    );
  });

  test("C1: B starts only after every worker of A has acknowledged; one that is late delays it", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    gates.clear();
    gate("late-3");
    begun.delete("late");
    begun.delete("reader");
    const a = cluster.job.start(held, { name: "late", shards: 4 }, { workers: 4 });
    let isDone = false;
    void a.done.then(() => {
      isDone = true;
    });
    const b = cluster.job.start(held, { name: "reader", shards: 1, after: a.outputs });
    const committed = () => a.progress?.groups.reduce((sum, group) => sum + group.committed, 0) ?? 0;
    await until("three of four have acknowledged", () => committed() === 3);
    // Twister2 took the first worker's completion for the graph's.
    expect(began("reader").size).toBe(0);
    expect(isDone).toBe(false);
    gates.get("late-3")?.open();
    await Promise.all([a.done, b.done]);
    expect(began("reader").size).toBe(1);
    expect((await b.outputs.collect()).toSorted()).toEqual([0, 0, 1, 2, 3]);
  });

  test("C1: one worker that is delayed by 2 s delays completion by 2 s, and who reads it", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    const slow = flow("sets-slow", (f, p: { ms: number }) =>
      f.generate(4, async function* (shard) {
        if (shard === 1) await pause(p.ms);
        yield performance.now();
      }),
    );
    const reading = flow("sets-reading", (f, p: { rows: DatasetInput<number> }) =>
      f.from(p.rows).map((at) => [at, performance.now()] as const),
    );
    const a = cluster.job.start(slow, { ms: 2_000 });
    const b = cluster.job.start(reading, { rows: a.outputs });
    const begunAt = performance.now();
    // Handles do not read what is not whole either.
    const early = a.outputs.collect();
    await a.done;
    const doneAt = performance.now();
    const times = await early;
    expect(times.length).toBe(4);
    expect(doneAt - begunAt).toBeGreaterThanOrEqual(1_990);
    // By the delay, and what a busy machine adds: not by more workers, turns or time-outs.
    expect(doneAt - Math.max(...times)).toBeLessThan(5_000);
    for (const [, readAt] of await b.outputs.collect())
      expect(readAt).toBeGreaterThanOrEqual(Math.max(...times));
  }, 60_000);

  test("C4: what asks for more workers than there are is refused by name, and who may not wait is refused", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const { job } = cluster;
    const p = { rows: 3, shards: 1 };
    const refused = async (options: Parameters<typeof job.execute>[2]) =>
      job.execute(performed, p, options).then(
        () => "it ran",
        (error: unknown) => {
          expect(error).toBeInstanceOf(NotEnoughResourcesError);
          return error instanceof Error ? error.message : "";
        },
      );
    expect(await refused({ workers: 3 })).toBe(
      'Cannot execute flow "sets-performed": it asks for 3 workers, and 2 of the job\'s 2 workers are free',
    );
    expect(await refused({ workers: [0, 7] })).toBe(
      'Cannot execute flow "sets-performed": it asks for worker 7, and the job has workers 0, 1',
    );
    expect(await refused({ workers: 1, resources: { cpu: 2 } })).toBe(
      'Cannot execute flow "sets-performed": it asks for 1 worker with the resources of 2 each, and 2 of the job\'s 2 workers are free',
    );
    gate("busy");
    const busy = job.start(held, { name: "busy", shards: 2 }, { workers: 2 });
    await until("it runs", () => began("busy").size === 2);
    expect(await refused({ workers: 1, queue: false })).toStartWith(
      'Cannot execute flow "sets-performed": it asks for 1 worker, and 0 of the job\'s 2 workers are free, the others are held by "sets-held"',
    );
    gates.get("busy")?.open();
    await busy.done;
    expect((await (await job.execute(performed, p, { workers: 2, queue: false })).collect()).length).toBe(3);
  });

  test("C4, S3: what waits for more workers gets those that join, by call or because it waits", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1, spareSlots: 3 });
    const { job } = cluster;
    const p = { rows: 12, shards: 12 };
    const [isUp, rows] = await Promise.all([
      job.scaler.scaleUp(1),
      job.execute(performed, p, { workers: 2 }),
    ]);
    expect(isUp).toBe(true);
    expect((await rows.collect()).length).toBe(12);
    expect(await job.execute(performed, p, { workers: 3 }).then(String, String)).toContain(
      "2 of the job's 2 workers are free",
    );
    expect(job.scaler.adaptive({ max: 4, upAfterMs: 100 })).toBe(true);
    const more = await soon("workers that join", job.execute(performed, p, { workers: 4 }));
    expect((await more.collect()).length).toBe(12);
    expect(job.workers).toBe(4);
    job.scaler.adaptive(false);
  });

  test("when all workers of a set are removed, others take over, and named ones are told as gone", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const { job } = cluster;
    gate("moved");
    const named = job.start(held, { name: "moved", shards: 1 }, { workers: [1] });
    await until("it runs", () => began("moved").has(1));
    const counted = job.start(performed, { rows: 20, shards: 20 }, { workers: 1 });
    gates.get("moved")?.open();
    expect(await job.scaler.scaleDown(1)).toBe(true);
    await Promise.all([named.done, counted.done]);
    expect(
      await job.execute(performed, { rows: 1, shards: 1 }, { workers: [1] }).then(String, String),
    ).toContain("it asks for worker 1, and the job has workers 0");
    const rows = await job.execute(performed, { rows: 4, shards: 4 }, { workers: 1 });
    expect(new Set((await rows.collect()).map(([, , worker]) => worker))).toEqual(new Set([0]));
  });

  test("resources of several workers leave the others idle for whoever asks for workers, and double the memory", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2, memoryBytes: 4000 });
    const { job } = cluster;
    gate("wide");
    const wide = job.start(held, { name: "wide", shards: 4 }, { workers: 1, resources: { memory: 2000 } });
    await until("it runs", () => began("wide").size === 1);
    const rest = await (await job.execute(performed, { rows: 8, shards: 8 }, { workers: 2 })).collect();
    const [own] = began("wide");
    const agent = Math.floor(own / 2);
    expect(new Set(rest.map(([, , worker]) => Math.floor(worker / 2)))).toEqual(new Set([1 - agent]));
    gates.get("wide")?.open();
    await wide.done;
  });

  test("schedule() says which workers run an execution, and is shown its inputs and the load", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    const { job } = cluster;
    const made = await job.execute(performed, { rows: 50, shards: 2 }, { workers: [2, 3] });
    let seen: unknown;
    const sums = await job.execute(
      exchanged,
      { rows: made },
      {
        workers: 1,
        schedule: async (graph, workers) => {
          seen = { ...graph, inputs: graph.inputs.map(({ agents }) => Object.keys(agents)) };
          return [workers.reduce((best, one) => (one.inputBytes > best.inputBytes ? one : best)).worker];
        },
      },
    );
    expect(new Set((await sums.collect()).map(([, , worker]) => worker))).toEqual(new Set([2]));
    expect(seen).toMatchObject({ flow: "sets-exchanged", workers: 1, inputs: [["agent1"]] });
  });

  test.each([
    [
      () => [],
      'RangeError: Cannot execute flow "sets-performed": the answer of schedule must be different numbers of workers, got none',
    ],
    [
      () => [0, 0],
      'RangeError: Cannot execute flow "sets-performed": the answer of schedule must be different numbers of workers, got 0 twice',
    ],
    [
      () => [1.5],
      'RangeError: Cannot execute flow "sets-performed": the answer of schedule must be different numbers of workers, got 1.5',
    ],
    [
      () => [9],
      'NotEnoughResourcesError: Cannot execute flow "sets-performed": it asks for worker 9, and the job has workers 0, 1',
    ],
    [
      () => undefined as never,
      'RangeError: Cannot execute flow "sets-performed": the answer of schedule must be different numbers of workers, got undefined',
    ],
    [
      () => {
        throw new Error("no idea");
      },
      'LucioleError: Cannot execute flow "sets-performed": its schedule function threw: Error: no idea',
    ],
  ])("a bad answer of schedule() is refused by name: %#", async (schedule, message) => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    const run = cluster.job.execute(performed, { rows: 1, shards: 1 }, { schedule });
    expect(await run.then(String, String)).toBe(message);
  });

  test("options that are out of range are refused before anything is asked for", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    const told = (options: Parameters<typeof cluster.job.execute>[2]) =>
      cluster.job.execute(performed, { rows: 1, shards: 1 }, options).then(String, String);
    expect(await told({ workers: 0 })).toBe(
      'RangeError: Cannot execute flow "sets-performed": workers must be an integer of at least 1, got 0',
    );
    expect(await told({ workers: 1.5 })).toContain("got 1.5");
    expect(await told({ workers: [] })).toContain("workers must be different numbers of workers, got none");
    expect(await told({ resources: { cpu: 0 } })).toContain("resources.cpu must be a number above 0, got 0");
    expect(await told({ resources: { memory: "much" } })).toContain(
      'resources.memory must be bytes or a size such as "2GiB"',
    );
    expect(await told({ retries: -1 })).toContain("retries must be an integer of at least 0, got -1");
    // What the compiler does not see.
    const odd = (options: unknown) => told(options as ExecuteOptions);
    expect(await odd({ workers: "2" })).toContain("TypeError: Cannot execute flow");
    expect(await odd({ workers: true })).toContain(
      "workers must be a number of workers or a list of theirs, got true",
    );
    expect(await odd({ queue: 0 })).toContain("queue must be true or false, got 0");
    expect(await odd({ worker: 1 })).toBe(
      'TypeError: Cannot use flow "sets-performed": unknown option "worker", did you mean "workers"?',
    );
    expect(await odd({ resources: { memroy: 1 } })).toContain(
      'unknown option "memroy", did you mean "memory"?',
    );
    expect(await odd({ resources: null })).toContain(
      "resources must be an object such as { cpu: 2 }, got null",
    );
  });

  test("retries bounds how often a task may fail", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    let times = 0;
    const failing = flow("sets-failing", (f) =>
      f.range(1).map((n) => {
        times += 1;
        if (times < 3) throw new Error(`failure ${times}`);
        return n;
      }),
    );
    expect(await cluster.job.execute(failing, undefined, { retries: 0 }).then(String, String)).toContain(
      "failure 1",
    );
    times = 0;
    expect(await cluster.job.execute(failing, undefined, { retries: 1 }).then(String, String)).toContain(
      "failure 1",
    );
    expect(times).toBe(2);
    times = 0;
    expect(await (await cluster.job.execute(failing, undefined, { retries: 2 })).collect()).toEqual([0]);
  });
});
