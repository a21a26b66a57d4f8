/**
 * W7: how time grows with the data, and whether a memory budget far below the data is held.
 */
import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { checkSorted, compareOutputs } from "./compare.ts";
import { provide } from "./data.ts";
import { type Measurement, measure } from "./measure.ts";
import { markdown, median, seconds } from "./report.ts";
import { lucioleCommand, WORKLOADS, type Workload } from "./workloads.ts";

const SCALES = [1, 4, 16];
/** The least that the engine takes as a budget. */
const LEAST_BUDGET = 4 << 20;

/** Makes, measures and deletes the data of one scale after the other. */
export async function measureGrowth(
  folder: string,
  base: number,
  rounds: number,
  names: readonly string[],
): Promise<void> {
  const isWanted = ({ name }: Workload): boolean => names.length === 0 || names.includes(name);
  const workloads = WORKLOADS.filter((workload) => ["W1", "W2", "W3"].includes(workload.name));
  const rows = [
    ["", "input MB", "wall s", "CPU s", "peak MB", "time per byte, 1× being 1", "CPU time per byte"],
  ];
  for (const workload of workloads.filter(isWanted)) {
    let first: Run | undefined;
    for (const scale of SCALES) {
      const data = join(folder, `growth-${scale}`);
      const run = await measureAt(workload, data, base * scale, rounds);
      rmSync(data, { recursive: true });
      first ??= run;
      const growth = run.bytes / first.bytes;
      const wall = run.wallSeconds / first.wallSeconds / growth;
      const cpu = run.cpuSeconds / first.cpuSeconds / growth;
      rows.push([`${workload.name}, ${scale}×`, ...figuresOf(run), wall.toFixed(2), cpu.toFixed(2)]);
    }
  }
  for (const workload of workloads.filter(({ name }) => name !== "W1").filter(isWanted)) {
    const data = join(folder, "growth-budget");
    const run = await measureAt(workload, data, base, rounds, 4);
    rmSync(data, { recursive: true });
    rows.push([`${workload.name}, memory of a quarter of the input`, ...figuresOf(run), "", ""]);
  }
  console.log(`\n### W7: growth\n\n${markdown([rows[0], rows[0].map(() => "---"), ...rows.slice(1)])}`);
}

interface Run {
  readonly bytes: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

function figuresOf({ bytes, wallSeconds, cpuSeconds, peakBytes }: Run): string[] {
  const megabytes = (value: number): string => (value / 1e6).toFixed(0);
  return [megabytes(bytes), seconds(wallSeconds), seconds(cpuSeconds), megabytes(peakBytes)];
}

/** With a budget the output must be what comes without one. */
async function measureAt(
  workload: Workload,
  data: string,
  scale: number,
  rounds: number,
  budgetShare?: number,
): Promise<Run> {
  mkdirSync(data, { recursive: true });
  const inputs = provide(data, workload.inputs, scale);
  const bytes = inputs.reduce((sum, path) => sum + statSync(path).size, 0);
  const program = workload.programs.kernel ?? workload.programs.closures;
  const out = join(data, "out");
  const budget = Math.max(LEAST_BUDGET, Math.floor(bytes / (budgetShare ?? 1)));
  const flags = budgetShare === undefined ? [] : ["--memory", String(budget)];
  const runs: Measurement[] = [];
  for (let round = 0; round < rounds; round++) {
    runs.push(await measure([...lucioleCommand(program, flags), ...inputs, out]));
  }
  if (budgetShare !== undefined) {
    const expected = join(data, "expected");
    await measure([...lucioleCommand(program), ...inputs, expected]);
    compareOutputs(expected, out, workload.comparison);
  } else if (workload.comparison.kind === "sorted") checkSorted(out, workload.comparison.keyBytes);
  const of = (figure: (run: Measurement) => number): number => median(runs.map(figure));
  const run = {
    bytes,
    wallSeconds: of((one) => one.wallSeconds),
    cpuSeconds: of((one) => one.cpuSeconds),
    peakBytes: of((one) => one.peakBytes),
  };
  console.error([workload.name, ...flags, ...figuresOf(run)].join(" "));
  return run;
}
