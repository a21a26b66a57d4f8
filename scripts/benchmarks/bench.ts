/**
 * Measures the built executable beside its peers, in turn, and compares what they write.
 *
 * Tables go to stdout, progress to stderr. A difference between outputs is a failure.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type Arguments, parseArguments } from "./arguments.ts";
import { measureCluster } from "./cluster.ts";
import { compareOutputs } from "./compare.ts";
import { FULL, provide, QUICK } from "./data.ts";
import { measureFaults } from "./faults.ts";
import { measureGrowth } from "./growth.ts";
import { measureIterative } from "./iterative.ts";
import { type Measurement, measure } from "./measure.ts";
import { median, type Result, tableOf } from "./report.ts";
import { contendersOf, lucioleCommand, WORKLOADS, type Workload } from "./workloads.ts";

const options = parseArguments(process.argv.slice(2));
const folder = mkdtempSync(join(tmpdir(), "luciole-bench-"));
process.on("SIGINT", () => process.exit(130));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const rounds = `median of ${options.rounds} round${options.rounds === 1 ? "" : "s"}`;
const size = options.isQuick ? ", a 50th of the data" : "";
console.log(`${availableParallelism()} cores, Bun ${Bun.version}, ${rounds}${size}`);
if (options.growth !== undefined) {
  const base = options.growth * (options.isQuick ? QUICK : FULL);
  await measureGrowth(folder, base, options.rounds, options.workloads);
} else if (options.isCluster) {
  await measureCluster({ folder, ...options });
} else if (options.isIterative) {
  await measureIterative({ folder, ...options });
} else if (options.isFaults) {
  await measureFaults({ folder, ...options });
} else {
  for (const workload of WORKLOADS) {
    if (isWanted(workload.name)) await runWorkload(workload, options);
  }
  if (isWanted("W6")) await runSmallest(options);
}

function isWanted(name: string): boolean {
  return options.workloads.length === 0 || options.workloads.includes(name);
}

async function runWorkload(workload: Workload, { isQuick, data, peers, rounds }: Arguments): Promise<void> {
  const inputs = provide(data ?? join(folder, "data"), workload.inputs, isQuick ? QUICK : FULL);
  const results = contendersOf(workload, peers).map((contender) => ({
    contender,
    runs: [] as Measurement[],
  }));
  const out = join(folder, "out");
  for (let round = 0; round < rounds; round++) {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out);
    await runRound(workload, inputs, results, out, round === 0);
  }
  rmSync(out, { recursive: true });
  console.log(`\n### ${workload.name}: ${workload.title}\n\n${tableOf(results)}`);
}

/** Everyone once; the first round's outputs are compared with the first one's. */
async function runRound(
  workload: Workload,
  inputs: readonly string[],
  results: readonly (Result & { runs: Measurement[] })[],
  out: string,
  isFirst: boolean,
): Promise<void> {
  for (const [i, { contender, runs }] of results.entries()) {
    const output = join(out, String(i));
    const run = await measure([...contender.command, ...inputs, output]);
    runs.push(run);
    const figures = `${run.wallSeconds.toFixed(2)} s, CPU ${run.cpuSeconds.toFixed(2)} s`;
    console.error(`${workload.name} ${contender.title}: ${figures}`);
    if (isFirst && i > 0) compareOutputs(join(out, "0"), output, workload.comparison);
    if (i > 0) rmSync(output, { recursive: true });
  }
}

/** W6: from launch to exit, and what the program itself says of a thousand empty tasks. */
async function runSmallest({ rounds }: Arguments): Promise<void> {
  const smallest: Measurement[] = [];
  const empty: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 5; i++) smallest.push(await measure(lucioleCommand("smallest")));
    const { stdout } = await measure(lucioleCommand("empty_tasks"));
    empty.push(...stdout.trim().split("\n").map(Number));
  }
  const launch = 1000 * median(smallest.map((run) => run.wallSeconds));
  const memory = median(smallest.map((run) => run.peakBytes)) / 1e6;
  console.log(`\n### W6: small jobs\n
| | ms |
|---|---:|
| smallest job, launch to exit (${memory.toFixed(0)} MB) | ${launch.toFixed(0)} |
| 1,000 empty tasks in a warm job | ${median(empty).toFixed(0)} |`);
}
