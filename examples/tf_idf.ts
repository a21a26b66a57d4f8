/**
 * Finds the words that say most about each document of a collection, by tf-idf.
 *
 *   bun examples/tf_idf.ts [GLOB] [TOP]
 *
 * The score of a word in a document is the number of times that it occurs there (tf), times
 * the logarithm of all documents divided by those that hold the word (idf).
 */
import { flow, run } from "luciole";

const tfIdf = flow("tf-idf", (f, p: { documents: string; top: number }) => {
  const documents = f.files(p.documents);
  const terms = documents
    .lines({ withPath: true })
    .flatMap(([path, line]) => wordsOf(line).map((word) => [word, path]))
    .countByValue();
  const documentsOfWord = terms.map(([[word]]) => word).countByValue();
  return terms
    .map(([[word, path], count]) => [word, { path, count }])
    .join(documentsOfWord)
    .map(
      ([word, [{ path, count }, holding]], { side: [all] }) => ({
        word,
        path,
        score: count * Math.log(all / holding),
      }),
      { with: documents.count().broadcast() },
    )
    .top(p.top, ({ score, path, word }) => [score, path, word]);
});

function wordsOf(line: string): string[] {
  return line.toLowerCase().match(/\p{Letter}+/gu) ?? [];
}

await run(async (job) => {
  const [documents = "*.md", top = "20"] = job.args;
  const scores = await job.execute(tfIdf, { documents, top: Number(top) });
  for await (const { word, path, score } of scores) console.log(`${score.toFixed(3)}\t${path}\t${word}`);
});
