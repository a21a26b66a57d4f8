/**
 * Measurements as tables: medians, and how many times as fast Luciole is.
 */
import type { Measurement } from "./measure.ts";
import type { Contender } from "./workloads.ts";

export interface Result {
  readonly contender: Contender;
  readonly runs: readonly Measurement[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** A table in Markdown: a row for everyone, a column of ratios for each of Luciole's forms. */
export function tableOf(results: readonly Result[]): string {
  const ours = results.filter(({ contender }) => contender.isLuciole);
  const head = [
    "",
    "wall s",
    "CPU s",
    "peak MB",
    ...ours.map(({ contender }) => `${contender.title}: speed / CPU / memory`),
  ];
  const rows = results.map((result) => [
    result.contender.title,
    seconds(wallOf(result)),
    seconds(cpuOf(result)),
    (peakOf(result) / 1e6).toFixed(0),
    ...ours.map((one) => (result.contender.isLuciole ? "" : ratiosOf(one, result))),
  ]);
  return markdown([head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows]);
}

export function markdown(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** How many times as fast, how many times less CPU time, and how many times the memory. */
function ratiosOf(ours: Result, theirs: Result): string {
  const wall = (wallOf(theirs) / wallOf(ours)).toFixed(2);
  const cpu = (cpuOf(theirs) / cpuOf(ours)).toFixed(2);
  const memory = (peakOf(ours) / peakOf(theirs)).toFixed(2);
  return `${wall} / ${cpu} / ${memory}`;
}

export function seconds(value: number): string {
  return value.toFixed(2);
}

export function wallOf({ runs }: Result): number {
  return median(runs.map((run) => run.wallSeconds));
}

export function cpuOf({ runs }: Result): number {
  return median(runs.map((run) => run.cpuSeconds));
}

export function peakOf({ runs }: Result): number {
  return median(runs.map((run) => run.peakBytes));
}
