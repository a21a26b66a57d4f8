/**
 * The jobs that the chaos suite disturbs: their programs, their data, and what they write when nobody disturbs them.
 *
 * Lines that begin with "@" make a task stand still for a moment, in each stage, so that small data keeps a job in each of
 * its phases for a while without using the processor.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { generateRecords, generateText } from "../../scripts/benchmarks/generate.ts";
import { Random } from "../simulation/random.ts";

export interface Workload {
  readonly name: "words" | "sort";
  readonly source: string;
}

const REST = `
function rest(text) {
  if (text.startsWith("@")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
  return text;
}
`;
const RUN = (flow: string) => `
await run(async (job) => {
  const [input, output, splitBytes] = job.args;
  const { rows } = await (await job.execute(${flow}, { input, output, splitBytes: Number(splitBytes) })).result();
  console.log("written: " + rows + ";");
});
`;

export const WORDS: Workload = {
  name: "words",
  source: `import { flow, run } from "luciole";
${REST}
const words = flow("words", (f, p) => f.text(p.input, { splitBytes: p.splitBytes })
  .flatMap((line) => rest(line).split(" "))
  .map((word) => [word, 1])
  .reduceByKey((a, b) => a + b)
  .map(([word, n]) => [rest(word), n])
  .sortByKey({ shards: 4 })
  .writeText(p.output, ([word, n]) => rest(word) + " " + n));
${RUN("words")}`,
};

export const SORT: Workload = {
  name: "sort",
  source: `import { flow, run } from "luciole";
${REST}
const sorted = flow("sorted", (f, p) => f.text(p.input, { splitBytes: p.splitBytes })
  .map(rest)
  .sortBy((line) => line.slice(0, 10), { shards: 4 })
  .writeText(p.output, rest));
${RUN("sorted")}`,
};

const LINES = 12_000;
const REST_EVERY = 150;

export const workloadNamed = (name: string): Workload => (name === "sort" ? SORT : WORDS);

/**
 * Small data with places to rest, which are always as many.
 *
 * @param size How many times as much as the smallest.
 * @returns How many bytes a split has, for about a dozen of them.
 */
export function writeSmallData(path: string, size: number): number {
  const random = new Random(1);
  const lines: string[] = [];
  for (let i = 0; i < LINES * size; i++) {
    const words = Array.from({ length: 6 }, () => `w${random.below(1 + random.below(3_000 * size))}`);
    lines.push(
      i % (REST_EVERY * size) === 0 ? `@${random.below(1_000_000)} ${words.join(" ")}` : words.join(" "),
    );
  }
  writeFileSync(path, `${lines.join("\n")}\n`);
  return Math.ceil(statSync(path).size / 12);
}

/** The data of the benchmarks: made once, and kept in the directory. */
export function largeData(workload: Workload, directory: string, bytes: number): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `chaos-${workload.name}-${bytes}.txt`);
  if (existsSync(path)) return path;
  const draft = `${path}.${process.pid}`;
  if (workload.name === "words") generateText(draft, bytes);
  else generateRecords(draft, bytes);
  renameSync(draft, path);
  return path;
}

/** What a job has written. */
export interface Written {
  /** Of all bytes, in the order of the parts. */
  readonly sha256: string;
  readonly files: number;
}

/** Undefined where there is no directory. */
export function readWritten(directory: string): Written | undefined {
  if (!existsSync(directory)) return undefined;
  const names = readdirSync(directory)
    .filter((name) => name.startsWith("part-"))
    .sort();
  const hash = createHash("sha256");
  for (const name of names) hash.update(readFileSync(join(directory, name)));
  return { sha256: hash.digest("hex"), files: names.length };
}
