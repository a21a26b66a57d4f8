/**
 * The floor that the engine must stay above on this machine, measured from the executable:
 * word count beside the plain script, in turn; the smallest job; a sort of 4× its memory budget.
 *
 * `--quick` takes small data: it proves that everything runs and that outputs agree.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { generateRecords, generateText } from "./generate.ts";
import { type Measurement, measure } from "./measure.ts";

const here = import.meta.dirname;
const luciole = join(dirname(dirname(here)), "dist", "luciole");
const isQuick = process.argv.includes("--quick");
const textBytes = isQuick ? 4e6 : 200e6;
const sortBytes = isQuick ? 40e6 : 1e9;
const rounds = isQuick ? 1 : 5;

const folder = mkdtempSync(join(tmpdir(), "luciole-bench-"));
try {
  await wordCount();
  await smallestJob();
  await sortBeyondMemory();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function wordCount(): Promise<void> {
  const input = join(folder, "text.txt");
  generateText(input, textBytes);
  const plainOut = join(folder, "plain.txt");
  const out = join(folder, "counts");
  const plain: Measurement[] = [];
  const engine: Measurement[] = [];
  for (let round = 0; round < rounds; round++) {
    plain.push(await measured([process.execPath, join(here, "plain_word_count.ts"), input, plainOut]));
    engine.push(
      await measured([luciole, "run", "--quiet", join(here, "programs", "w1_closures.ts"), input, out]),
    );
  }
  if (linesOf(plainOut).join("\n") !== partsOf(out).sort().join("\n"))
    throw new Error("W1: the outputs differ");
  show(`W1 word count, closures, ${textBytes / 1e6} MB: plain script`, plain);
  show(`W1 word count, closures, ${textBytes / 1e6} MB: luciole`, engine);
  const speed = median(plain.map((run) => run.wallSeconds)) / median(engine.map((run) => run.wallSeconds));
  const memory = median(engine.map((run) => run.peakBytes)) / median(plain.map((run) => run.peakBytes));
  console.log(`W1: ${speed.toFixed(2)}× as fast as the plain script with ${memory.toFixed(2)}× its memory`);
}

async function smallestJob(): Promise<void> {
  const runs: Measurement[] = [];
  for (let round = 0; round < 3 * rounds; round++) {
    runs.push(await measured([luciole, "run", "--quiet", join(here, "programs", "smallest.ts")]));
  }
  show("smallest job, launch to exit", runs);
}

async function sortBeyondMemory(): Promise<void> {
  const input = join(folder, "records.txt");
  const out = join(folder, "sorted");
  generateRecords(input, sortBytes);
  const memory = `${Math.floor(sortBytes / 4)}`;
  const program = join(here, "programs", "w2.ts");
  const run = await measured([luciole, "run", "--quiet", "--memory", memory, program, input, out]);
  const rows = checkSorted(out);
  if (rows !== Math.floor(sortBytes / 100)) throw new Error(`W2: ${rows} rows came out`);
  show(`W2 sort ${sortBytes / 1e6} MB with --memory ${sortBytes / 4e6} MB`, [run]);
}

async function measured(command: readonly string[]): Promise<Measurement> {
  const run = await measure(command);
  if (run.exitCode !== 0) throw new Error(`${command.join(" ")} exited with ${run.exitCode}`);
  return run;
}

function partsOf(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => name.startsWith("part-"));
  return names.sort().flatMap((name) => lines(join(directory, name)));
}

function linesOf(path: string): string[] {
  return lines(path).sort();
}

function lines(path: string): string[] {
  return readFileSync(path, "utf8").split("\n").slice(0, -1);
}

/** Counts the rows of all parts and throws where they are out of order. */
function checkSorted(directory: string): number {
  const names = readdirSync(directory).filter((name) => name.startsWith("part-"));
  let rows = 0;
  let last = "";
  for (const name of names.sort()) {
    for (const line of lines(join(directory, name))) {
      const key = line.slice(0, 10);
      if (key < last) throw new Error(`W2: ${name} is out of order at row ${rows}`);
      last = key;
      rows++;
    }
  }
  return rows;
}

function show(what: string, runs: readonly Measurement[]): void {
  const wall = median(runs.map((run) => run.wallSeconds));
  const cpu = median(runs.map((run) => run.cpuSeconds));
  const peak = median(runs.map((run) => run.peakBytes));
  const of = `median of ${runs.length}, ${availableParallelism()} cores`;
  console.log(
    `${what}: ${wall.toFixed(2)} s, CPU ${cpu.toFixed(2)} s, peak ${(peak / 1e6).toFixed(0)} MB (${of})`,
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
