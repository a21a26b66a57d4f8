/** G2: the examples that read lists of files or save, as processes, against plain loops. */
import { afterAll, describe, expect, test } from "bun:test";
import { compareText, countsOf, lettersOf, linesOf, randomText, SEED, seededRandom } from "./inputs.ts";
import { Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox[Symbol.dispose]());

const random = seededRandom(SEED);
const names = ["docs/a.txt", "docs/b.txt", "docs/deep/c.txt", "docs/empty.txt", "docs/é.txt"];
const documents = new Map(
  names.map((name) => [name, name.includes("empty") ? "" : randomText(random, 20 + random(60))]),
);
for (const [name, text] of documents) sandbox.write(name, text);
/** The paths as the engine tells them. */
const paths = new Map(
  [...documents].map(([name, text]) => [`docs/${name.slice("docs/".length)}`, text] as const),
);
const GLOB = "docs/**/*.txt";

describe(`G2 files, seed ${SEED}`, () => {
  test.each([{ workers: 2 }, { workers: 2, isByExecutable: true }])(
    "inverted_file lists the files of each word with %j",
    async (options) => {
      const index = new Map<string, Set<string>>();
      for (const [path, text] of paths) {
        for (const word of lettersOf(text)) index.set(word, (index.get(word) ?? new Set()).add(path));
      }
      const expected = [...index]
        .sort(([a], [b]) => compareText(a, b))
        .map(([word, found]) => `${word}\t${[...found].sort().join(" ")}`);
      expect(await sandbox.run("inverted_file", [GLOB], options)).toEqual(expected);
    },
    60_000,
  );

  test("tf_idf scores words by document", async () => {
    const terms = [...paths].flatMap(([path, text]) =>
      [...countsOf(lettersOf(text))].map(([word, count]) => ({ path, word, count })),
    );
    const holding = countsOf(terms.map(({ word }) => word));
    const scores = terms.map(({ path, word, count }) => {
      const score = count * Math.log(paths.size / (holding.get(word) ?? 0));
      return { path, word, score };
    });
    scores.sort((a, b) => b.score - a.score || compareText(b.path, a.path) || compareText(b.word, a.word));
    const expected = scores
      .slice(0, 15)
      .map(({ path, word, score }) => `${score.toFixed(3)}\t${path}\t${word}`);
    expect(await sandbox.run("tf_idf", [GLOB, "15"])).toEqual(expected);
  }, 60_000);

  test("file_list counts the lines of each file, empty ones included", async () => {
    const counts = [...paths].map(([path, text]): [string, number] => [path, linesOf(text).length]);
    counts.sort(([a], [b]) => compareText(a, b));
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    const expected = [...counts, ["total", total]].map(([path, count]) => `${count}\t${path}`);
    expect(await sandbox.run("file_list", [GLOB], { workers: 3 })).toEqual(expected);
  }, 60_000);

  test("sort_and_save sorts all lines into one file by code point", async () => {
    const lines = [...paths.values()].flatMap(linesOf).sort(compareText);
    expect(await sandbox.run("sort_and_save", [GLOB, "sorted.out"])).toEqual([
      `${lines.length} lines in sorted.out`,
    ]);
    expect(linesOf(sandbox.read("sorted.out"))).toEqual(lines);
  }, 60_000);
});
