/** A job whose workers come and go: who hears of it, who works, and what stays readable. */
import { expect, test } from "bun:test";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import type { Job } from "../../net/driver/job.ts";
import { pause } from "../../net/pause.ts";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const numbers = flow("scaling-numbers", (f, p: { n: number }) => f.range(p.n, { shards: 8 }));
const doubled = flow("scaling-doubled", (f, p: { rows: DatasetInput<number> }) =>
  f.from(p.rows).map((n) => n * 2),
);
/** Which workers there are: each holds its task until all are there. */
const who = flow("scaling-who", (f, p: { tasks: number }) =>
  f.generate(p.tasks, async function* (_, ctx) {
    const told = new Promise<void>((resolve) => ctx.on("driverMessage", () => resolve()));
    ctx.sendToDriver(ctx.worker);
    await told;
    yield ctx.worker;
  }),
);

/** Tells what each worker hears of the others, until it is told to end. */
const listening = flow("scaling-listening", (f, p: { tasks: number }) =>
  f.generate(p.tasks, async function* (_, ctx) {
    const told = new Promise<void>((resolve) => ctx.on("driverMessage", () => resolve()));
    ctx.on("workersScaledUp", (count, epoch) => ctx.sendToDriver(`up ${count} in ${epoch}`));
    ctx.on("workersScaledDown", (count, epoch) => ctx.sendToDriver(`down ${count} in ${epoch}`));
    ctx.on("allWorkersJoined", (_workers, epoch) => ctx.sendToDriver(`all of ${epoch}`));
    await told;
    yield 0;
  }),
);
/** Tasks that take a fifth of a second, without doing anything. */
const lasting = flow("scaling-lasting", (f, p: { tasks: number }) =>
  f.generate(p.tasks, async function* (shard) {
    await pause(200);
    yield shard;
  }),
);
/** Workers of these clusters are in this process: what opens here opens there. */
let opened = Promise.withResolvers<void>();
/** Tasks that tell when they begin, and end when the gate is opened. */
const gated = flow("scaling-gated", (f, p: { tasks: number }) =>
  f.generate(p.tasks, async function* (shard, ctx) {
    ctx.sendToDriver("begun");
    await opened.promise;
    yield shard;
  }),
);

function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Closes the gate, and notes which workers begin tasks. */
function closeGate(job: Job): readonly number[] {
  opened = Promise.withResolvers();
  const begun: number[] = [];
  job.on("workerMessage", (_message, worker) => begun.push(worker));
  return begun;
}

async function readTwice(
  job: Job,
  rows: DatasetInput<number> & object,
  expected: readonly number[],
): Promise<void> {
  const twice = await job.execute(doubled, { rows });
  expect(await twice.collect()).toEqual([...expected]);
  twice.release();
}

/** The workers that perform so many tasks at once. */
async function workersOf(cluster: Cluster, tasks: number): Promise<number[]> {
  const { job } = cluster;
  let waiting = 0;
  job.on("workerMessage", () => {
    waiting += 1;
    if (waiting === tasks) void job.messenger.broadcast("go");
  });
  const rows = await (await job.execute(who, { tasks })).collect();
  return rows.toSorted((a, b) => a - b);
}

test("S1: a job that is not scalable refuses at once, and goes on", async () => {
  await using cluster = await Cluster.open({ agents: 1, slots: 1, spareSlots: 2, isScalable: false });
  const { job } = cluster;
  expect(job.scaler.scalable).toBe(false);
  expect(await job.scaler.scaleUp(1)).toBe(false);
  expect(await job.scaler.scaleDown(1)).toBe(false);
  expect(job.scaler.adaptive({ max: 3 })).toBe(false);
  expect([job.workers, job.epoch]).toEqual([1, 1]);
  expect(await (await job.execute(numbers, { n: 3 })).collect()).toEqual([0, 1, 2]);
});

test("S3: the first flow after scaling up uses the new workers, on a new agent too; older datasets are readable", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 1, spareSlots: 1, idleAgents: 1 });
  const { job } = cluster;
  const before = await job.execute(numbers, { n: 100 });
  expect(await job.scaler.scaleUp(3)).toBe(true);
  expect([job.workers, job.epoch]).toEqual([4, 2]);
  expect(await workersOf(cluster, 4)).toEqual([0, 1, 2, 3]);
  const expected = Array.from({ length: 100 }, (_, i) => i);
  expect(await before.collect()).toEqual(expected);
  const twice = await job.execute(doubled, { rows: before });
  expect(await twice.collect()).toEqual(expected.map((n) => n * 2));
});

