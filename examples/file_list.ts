/**
 * Lists files, reads each of them on some worker, and tells how many lines they have.
 *
 *   bun examples/file_list.ts [GLOB]
 *
 * The rows of a dataset may be paths that come from anywhere: `lines` opens them where the
 * task runs. Empty files have no lines, so they come from the list itself.
 */
import { flow, run } from "luciole";

const countLines = flow("count-lines", (f, p: { files: string }) => {
  const paths = f.files(p.files);
  const lines = paths
    .lines({ withPath: true })
    .map(([path]) => path)
    .countByValue();
  return paths
    .map((path) => [path, 0])
    .union(lines)
    .reduceByKey((a, b) => a + b)
    .sortByKey();
});

await run(async (job) => {
  const [files = "examples/*.ts"] = job.args;
  const counts = await job.execute(countLines, { files });
  let total = 0;
  for await (const [path, lines] of counts) {
    console.log(`${lines}\t${path}`);
    total += lines;
  }
  console.log(`${total}\ttotal`);
});
