/** W1 in closure form: every count written. */
import { flow, run } from "luciole";

const wordCount = flow("w1-closures", (f, p: { input: string; output: string }) =>
  f
    .text(p.input)
    .flatMap((line) => line.split(/\s+/))
    .filter((word) => word !== "")
    .map((word): [string, number] => [word, 1])
    .reduceByKey((a, b) => a + b)
    .writeText(p.output, ([word, n]) => `${word}\t${n}`),
);

await run(async (job) => {
  const [input = "", output = ""] = job.args;
  await job.execute(wordCount, { input, output });
});
