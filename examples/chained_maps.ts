/**
 * Runs seven maps over a partitioned dataset; the planner fuses them into one loop.
 *
 *   bun examples/chained_maps.ts [ROWS] [SHARDS]
 *
 * Prints the plan, where the seven are one task group, and the sum of what comes out.
 */
import { type FlowBuilder, flow, run } from "luciole";

interface Params {
  readonly rows: number;
  readonly shards: number;
}

const chain = (f: FlowBuilder, { rows, shards }: Params) =>
  f
    .range(rows)
    .partitionBy((n) => n % shards, shards)
    .map((n) => n + 1)
    .map((n) => n * 2)
    .map((n) => n - 1)
    .map((n) => n % 1000)
    .map((n) => ({ n, square: n * n }))
    .map(({ n, square }) => square - n)
    .map((n) => n / 2);

const chainedMaps = flow("chained-maps", (f, p: Params) => chain(f, p).sum());

/** The plan is a row here: workers call builders too, so what a builder prints comes more than once. */
const plan = flow("chained-maps-plan", (f, p: Params) => f.values([chain(f, p).explain()]));

await run(async (job) => {
  const [rows = "1000000", shards = "7"] = job.args;
  const params = { rows: Number(rows), shards: Number(shards) };
  const [text] = await (await job.execute(plan, params)).collect();
  console.log(text);
  const [sum] = await (await job.execute(chainedMaps, params)).collect();
  console.log(`sum\t${sum}`);
});
