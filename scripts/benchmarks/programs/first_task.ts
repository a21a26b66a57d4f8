/** Prints the milliseconds from a time, given in ms since 1970, to the first row of the first task. */
import { flow, run } from "luciole";

const first = flow("first-task", (f) => f.values([0]).map(() => Date.now()));

await run(async (job) => {
  const [at] = await (await job.execute(first)).collect();
  console.log(at - Number(job.args[0]));
});
