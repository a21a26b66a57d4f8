/** W1 in kernel form: every count written. */
import { flow, run } from "luciole";

const wordCount = flow("w1-kernel", (f, p: { input: string; output: string }) =>
  f.text(p.input).words().countByValue().writeCsv(p.output, { header: false, delimiter: "\t" }),
);

await run(async (job) => {
  const [input = "", output = ""] = job.args;
  await job.execute(wordCount, { input, output });
});
