/** A job whose workers come and go: who hears of it, who works, and what stays readable. */
import { expect, test } from "bun:test";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import { Cluster } from "./cluster.ts";

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
