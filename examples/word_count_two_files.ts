/**
 * Counts the words of two texts and joins the counts by word.
 *
 *   bun examples/word_count_two_files.ts [FIRST] [SECOND]
 *
 * Prints the ten words that both have most often, with their count in each.
 */
import { type FlowBuilder, flow, run } from "luciole";

/** Steps that are needed twice are an ordinary function. */
const countWords = (f: FlowBuilder, path: string) => f.text(path).words().countByValue();

const commonWords = flow("common-words", (f, p: { first: string; second: string }) =>
  countWords(f, p.first)
    .join(countWords(f, p.second))
    // The word itself settles ties, so that the result is always the same.
    .top(10, ([word, [first, second]]) => [first + second, word]),
);

await run(async (job) => {
  const [first = "README.md", second = "CONTRIBUTING.md"] = job.args;
  const common = await job.execute(commonWords, { first, second });
  for await (const [word, counts] of common) console.log([word, ...counts].join("\t"));
});
