/**
 * What a task needs before it may start, and what it is told to read.
 *
 * Looks at the state and changes nothing of it but the facts that are worked out
 * once for a group (splitters, row counts).
 */

import type { InputEdge, TaskInput } from "../../plan/physical.ts";
import {
  type InputFacts,
  type LocatedDataset,
  type LocatedShard,
  type ShardRange,
  shardsRead,
  taskInput,
  tasksOf,
} from "../../plan/pieces.ts";
import { type CompareKeys, chooseSplitters, taskRange } from "../../plan/splitters.ts";
import type { Attempt, Edge, Group, Producer, Task } from "../execution_state.ts";
import type { ShardReport } from "../report.ts";
import { InvariantError, taskName } from "../transitions.ts";

/** Above this many (task, shard) pairs nobody works out which agent a task would like best. */
const MAX_PREFERENCE_PAIRS = 4_000_000;

export function shardCount(producer: Producer): number {
  return producer.kind === "channel" ? 1 : producer.plan.tasks;
}

/** Tasks that wrote what a shard of the group reads through one of its edges. */
export function partsOf(group: Group, edge: Edge, shard: number): ShardRange {
  const { producer } = edge;
  const place = { task: shard, tasks: group.plan.tasks, offset: edge.offset };
  const shards = shardsRead(edge.edge.mode, place, shardCount(producer));
  return tasksOf(shards, producer.kind === "channel" ? undefined : producer.starts);
}

/** Tasks of the group that make a shard, or read it through an edge that gives each its own. */
export function tasksOfShard({ tasks, starts, plan }: Group, shard: number): readonly Task[] {
  if (shard >= plan.tasks) return [];
  const { from, to } = tasksOf({ from: shard, to: shard + 1 }, starts);
  return tasks.slice(from, to);
}

/** True when the group waits for every task of the producer, not only for matching ones. */
export function isBarrier(group: Group, edge: Edge): boolean {
  const { mode } = edge.edge;
  return (mode !== "forward" && mode !== "union") || needsRowCounts(group);
}

/** Until the row counts of all shards are known, a task needs more than its own shard. */
function needsRowCounts(group: Group): boolean {
  return group.plan.needsCommittedInput && group.rowsBefore === undefined;
}

export function areInputsCommitted(task: Task): boolean {
  for (const edge of task.group.edges) {
    if (!isCommittedFor(task, edge)) return false;
  }
  return true;
}

function isCommittedFor(task: Task, edge: Edge): boolean {
  const { producer } = edge;
  if (producer.kind === "channel") {
    const { from, to } = partsOf(task.group, edge, task.shard);
    return from >= to || producer.status === "closed";
  }
  if (isBarrier(task.group, edge)) return producer.present === producer.tasks.length;
  const { from, to } = partsOf(task.group, edge, task.shard);
  for (let i = from; i < to; i += 1) if (producer.tasks[i].status.kind !== "committed") return false;
  return true;
}

/** True when a task of a pipeline can be launched: what it follows is being written. */
export function areInputsStarted(task: Task): boolean {
  for (const edge of task.group.edges) {
    if (!isStartedFor(task, edge) && !isCommittedFor(task, edge)) return false;
  }
  return true;
}

function isStartedFor(task: Task, edge: Edge): boolean {
  const { producer } = edge;
  if (edge.isSide) return false;
  if (producer.kind === "channel") return producer.status === "open";
  if (!producer.isPipelined) return false;
  const { from, to } = partsOf(task.group, edge, task.shard);
  for (let i = from; i < to; i += 1) {
    const { status } = producer.tasks[i];
    if (status.kind !== "committed" && followable(producer.tasks[i]) === undefined) return false;
  }
  return true;
}

/** The running attempt of a task that may be read while it writes. */
export function followable(task: Task): Attempt | undefined {
  if (task.status.kind !== "running") return undefined;
  const { attempt } = task.status;
  return attempt.isFollowed && attempt.status.kind === "running" ? attempt : undefined;
}

/** Names what the task reads; call only when its inputs are committed or started. */
export function inputOf(
  task: Task,
  dealt?: InputFacts["dealt"],
): { readonly input: TaskInput; readonly follows: Set<string> } {
  const { group } = task;
  const follows = new Set<string>();
  const locate = (edge: InputEdge): LocatedDataset => locatedBy(group, edge, follows);
  return {
    input: taskInput(group.plan, task.shard, locate, { ...factsOf(task), ...(dealt && { dealt }) }),
    follows,
  };
}

function locatedBy(group: Group, edge: InputEdge, follows: Set<string>): LocatedDataset {
  const found = group.edges.find((one) => one.edge === edge);
  if (found === undefined) throw new InvariantError(`Reading for ${group.plan.label}: unknown edge`, []);
  const { producer } = found;
  return {
    shards: shardCount(producer),
    starts: producer.kind === "channel" ? undefined : producer.starts,
    shard: (index) => locateShard(producer, index, follows),
  };
}