test("S4: the next flow after scaling down never addresses those that were removed, and reads what they made", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 2 });
  const { job } = cluster;
  const before = await job.execute(numbers, { n: 100 });
  expect(await job.scaler.scaleDown(3)).toBe(true);
  expect([job.workers, job.epoch]).toEqual([1, 2]);
  expect(await workersOf(cluster, 1)).toEqual([0]);
  const expected = Array.from({ length: 100 }, (_, i) => i);
  expect(await (await job.execute(doubled, { rows: before })).collect()).toEqual(expected.map((n) => n * 2));
  expect(await job.scaler.scaleUp(1)).toBe(true);
  expect(await workersOf(cluster, 2)).toEqual([0, 4]);
});

test("S2: old workers hear workersScaledUp and workersScaledDown, driver and all workers hear allWorkersJoined once an epoch", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 1, spareSlots: 1 });
  const { job } = cluster;
  const heard: string[] = [];
  const told: string[] = [];
  job.on("allWorkersJoined", (workers, epoch) => told.push(`${epoch}: ${workers.map((one) => one.worker)}`));
  job.on("workerMessage", (message: string, worker) => heard.push(`${worker} ${message}`));
  // One task on each worker: what was told before is kept for it.
  const listenOn = async (workers: number): Promise<void> => {
    const execution = job.start(listening, { tasks: workers });
    await until(
      "all have heard",
      () => heard.filter((line) => line.endsWith(`all of ${job.epoch}`)).length === workers,
    );
    await job.messenger.broadcast("end");
    await execution.done;
  };
  await listenOn(2);
  expect(await job.scaler.scaleUp(2)).toBe(true);
  await listenOn(4);
  expect(await job.scaler.scaleDown(1)).toBe(true);
  await listenOn(3);
  expect(told).toEqual(["1: 0,1", "2: 0,1,2,3", "3: 0,1,2"]);
  expect(heard.toSorted()).toEqual(
    [
      ["0 all of 1", "0 up 2 in 2", "0 all of 2", "0 down 1 in 3", "0 all of 3"],
      ["1 all of 1", "1 up 2 in 2", "1 all of 2", "1 down 1 in 3", "1 all of 3"],
      ["2 all of 2", "2 down 1 in 3", "2 all of 3", "3 all of 2"],
    ]
      .flat()
      .toSorted(),
  );
});

test("S2: every epoch is told as complete, however soon the next change is asked for", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 1, spareSlots: 2 });
  const { job } = cluster;
  const told: string[] = [];
  job.on("allWorkersJoined", (workers, epoch) => told.push(`${epoch}: ${workers.map((one) => one.worker)}`));
  const changes = [job.scaler.scaleUp(1), job.scaler.scaleDown(2), job.scaler.scaleUp(2)];
  expect(await Promise.all(changes)).toEqual([true, true, true]);
  expect(told).toEqual(["1: 0,1", "2: 0,1,2", "3: 0", "4: 0,3,4"]);
});

test("S4: a worker that is taken away ends its task first, and gets no other one", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 1 });
  const { job } = cluster;
  const begun = closeGate(job);
  const execution = job.start(gated, { tasks: 4 });
  await until("both work", () => begun.length === 2);
  const isDown = job.scaler.scaleDown(1);
  await until("it is no member any more", () => job.workers === 1);
  opened.resolve();
  expect(await isDown).toBe(true);
  expect((await execution.outputs.collect()).length).toBe(4);
  expect(begun.toSorted()).toEqual([0, 0, 0, 1]);
}, 60_000);

