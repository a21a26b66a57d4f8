/**
 * Counts the words of text files, sorts them by frequency and saves them.
 *
 *   bun examples/word_count.ts [INPUT] [OUTPUT]
 *
 * INPUT is a path or a glob; OUTPUT becomes a directory of part files.
 */
import { flow, run } from "luciole";

const wordCount = flow("word-count", (f, p: { input: string; output: string }) =>
  f
    .text(p.input)
    .words()
    .countByValue()
    // Keys may be tuples: most frequent first, then in the order of the alphabet.
    .sortBy(([word, count]) => [-count, word])
    .writeText(p.output, ([word, count]) => `${count}\t${word}`, { overwrite: true }),
);

await run(async (job) => {
  const [input = "README.md", output = "word_count.out"] = job.args;
  const counts = await job.execute(wordCount, { input, output });
  const { rows, path } = await counts.result();
  console.log(`${rows} different words in ${path}`);
});
