/** W2: sorts lines by their first ten characters. */
import { flow, run } from "luciole";

const sortLines = flow("w2", (f, p: { input: string; output: string }) =>
  f
    .text(p.input)
    .sortBy((line) => line.slice(0, 10))
    .writeText(p.output),
);

await run(async (job) => {
  const [input = "", output = ""] = job.args;
  await job.execute(sortLines, { input, output });
});
