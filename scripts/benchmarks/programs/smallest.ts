/** The smallest job: from launch to result. */
import { flow, run } from "luciole";

const smallest = flow("smallest", (f) => f.values([1, 2, 3]).map((n) => n * 2));

await run(async (job) => {
  const rows = await (await job.execute(smallest)).collect();
  console.log(rows.join(" "));
});
