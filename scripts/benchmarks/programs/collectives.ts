/**
 * Barriers and all-reduces of a worker program on all workers of a warm job. Arguments are how many of the short ones and
 * how many of the long ones; prints the milliseconds of each, as rank 0 saw them, as one line of JSON.
 */
import { run, type WorkerContext, worker } from "luciole";

const SHORT_BYTES = 1024;
const LONG_BYTES = 8 * 2 ** 20;

async function timed(ctx: WorkerContext, times: number, act: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    await ctx.barrier();
    const start = performance.now();
    await act();
    taken.push(performance.now() - start);
  }
  return taken;
}

/** All-reduce of ones, of which the result is known. */
async function reduceOnes(ctx: WorkerContext, vector: Float64Array): Promise<void> {
  const sums = await ctx.allReduce(vector, "sum");
  if (sums.length !== vector.length || sums[0] !== ctx.size || sums.at(-1) !== ctx.size) {
    throw new Error(`the sum of ${ctx.size} ones is ${sums[0]}`);
  }
}

const measured = worker("measured-collectives", async (ctx, p: { short: number; long: number }) => {
  const short = new Float64Array(SHORT_BYTES / 8).fill(1);
  const long = new Float64Array(LONG_BYTES / 8).fill(1);
  return {
    barrier: await timed(ctx, p.short, () => ctx.barrier()),
    short: await timed(ctx, p.short, () => reduceOnes(ctx, short)),
    long: await timed(ctx, p.long, () => reduceOnes(ctx, long)),
  };
});

await run(async (job) => {
  const [short = "500", long = "20"] = job.args;
  await job.execute(measured, { short: 50, long: 2 });
  const [first] = await (await job.execute(measured, { short: Number(short), long: Number(long) })).take(1);
  console.log(JSON.stringify(first));
});
