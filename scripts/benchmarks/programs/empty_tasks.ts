/** W6: a thousand empty tasks in a warm job; prints the milliseconds of each of five executions. */
import { flow, run } from "luciole";

const TASKS = 1000;
const empty = flow("w6-empty", (f, p: { tasks: number }) =>
  f.range(p.tasks, { shards: p.tasks }).filter(() => false),
);

await run(async (job) => {
  await (await job.execute(empty, { tasks: 4 })).release();
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    const none = await job.execute(empty, { tasks: TASKS });
    console.log((performance.now() - start).toFixed(1));
    await none.release();
  }
});
