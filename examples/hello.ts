/**
 * Has every worker say hello, and its neighbour answer.
 *
 *   bun examples/hello.ts [NAME]
 *
 * A worker program runs once on each worker of a set; its dataset has a row for each of them.
 */
import { run, worker } from "luciole";

const hello = worker("hello", async (ctx, p: { name: string }) => {
  const next = (ctx.rank + 1) % ctx.size;
  const previous = (ctx.rank + ctx.size - 1) % ctx.size;
  await ctx.send(next, `${p.name} from rank ${ctx.rank}`);
  const heard = await ctx.receive<string>(previous);
  const total = await ctx.allReduce(ctx.rank, "sum");
  return `rank ${ctx.rank} of ${ctx.size} heard "${heard}"; all ranks together are ${total}`;
});

await run(async (job) => {
  const [name = "hello"] = job.args;
  for (const row of await (await job.execute(hello, { name })).collect()) console.log(row);
});
