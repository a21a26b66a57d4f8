/** Worker programs in jobs whose workers come and go. */
import { expect, test } from "bun:test";
import { worker } from "../../core/program/worker.ts";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

let opened = Promise.withResolvers<void>();
/** All but rank 0 wait in a barrier until the gate is opened. */
const meeting = worker("wps-meeting", async (ctx) => {
  ctx.sendToDriver("there");
  if (ctx.rank === 0) await opened.promise;
  await ctx.barrier();
  return [await ctx.allReduce(1, "sum"), ctx.size, ctx.epoch];
});

test("S5: scaling during a barrier: it completes with the members and the epoch that it had, and the next one has others", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 2, spareSlots: 2 });
  const { job } = cluster;
  let there = 0;
  job.on("workerMessage", () => {
    there += 1;
  });
  opened = Promise.withResolvers();
  const execution = job.start(meeting);
  await until("all are there", () => there === 4);
  expect(await job.scaler.scaleUp(1)).toBe(true);
  const isDown = job.scaler.scaleDown(2);
  await until("two are to leave", () => job.workers === 3);
  opened.resolve();
  expect(await execution.outputs.collect()).toEqual(new Array(4).fill([4, 4, 1]));
  expect(await isDown).toBe(true);
  const rows = await (await job.execute(meeting)).collect();
  expect(rows).toEqual(new Array(3).fill([3, 3, job.epoch]));
}, 60_000);

test.each([
  ["by number", 4],
  ["by name", [0, 1, 2, 3]],
])(
  "S5: a worker program that asked for its workers %s ends with those that are to leave meanwhile",
  async (_, workers) => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    const { job } = cluster;
    let there = 0;
    job.on("workerMessage", () => {
      there += 1;
    });
    opened = Promise.withResolvers();
    const execution = job.start(meeting, undefined, { workers });
    await until("all are there", () => there === 4);
    const isDown = job.scaler.scaleDown(1);
    await until("one is to leave", () => job.workers === 3);
    opened.resolve();
    expect(await execution.outputs.collect()).toEqual(new Array(4).fill([4, 4, 1]));
    expect(await isDown).toBe(true);
  },
  60_000,
);