test("S7: numbers that are none are refused, more than there are change nothing, and concurrent calls follow each other", async () => {
  await using cluster = await Cluster.open({ agents: 1, slots: 1, spareSlots: 2 });
  const { job } = cluster;
  for (const count of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    await expect(job.scaler.scaleUp(count)).rejects.toThrow(RangeError);
    await expect(job.scaler.scaleDown(count)).rejects.toThrow(RangeError);
  }
  expect(await job.scaler.scaleDown(1)).toBe(false);
  expect(await job.scaler.scaleUp(3)).toBe(false);
  expect([job.workers, job.epoch]).toEqual([1, 1]);
  expect(cluster.logged).toEqual([
    "cannot scale down by 1: the job has 1 worker, and needs one",
    "cannot scale up by 3: all agents are full",
  ]);
  const { scaler } = job;
  const calls = [
    scaler.scaleUp(2),
    scaler.scaleUp(1),
    scaler.scaleDown(1),
    scaler.scaleDown(2),
    scaler.scaleUp(1),
  ];
  expect(await Promise.all(calls)).toEqual([true, false, true, false, true]);
  expect([job.workers, job.epoch]).toEqual([3, 4]);
  await job.close();
  await expect(scaler.scaleUp(1)).rejects.toThrow("Cannot scale the job: it is closed");
  expect(() => scaler.adaptive({ max: 2 })).toThrow(TypeError);
});

test("S6: 50 random steps under load leave the right workers, the right results, and nothing else", async () => {
  const random = randomOf(7);
  await using cluster = await Cluster.open({ agents: 3, slots: 2, spareSlots: 2, idleAgents: 1 });
  const { job } = cluster;
  let size = 4;
  const running: Promise<void>[] = [];
  const kept = await job.execute(numbers, { n: 300 });
  const expected = Array.from({ length: 300 }, (_, i) => i * 2);
  for (let step = 0; step < 50; step++) {
    running.push(readTwice(job, kept, expected));
    if (running.length > 6) await running.shift();
    const count = 1 + random(4);
    if (random(2) === 0) {
      const isUp = await job.scaler.scaleUp(count);
      expect(isUp).toBe(size + count <= 12);
      if (isUp) size += count;
    } else {
      const isDown = await job.scaler.scaleDown(count);
      expect(isDown).toBe(count < size);
      if (isDown) size -= count;
    }
    expect(job.workers).toBe(size);
  }
  await Promise.all(running);
  expect((await workersOf(cluster, size)).length).toBe(new Set(await workersOf(cluster, size)).size);
}, 120_000);

test("adaptive: a job gets workers while tasks wait, and loses those that are idle", async () => {
  await using cluster = await Cluster.open({ agents: 1, slots: 1, spareSlots: 3 });
  const { job } = cluster;
  const begun = closeGate(job);
  expect(job.scaler.adaptive({ min: 2, max: 3, upAfterMs: 0, downAfterMs: 100 })).toBe(true);
  const execution = job.start(gated, { tasks: 3 });
  await until("three work", () => new Set(begun).size === 3);
  opened.resolve();
  await execution.done;
  await until("one is gone", () => job.workers === 2);
  expect(job.scaler.adaptive(false)).toBe(true);
}, 60_000);

test("adaptive: a load that comes in waves gets workers for its waves once, and they stay", async () => {
  await using cluster = await Cluster.open({ agents: 1, slots: 1, spareSlots: 3 });
  const { job } = cluster;
  const sizes: number[] = [];
  job.on("allWorkersJoined", (workers) => sizes.push(workers.length));
  job.scaler.adaptive({ max: 3, upAfterMs: 0, downAfterMs: 5_000 });
  // Each wave lasts for longer than the load is looked at, and so does what lies between them.
  for (let wave = 0; wave < 5; wave++) {
    await job.execute(lasting, { tasks: 6 });
    await pause(300);
  }
  expect(sizes).toEqual([1, 2, 3]);
}, 60_000);

test("adaptive: it takes what room there is, and tells once that there is no more", async () => {
  await using cluster = await Cluster.open({ agents: 1, slots: 1, spareSlots: 2 });
  const { job } = cluster;
  const begun = closeGate(job);
  job.scaler.adaptive({ min: 8, max: 16, upAfterMs: 0 });
  const execution = job.start(gated, { tasks: 3 });
  await until("three work", () => new Set(begun).size === 3);
  // It is tried again four times a second.
  await pause(1_000);
  opened.resolve();
  await execution.done;
  expect(cluster.logged).toEqual(["cannot scale up by 5: all agents are full"]);
  expect(job.scaler.adaptive(false)).toBe(true);
}, 60_000);
