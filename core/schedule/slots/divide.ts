/**
 * Decides how many tasks make each shard of a group, once its inputs are committed and their sizes are known: a shard
 * with much more to read than most is divided among several tasks, each of which has a share.
 *
 * The shards stay what they were for everybody else: who reads one reads its parts one after the other. What was
 * decided stays so when tasks run again.
 */
import {
  divisibleInputs,
  type RunSample,
  type Share,
  sharesOfRange,
  sharesOfShard,
  sortRunSamples,
  typicalBytes,
} from "../../plan/shares.ts";
import { type CompareKeys, taskRange } from "../../plan/splitters.ts";
import type { Edge, Group, Task } from "../execution_state.ts";
import { createTask } from "../new_execution.ts";
import type { ShardReport } from "../report.ts";
import { areInputsCommitted, partsOf, rangeOrder, reportOf, splittersOf } from "../shards/inputs.ts";

/** Divides what is too large, when all is known; only for groups that are untouched. */
export function divideShards(group: Group, minShareBytes: number): void {
  if (group.isPipelined || group.isFollowed) return;
  const inputs = divisibleInputs(group.plan);
  if (inputs.length === 0 || !group.tasks.every(areInputsCommitted)) return;
  const order = rangeOrder(group);
  const shares =
    order === undefined
      ? sharesBySize(group, inputs, minShareBytes)
      : sharesByRange(group, order, minShareBytes);
  if (shares.some((some) => some.length > 1)) replaceTasks(group, shares);
}

/** True when the skew of what the group reads through the edge does not make one task wait for it. */
export function dividesEdge(group: Group, edge: Edge): boolean {
  if (group.isPipelined || group.isFollowed || edge.isSide) return false;
  return divisibleInputs(group.plan).includes(group.edges.indexOf(edge));
}

/** True before the first task of a group was ready: its tasks may still be made anew. */
export function isUntouched(group: Group): boolean {
  return group.starts === undefined && group.tasks.every(isNew);
}

/** The bytes that each shard reads, of the inputs of the head. */
export function bytesOfShards(group: Group): Float64Array {
  const total = new Float64Array(group.tasks.length);
  for (const edge of group.edges) {
    if (edge.isSide) continue;
    for (const [i, { shard }] of group.tasks.entries()) total[i] += totalRead(group, edge, shard);
  }
  return total;
}

function totalRead(group: Group, edge: Edge, shard: number): number {
  const { producer } = edge;
  if (producer.kind === "channel") return producer.bytes;
  const { from, to } = partsOf(group, edge, shard);
  let bytes = 0;
  for (let i = from; i < to; i += 1) bytes += bytesOfPart(producer.tasks[i], edge, shard);
  return bytes;
}

function bytesOfPart(task: Task, { edge }: Edge, shard: number): number {
  const { partitions } = reportOf(task);
  return edge.mode === "partition" ? (partitions[shard]?.bytes ?? 0) : bytesOf(partitions);
}

function isNew(task: Task): boolean {
  return task.status.kind === "waiting" && task.launches === 0;
}

function sharesBySize(group: Group, inputs: readonly number[], minShareBytes: number): (readonly Share[])[] {
  const edges = group.edges.filter((edge) => !edge.isSide);
  const written = group.tasks.map((_, shard) => edges.map((edge) => bytesRead(group, edge, shard)));
  const totals = Float64Array.from(written, (sizes) => sizes.reduce((total, some) => total + sum(some), 0));
  const typical = typicalBytes(totals, minShareBytes);
  return written.map((sizes, shard) => {
    const input = inputs.reduce((a, b) => (sum(sizes[b]) > sum(sizes[a]) ? b : a));
    const otherBytes = totals[shard] - sum(sizes[input]);
    return sharesOfShard({ written: sizes[input], otherBytes, input }, typical);
  });
}

/** The bytes that a shard reads through an edge, by the task that wrote them. */
function bytesRead(group: Group, edge: Edge, shard: number): Float64Array {
  const { producer } = edge;
  if (producer.kind === "channel") return Float64Array.of(producer.bytes);
  const { from, to } = partsOf(group, edge, shard);
  return Float64Array.from({ length: to - from }, (_, i) =>
    bytesOfPart(producer.tasks[from + i], edge, shard),
  );
}

function sharesByRange(group: Group, compare: CompareKeys, minShareBytes: number): (readonly Share[])[] {
  const [{ producer }] = group.edges;
  if (producer.kind === "channel") return [];
  const samples = producer.tasks.flatMap((task, number) => samplesOf(reportOf(task), number));
  sortRunSamples(samples, compare);
  const splitters = splittersOf(group, compare);
  const total = samples.reduce((bytes, sample) => bytes + sample.bytes, 0);
  const typical = Math.max(minShareBytes, total / group.tasks.length);
  let next = 0;
  return group.tasks.map((_, shard) => {
    const { upper } = taskRange(splitters, shard);
    const from = next;
    const isWithin = (at: number) => upper === undefined || compare(samples[at].key, upper.key) < 0;
    while (next < samples.length && isWithin(next)) next += 1;
    return sharesOfRange(samples.slice(from, next), typical, compare);
  });
}

/** Chunks of a task's runs have about the same size. */
function samplesOf({ partitions, marks = [] }: ShardReport, task: number): RunSample[] {
  const bytes = bytesOf(partitions) / marks.length;
  return marks.map(({ firstKey }) => ({ key: firstKey, task, bytes }));
}

function bytesOf(partitions: ShardReport["partitions"]): number {
  return partitions.reduce((total, { bytes }) => total + bytes, 0);
}

function replaceTasks(group: Group, shares: readonly (readonly Share[])[]): void {
  const tasks: Task[] = [];
  const starts: number[] = [];
  for (const [shard, some] of shares.entries()) {
    starts.push(tasks.length);
    if (some.length === 0) tasks.push(createTask(group, tasks.length, shard));
    for (const share of some) tasks.push(createTask(group, tasks.length, shard, share));
  }
  starts.push(tasks.length);
  group.tasks = tasks;
  group.starts = starts;
}

function sum(sizes: Float64Array): number {
  return sizes.reduce((total, bytes) => total + bytes, 0);
}
