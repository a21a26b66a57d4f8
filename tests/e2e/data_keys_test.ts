/** Many keys, one key and skewed keys in real processes (G3), and what is said of skew. */
import { afterAll, expect, test } from "bun:test";
import { runProgram, tell } from "./data_run.ts";
import { Folder } from "./executable.ts";

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());

function program(flows: string, body: string): string {
  return `
import { flow, run } from "luciole";
const flows = {${flows}};
await run(async (job) => {
  const start = performance.now();
  const result: Record<string, unknown> = {};
  ${body}
  console.log(JSON.stringify({ ...result, ms: performance.now() - start }));
});
`;
}

const COLLECT_EACH = `
  for (const [name, each] of Object.entries(flows)) {
    result[name] = await (await job.execute(each)).collect();
  }`;

const MANY = program(
  `
  counted: flow("counted", (f) => {
    const counts = f.range(20_000_000).map((n) => (n % 10_000_000) * 3 - 1e7).countByValue();
    const checked = counts.map(([, count]) => count).stats();
    return checked;
  }),
  distinct: flow("distinct", (f) => {
    const distinct = f.range(20_000_000).map((n) => (n % 10_000_000) / 2).distinct();
    const counted = distinct.stats();
    return counted;
  }),`,
  COLLECT_EACH,
);

interface Stats {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

test("G3: ten million distinct keys are counted and told apart", async () => {
  const { result } = await runProgram<{ counted: Stats[]; distinct: Stats[]; ms: number }>(folder, MANY, {
    memory: "1GiB",
  });
  tell("2 × 20 M rows of 10 M keys", { ms: Math.round(result.ms) });
  expect(result.counted).toMatchObject([{ count: 10_000_000, min: 2, max: 2 }]);
  const sum = (9_999_999 * 10_000_000) / 4;
  expect(result.distinct).toMatchObject([{ count: 10_000_000, min: 0, max: 9_999_999 / 2, sum }]);
}, 120_000);

const ONE = program(
  `
  reduced: flow("reduced", (f) => {
    const sums = f.range(2_000_000, { shards: 7 }).map((n): [string, number] => ["only", n]).reduceByKey((a, b) => a + b);
    return sums;
  }),
  grouped: flow("grouped", (f) => {
    const groups = f.range(2_000_000, { shards: 7 }).map((n): [string, number] => ["only", n]).groupByKey();
    const checked = groups.map(([key, values]) => [key, values.length, values.reduce((a, b) => a + b)] as const);
    return checked;
  }),
  sorted: flow("sorted", (f) => {
    const sorted = f.range(500_000, { shards: 7 }).map((n): [string, number] => ["only", n]).sortByKey();
    const checked = sorted.map(([, n]) => n).zipWithIndex().filter(([n, index]) => n !== index).count();
    return checked;
  }),
  joined: flow("joined", (f) => {
    const left = f.range(300_000, { shards: 3 }).map((n): [string, number] => ["only", n]);
    const right = f.values([["only", 1], ["only", 2]] as [string, number][]);
    const joined = left.join(right, { strategy: "hash" }).map(([, [a, b]]) => a * b).sum();
    return joined;
  }),`,
  COLLECT_EACH,
);

test("G3: one key may have everything", async () => {
  const { result } = await runProgram<Record<string, unknown>>(folder, ONE);
  tell("one key", { ms: Math.round(result.ms as number) });
  const sum = (1_999_999 * 2_000_000) / 2;
  expect(result).toMatchObject({
    reduced: [["only", sum]],
    grouped: [["only", 2_000_000, sum]],
    sorted: [0],
    joined: [(3 * 299_999 * 300_000) / 2],
  });
}, 60_000);

const SKEWED = program(
  `
  sizes: flow("sizes", (f, p: { rows: number }) => {
    const keyed = f.range(p.rows, { shards: 4 }).map((n): [string, number] => [n % 10 === 0 ? "cold " + (n % 1000) : "hot", n]);
    const sizes = keyed.partitionByKey(5).groupByKey().map(([key, values]): [string, number] => [key, values.length]);
    return sizes.sortByKey();
  }),`,
  `result.sizes = await (await job.execute(flows.sizes, { rows: Number(job.args[0]) })).collect();`,
);

test("G3: a skewed key gives the right rows and one warning; small data gives none", async () => {
  for (const [rows, warnings] of [
    [3_000_000, 1],
    [10_000, 0],
  ]) {
    const args = [String(rows)];
    const { result, stderr } = await runProgram<{ sizes: [string, number][] }>(folder, SKEWED, { args });
    const cold = Array.from({ length: 100 }, (_, i): [string, number] => [`cold ${i * 10}`, rows / 1000]);
    const expected = [...cold, ["hot", rows * 0.9] as [string, number]].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(result.sizes).toEqual(expected);
    const told = stderr.split("\n").filter((line) => line.includes("is skewed"));
    expect(told).toHaveLength(warnings);
    for (const line of told) {
      const [, max, median] = /largest partition has (\d+) bytes, the median (\d+)$/.exec(line) ?? [];
      expect(Number(max)).toBeGreaterThan(4 * Number(median));
    }
  }
}, 60_000);
