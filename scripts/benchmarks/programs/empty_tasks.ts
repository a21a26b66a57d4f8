/** W6: a thousand empty tasks, or as many as are asked for, in a warm job; prints the milliseconds of each of five executions. */
import { flow, run } from "luciole";

const empty = flow("w6-empty", (f, p: { tasks: number }) =>
  f.range(p.tasks, { shards: p.tasks }).filter(() => false),
);

await run(async (job) => {
  const tasks = Number(job.args[0] ?? 1000);
  await (await job.execute(empty, { tasks: 4 })).release();
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    const none = await job.execute(empty, { tasks });
    console.log((performance.now() - start).toFixed(1));
    await none.release();
  }
});
