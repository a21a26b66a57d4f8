/** G2: the word counts among the examples, as processes, against counting in a Map. */
import { afterAll, describe, expect, test } from "bun:test";
import { compareText, countsOf, linesOf, randomText, SEED, seededRandom, wordsOf } from "./inputs.ts";
import { Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox[Symbol.dispose]());

const random = seededRandom(SEED);
const first = randomText(random, 400);
const second = randomText(random, 90).trimEnd();
sandbox.write("first.txt", first);
sandbox.write("second.txt", second);
sandbox.write("empty.txt", "");
const byFrequency = ([a, m]: [string, number], b: [string, number]) => b[1] - m || compareText(a, b[0]);

describe(`G2 word counts, seed ${SEED}`, () => {
  test.each([{ workers: 1 }, { workers: 2 }, { workers: 5 }, { workers: 2, isByExecutable: true }])(
    "word_count counts, sorts by frequency and saves with %j",
    async (options) => {
      const printed = await sandbox.run("word_count", ["*.txt", "counts"], options);
      const counts = [...countsOf(wordsOf(`${first}${second}`))].sort(byFrequency);
      expect(sandbox.readParts("counts")).toBe(counts.map(([word, count]) => `${count}\t${word}\n`).join(""));
      expect(printed).toEqual([`${counts.length} different words in counts`]);
    },
    60_000,
  );

  test("word_count saves nothing of an empty file", async () => {
    expect(await sandbox.run("word_count", ["empty.txt", "none"])).toEqual(["0 different words in none"]);
    expect(sandbox.readParts("none")).toBe("");
  }, 60_000);

  test("word_count_self_join finds the pairs of equal frequency", async () => {
    const frequent = [...countsOf(wordsOf(first))].filter(([, count]) => count >= 3);
    const pairs: [number, string, string][] = [];
    for (const [one, count] of frequent) {
      for (const [other, same] of frequent)
        if (count === same && one < other) pairs.push([count, one, other]);
    }
    pairs.sort((a, b) => b[0] - a[0] || compareText(a[1], b[1]) || compareText(a[2], b[2]));
    expect(pairs.length).toBeGreaterThan(0);
    const printed = await sandbox.run("word_count_self_join", ["first.txt", "3"]);
    expect(printed).toEqual(pairs.map((pair) => pair.join("\t")));
  }, 60_000);

  test("word_count_two_files joins the counts by word", async () => {
    const counts = countsOf(wordsOf(first));
    const common = [...countsOf(wordsOf(second))].flatMap(([word, there]) => {
      const here = counts.get(word);
      return here === undefined ? [] : [{ word, here, there }];
    });
    common.sort((a, b) => b.here + b.there - a.here - a.there || compareText(b.word, a.word));
    const printed = await sandbox.run("word_count_two_files", ["first.txt", "second.txt"]);
    expect(printed).toEqual(
      common.slice(0, 10).map(({ word, here, there }) => [word, here, there].join("\t")),
    );
  }, 60_000);

  test("word_count_channel streams both outputs of the lines that come in", async () => {
    const lines = linesOf(first).slice(0, 40);
    const words = wordsOf(lines.join("\n"));
    const printed = await sandbox.run("word_count_channel", ["--", ...lines]);
    const isLong = (line: string) => line.startsWith("long\t");
    const long = words.filter((word) => word.length >= 6).map((word) => `long\t${word}`);
    expect(long.length).toBeGreaterThan(0);
    expect(printed.filter(isLong)).toEqual(long);
    const counts = [...countsOf(words)].sort(([a], [b]) => compareText(a, b));
    expect(printed.filter((line) => !isLong(line))).toEqual(counts.map(([word, n]) => `${n}\t${word}`));
  }, 60_000);
});