function locateShard(producer: Producer, index: number, follows: Set<string>): LocatedShard {
  if (producer.kind === "channel") {
    const { agent, attempt, status } = producer;
    return { agent, attempt, isCommitted: status === "closed" };
  }
  const task = producer.tasks[index];
  if (task.status.kind === "committed") {
    const { attempt, shard } = task.status;
    return { agent: attempt.agent, attempt: attempt.id, isCommitted: true, report: shard };
  }
  const attempt = followable(task);
  if (attempt === undefined) {
    throw new InvariantError(`Reading ${taskName(task)}: it is ${task.status.kind}`, task.history);
  }
  follows.add(attempt.id);
  return { agent: attempt.agent, attempt: attempt.id, isCommitted: false };
}

function factsOf(task: Task): InputFacts {
  const { group, shard, share } = task;
  const isIndexed = group.plan.steps.some((step) => step.op === "index");
  const facts: { -readonly [K in keyof InputFacts]: InputFacts[K] } = {};
  if (isIndexed) facts.firstIndex = rowsBeforeShards(group)[shard];
  if (share !== undefined) facts.share = share;
  const compare = rangeOrder(group);
  if (compare !== undefined) {
    facts.range = { bounds: taskRange(splittersOf(group, compare), shard), compare };
  }
  return facts;
}

/** The order of the keys by which the group's input is cut into ranges, when it is. */
export function rangeOrder(group: Group): CompareKeys | undefined {
  const { head } = group.plan;
  const isCut = head.kind === "merge" && head.input.mode === "range";
  return isCut ? compareOf(group, head.order.node) : undefined;
}

function compareOf(group: Group, node: number): CompareKeys {
  const compare = group.execution.compare.get(node);
  if (compare === undefined) {
    throw new InvariantError(`Cutting the ranges of ${group.plan.label}: node ${node} has no order`, []);
  }
  return compare;
}

/** Splitters stay what they are when runs are computed again: ranges that are done must not move. */
export function splittersOf(group: Group, compare: CompareKeys): readonly unknown[] {
  group.splitters ??= chooseSplitters(
    group.edges.filter((edge) => !edge.isSide).flatMap((edge) => reportsOf(edge).map((r) => r.marks ?? [])),
    group.plan.tasks,
    compare,
  );
  return group.splitters;
}

function reportsOf(edge: Edge): ShardReport[] {
  if (edge.producer.kind === "channel") return [];
  return edge.producer.tasks.map((task) => reportOf(task));
}

/** What a committed task left. */
export function reportOf(task: Task): ShardReport {
  if (task.status.kind === "committed") return task.status.shard;
  throw new InvariantError(
    `Reading the counts of ${taskName(task)}: it is ${task.status.kind}`,
    task.history,
  );
}

function rowsBeforeShards(group: Group): Float64Array {
  if (group.rowsBefore !== undefined) return group.rowsBefore;
  const before = new Float64Array(group.plan.tasks);
  let rows = 0;
  for (let i = 0; i < before.length; i += 1) {
    before[i] = rows;
    for (const edge of group.edges) {
      if (!edge.isSide) rows += rowsRead(group, edge, i);
    }
  }
  group.rowsBefore = before;
  return before;
}

function rowsRead(group: Group, edge: Edge, shard: number): number {
  const { from, to } = partsOf(group, edge, shard);
  const { producer } = edge;
  if (producer.kind === "channel") return from < to ? producer.rows : 0;
  let rows = 0;
  for (let i = from; i < to; i += 1) {
    const { partitions } = reportOf(producer.tasks[i]);
    if (edge.edge.mode === "partition") rows += partitions[shard]?.rows ?? 0;
    else for (const partition of partitions) rows += partition.rows;
  }
  return rows;
}

/** The agent that holds most of the bytes that a task reads, when that tells tasks apart. */
export function preferredAgent(task: Task, agents: number): string | undefined {
  const { group } = task;
  if (agents < 2) return undefined;
  const bytes = new Map<string, number>();
  for (const edge of group.edges) {
    const { from, to } = partsOf(group, edge, task.shard);
    const isTelling = edge.edge.mode !== "range" && (edge.edge.mode !== "all" || group.tasks.length === 1);
    if (isTelling && (to - from) * group.tasks.length <= MAX_PREFERENCE_PAIRS) {
      for (let i = from; i < to; i += 1) addBytes(bytes, edge, task.shard, i);
    }
  }
  let best: string | undefined;
  for (const [agent, held] of bytes) {
    if (agent !== task.avoid && held > (best === undefined ? 0 : (bytes.get(best) ?? 0))) best = agent;
  }
  return best;
}

function addBytes(bytes: Map<string, number>, edge: Edge, shard: number, index: number): void {
  const { producer } = edge;
  if (producer.kind === "channel") {
    bytes.set(producer.agent, (bytes.get(producer.agent) ?? 0) + producer.bytes);
    return;
  }
  const { status } = producer.tasks[index];
  if (status.kind !== "committed") return;
  const { partitions } = status.shard;
  let held = 0;
  if (edge.edge.mode === "partition") held = partitions[shard]?.bytes ?? 0;
  else for (const partition of partitions) held += partition.bytes;
  bytes.set(status.attempt.agent, (bytes.get(status.attempt.agent) ?? 0) + held);
}
