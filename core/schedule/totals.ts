/**
 * Sums what attempts report: for stages, for progress, for warnings about skew.
 */
import type { Execution, Group, Task } from "./execution_state.ts";
import type { GroupProgress } from "./job_state.ts";
import { partitionsOf } from "./new_execution.ts";
import type { StageReport } from "./outcome.ts";
import { NO_TOTALS, type PartitionReport, type ShardReport, type TaskReport } from "./report.ts";

const MAX_SAMPLES = 5;
const SKEW_FACTOR = 4;
const SKEW_BYTES = 16 * 1024 * 1024;

function addTotals(a: TaskReport, b: TaskReport): TaskReport {
  return {
    rowsIn: a.rowsIn + b.rowsIn,
    bytesIn: a.bytesIn + b.bytesIn,
    rowsOut: a.rowsOut + b.rowsOut,
    bytesOut: a.bytesOut + b.bytesOut,
    spilledBytes: a.spilledBytes + b.spilledBytes,
    counters: addCounters(a.counters, b.counters),
    samples: addSamples(a.samples, b.samples),
  };
}

function addCounters(a: TaskReport["counters"], b: TaskReport["counters"]): TaskReport["counters"] {
  const names = Object.keys(b);
  if (names.length === 0) return a;
  const sum: Record<string, number> = { ...a };
  for (const name of names) sum[name] = (Object.hasOwn(sum, name) ? sum[name] : 0) + b[name];
  return sum;
}

function addSamples(a: TaskReport["samples"], b: TaskReport["samples"]): TaskReport["samples"] {
  const names = Object.keys(b);
  if (names.length === 0) return a;
  const sum: Record<string, readonly string[]> = { ...a };
  for (const name of names) {
    sum[name] = [...(Object.hasOwn(sum, name) ? sum[name] : []), ...b[name]].slice(0, MAX_SAMPLES);
  }
  return sum;
}

/** Counts a task's first commit; what is computed again is not counted twice. */
export function countCommit(task: Task, shard: ShardReport, totals: TaskReport, now: number): void {
  const { group } = task;
  group.stage.totals = addTotals(group.stage.totals, totals);
  group.stage.endedAt = now;
  const isPartitioned = partitionsOf(group.plan) > 1;
  for (const [i, partition] of shard.partitions.entries()) {
    group.partitionBytes[isPartitioned ? i : task.shard] += partition.bytes;
  }
}

export function stageReports(execution: Execution): StageReport[] {
  return execution.groups.map((group) => ({
    group: group.plan.id,
    label: group.plan.label,
    tasks: group.tasks.length,
    ...group.stage,
  }));
}

export function executionTotals(execution: Execution): TaskReport {
  return execution.groups.map((group) => group.stage.totals).reduce(addTotals, NO_TOTALS);
}

export function groupProgress(execution: Execution): GroupProgress[] {
  const live = new Map<Group, { running: number; rows: number; bytes: number }>();
  for (const attempt of execution.running) {
    const { group } = attempt.task;
    if (attempt.task.copy === attempt) continue;
    const sum = live.get(group) ?? { running: 0, rows: 0, bytes: 0 };
    if (!attempt.isAhead || attempt.status.kind !== "launched") sum.running += 1;
    sum.rows += attempt.totals?.rowsOut ?? 0;
    sum.bytes += attempt.totals?.bytesOut ?? 0;
    live.set(group, sum);
  }
  return execution.groups.map((group) => ({
    group: group.plan.id,
    label: group.plan.label,
    tasks: group.tasks.length,
    running: live.get(group)?.running ?? 0,
    committed: group.done,
    rows: group.stage.totals.rowsOut + (live.get(group)?.rows ?? 0),
    bytes: group.stage.totals.bytesOut + (live.get(group)?.bytes ?? 0),
  }));
}

export function shardSize(shard: ShardReport): Pick<PartitionReport, "rows" | "bytes"> {
  let rows = 0;
  let bytes = 0;
  for (const partition of shard.partitions) {
    rows += partition.rows;
    bytes += partition.bytes;
  }
  return { rows, bytes };
}

/** Says so when one partition of the group's output is much larger than usual. */
export function skewWarning(group: Group): string | undefined {
  const sizes = group.partitionBytes.slice().sort();
  if (sizes.length < 2) return undefined;
  const max = sizes[sizes.length - 1];
  // Of two the smaller one: the larger can be skewed against it.
  const median = sizes[(sizes.length - 1) >> 1];
  if (max <= SKEW_BYTES || max <= SKEW_FACTOR * median) return undefined;
  const what = partitionsOf(group.plan) > 1 ? "partition" : "shard";
  return `${group.plan.label} is skewed: its largest ${what} has ${max} bytes, the median ${median}`;
}
