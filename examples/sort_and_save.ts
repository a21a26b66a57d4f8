/**
 * Sorts the lines of text files and saves them in one file.
 *
 *   bun examples/sort_and_save.ts [INPUT] [OUTPUT]
 *
 * Lines are compared by code point, as `LC_ALL=C sort` does. What does not fit in memory is
 * sorted on disk. Without `single` the output would be a directory of sorted parts.
 */
import { flow, run } from "luciole";

const sortLines = flow("sort-lines", (f, p: { input: string; output: string }) =>
  f.text(p.input).sort().writeText(p.output, { single: true, overwrite: true }),
);

await run(async (job) => {
  const [input = "README.md", output = "sorted.txt"] = job.args;
  const sorted = await job.execute(sortLines, { input, output });
  const { rows, path } = await sorted.result();
  console.log(`${rows} lines in ${path}`);
});
