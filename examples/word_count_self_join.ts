/**
 * Finds words that occur equally often, by joining a dataset with itself.
 *
 *   bun examples/word_count_self_join.ts [INPUT] [LEAST]
 *
 * INPUT is a path or a glob; words that occur less than LEAST times are left out.
 */
import { flow, run } from "luciole";

const equallyFrequent = flow("equally-frequent", (f, p: { input: string; least: number }) => {
  // Two steps read this dataset, so it is computed once and stored.
  const byCount = f
    .text(p.input)
    .words()
    .countByValue()
    .filter(([, count]) => count >= p.least)
    .map(([word, count]) => [count, word]);
  return byCount
    .join(byCount)
    .filter(([, [one, other]]) => one < other)
    .sortBy(([count, [one, other]]) => [-count, one, other]);
});

await run(async (job) => {
  const [input = "README.md", least = "5"] = job.args;
  const pairs = await job.execute(equallyFrequent, { input, least: Number(least) });
  for await (const [count, [one, other]] of pairs) console.log(`${count}\t${one}\t${other}`);
});
