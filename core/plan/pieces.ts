/**
 * Works out what one task of a group reads: which shards, which partition of
 * them, which chunks.
 *
 * A pure function of the plan and of where the shards are now. It does not know
 * when a task may start, nor who runs it.
 */
import type { ShardReport } from "../schedule/report.ts";
import type { Head, InputEdge, ShardPiece, TaskGroupPlan, TaskInput } from "./physical.ts";
import { type CompareKeys, cutRange, type KeyRange } from "./splitters.ts";

/** One shard and the attempt that made it or is making it. */
export interface LocatedShard {
  readonly agent: string;
  readonly attempt: string;
  readonly isCommitted: boolean;
  /** Missing while it is written, and for channels. */
  readonly report?: ShardReport;
}

/** The shards that an edge reads from. */
export interface LocatedDataset {
  readonly shards: number;
  shard(index: number): LocatedShard;
}

/** What depends on all inputs together, worked out once for a group. */
export interface InputFacts {
  readonly range?: { readonly bounds: KeyRange; readonly compare: CompareKeys };
  readonly firstIndex?: number;
}

/** Shards [from, to). */
export interface ShardRange {
  readonly from: number;
  readonly to: number;
}

export interface TaskPlace {
  readonly task: number;
  readonly tasks: number;
  /** Mode union: task that reads the first shard of the edge. */
  readonly offset: number;
}

export function headEdges(head: Head): readonly InputEdge[] {
  switch (head.kind) {
    case "source":
      return [];
    case "read":
      return head.inputs;
    case "merge":
      return [head.input];
    case "join":
      return [head.left, head.right];
  }
}

/** Edges that steps read whole beside their rows, with the place of the step. */
export function sideEdges(plan: TaskGroupPlan): { readonly place: number; readonly edge: InputEdge }[] {
  const edges: { place: number; edge: InputEdge }[] = [];
  for (const [place, step] of plan.steps.entries()) {
    if ("side" in step && step.side !== undefined) edges.push({ place, edge: step.side });
  }
  return edges;
}

/** Tells which of `shards` shards a task reads through an edge. */
export function shardsRead(mode: InputEdge["mode"], place: TaskPlace, shards: number): ShardRange {
  const { task, tasks, offset } = place;
  switch (mode) {
    case "forward":
      return task < shards ? { from: task, to: task + 1 } : { from: 0, to: 0 };
    case "union": {
      const shard = task - offset;
      return shard >= 0 && shard < shards ? { from: shard, to: shard + 1 } : { from: 0, to: 0 };
    }
    case "spread":
      return {
        from: Math.floor((task * shards) / tasks),
        to: Math.floor(((task + 1) * shards) / tasks),
      };
    case "partition":
    case "all":
    case "range":
      return { from: 0, to: shards };
  }
}

/** For each edge the task that reads its first shard, when its mode is union. */
export function unionOffsets(
  edges: readonly InputEdge[],
  shardsOf: (edge: InputEdge, i: number) => number,
): number[] {
  let next = 0;
  return edges.map((edge, i) => {
    const offset = next;
    if (edge.mode === "union") next += shardsOf(edge, i);
    return offset;
  });
}

export function taskInput(
  plan: TaskGroupPlan,
  task: number,
  locate: (edge: InputEdge) => LocatedDataset,
  facts: InputFacts = {},
): TaskInput {
  const edges = headEdges(plan.head);
  const offsets = unionOffsets(edges, (edge) => locate(edge).shards);
  const pieces = edges.map((edge, i) => {
    const place = { task, tasks: plan.tasks, offset: offsets[i] };
    return edgePieces(edge, place, locate(edge), facts);
  });
  const sides: Record<number, readonly ShardPiece[]> = {};
  for (const { place, edge } of sideEdges(plan)) {
    sides[place] = edgePieces(edge, { task, tasks: plan.tasks, offset: 0 }, locate(edge), facts);
  }
  const bounds = facts.range?.bounds;
  return {
    pieces,
    sides,
    ...(bounds?.lower === undefined ? {} : { lower: bounds.lower }),
    ...(bounds?.upper === undefined ? {} : { upper: bounds.upper }),
    ...(facts.firstIndex === undefined ? {} : { firstIndex: facts.firstIndex }),
  };
}

function edgePieces(
  edge: InputEdge,
  place: TaskPlace,
  dataset: LocatedDataset,
  facts: InputFacts,
): ShardPiece[] {
  const { from, to } = shardsRead(edge.mode, place, dataset.shards);
  const partition = edge.mode === "partition" ? place.task : -1;
  const pieces: ShardPiece[] = [];
  for (let i = from; i < to; i += 1) {
    const shard = dataset.shard(i);
    const { agent, attempt, isCommitted, report } = shard;
    if (edge.mode === "range" && facts.range !== undefined) {
      cutRuns(shard, facts.range, pieces);
    } else if (!(isCommitted && isEmpty(report, partition))) {
      pieces.push({ agent, attempt, partition, isCommitted });
    }
  }
  return pieces;
}

/** One piece for each run that can hold keys of the task's range. */
function cutRuns(shard: LocatedShard, range: NonNullable<InputFacts["range"]>, pieces: ShardPiece[]): void {
  const { agent, attempt, isCommitted } = shard;
  for (const cut of cutRange(shard.report?.marks ?? [], range.bounds, range.compare)) {
    pieces.push({ agent, attempt, partition: -1, isCommitted, chunks: { from: cut.from, to: cut.to } });
  }
}

/** A shuffle has many empty partitions when there are few keys, and a filter may leave nothing: nobody asks for them. */
function isEmpty(report: ShardReport | undefined, partition: number): boolean {
  if (partition >= 0) return report?.partitions[partition]?.rows === 0;
  return report?.partitions.every(({ rows }) => rows === 0) ?? false;
}
