/**
 * Makes an inverted file: for each word, the sorted list of the files that it occurs in.
 *
 *   bun examples/inverted_file.ts [GLOB]
 */
import { flow, run } from "luciole";

const invertedFile = flow("inverted-file", (f, p: { files: string }) =>
  f
    .files(p.files)
    .lines({ withPath: true })
    .flatMap(([path, line]) => wordsOf(line).map((word) => [word, path]))
    .distinct()
    .groupByKey()
    .mapValues((paths) => paths.sort())
    .sortByKey(),
);

function wordsOf(line: string): string[] {
  return line.toLowerCase().match(/\p{Letter}+/gu) ?? [];
}

await run(async (job) => {
  const [files = "*.md"] = job.args;
  const index = await job.execute(invertedFile, { files });
  for await (const [word, paths] of index) console.log(`${word}\t${paths.join(" ")}`);
});
