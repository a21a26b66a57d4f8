/**
 * Works out what one task of a group reads: which shards, which partition of
 * them, which chunks.
 *
 * A pure function of the plan and of where the shards are now. It does not know
 * when a task may start, nor who runs it.
 */
import type { ShardReport } from "../schedule/report.ts";
import type { Head, InputEdge, ShardPiece, TaskGroupPlan, TaskInput } from "./physical.ts";
import type { Share } from "./shares.ts";
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
  /** The task that wrote the first part of each shard, and their number last; missing when each shard has one part. */
  readonly starts?: readonly number[];
  /** What one task wrote: a shard, or a part of one. */
  shard(task: number): LocatedShard;
}

/** What depends on all inputs together, worked out once for a group. */
export interface InputFacts {
  readonly range?: { readonly bounds: KeyRange; readonly compare: CompareKeys };
  readonly firstIndex?: number;
  /** What the task does of its shard, when others do the rest. */
  readonly share?: Share;
  /** Mode dealt, for each input: the task of the gang that reads what each task wrote. */
  readonly dealt?: readonly (readonly number[])[];
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
    case "worker":
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
    case "dealt":
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

/** Names what a task reads. @param task The shard that it makes, or has a share of. */
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
    const { share } = facts;
    const within = share?.kind === "tasks" && share.input === i ? share : undefined;
    return edgePieces(edge, place, locate(edge), { ...facts, within, readers: facts.dealt?.[i] });
  });
  const sides: Record<number, readonly ShardPiece[]> = {};
  for (const { place, edge } of sideEdges(plan)) {
    sides[place] = edgePieces(edge, { task, tasks: plan.tasks, offset: 0 }, locate(edge), facts);
  }
  const { lower, upper } = boundsOf(facts);
  return {
    pieces,
    sides,
    ...(lower === undefined ? {} : { lower }),
    ...(upper === undefined ? {} : { upper }),
    ...(facts.firstIndex === undefined ? {} : { firstIndex: facts.firstIndex }),
  };
}

/** The bounds of the range, or of the share of it. */
function boundsOf({ range, share }: InputFacts): KeyRange {
  const cuts = share?.kind === "cuts" ? share : undefined;
  const lower = cuts?.lower === undefined ? range?.bounds.lower : { key: cuts.lower.key };
  const upper = cuts?.upper === undefined ? range?.bounds.upper : { key: cuts.upper.key };
  return { lower, upper };
}

interface EdgeFacts extends InputFacts {
  /** Only what these tasks wrote is read. */
  readonly within?: ShardRange;
  /** Mode dealt: the reader of what each task wrote. */
  readonly readers?: readonly number[];
}

function edgePieces(
  edge: InputEdge,
  place: TaskPlace,
  dataset: LocatedDataset,
  facts: EdgeFacts,
): ShardPiece[] {
  const shards = shardsRead(edge.mode, place, dataset.shards);
  const { from, to } = facts.within ?? tasksOf(shards, dataset.starts);
  const partition = edge.mode === "partition" ? place.task : -1;
  const pieces: ShardPiece[] = [];
  for (let i = from; i < to; i += 1) {
    if (facts.readers !== undefined && facts.readers[i] !== place.task) continue;
    const shard = dataset.shard(i);
    const { agent, attempt, isCommitted, report } = shard;
    if (edge.mode === "range" && facts.range !== undefined) {
      cutRuns(shard, i, facts, pieces);
    } else if (!(isCommitted && isEmpty(report, partition))) {
      pieces.push({ agent, attempt, partition, isCommitted });
    }
  }
  return pieces;
}

/** The tasks that wrote some shards. */
export function tasksOf(shards: ShardRange, starts: readonly number[] | undefined): ShardRange {
  if (starts === undefined || shards.from >= shards.to) return shards;
  return { from: starts[shards.from], to: starts[shards.to] };
}

/** One piece for each run that can hold keys of the task's range. */
function cutRuns(shard: LocatedShard, task: number, facts: InputFacts, pieces: ShardPiece[]): void {
  const { agent, attempt, isCommitted, report } = shard;
  const { range, share } = facts;
  if (range === undefined) return;
  const flags = share?.kind === "cuts" ? cutFlags(share, task) : {};
  for (const cut of cutRange(report?.marks ?? [], { ...boundsOf(facts), ...flags }, range.compare)) {
    const chunks = { from: cut.from, to: cut.to };
    pieces.push({ agent, attempt, partition: -1, isCommitted, chunks, ...flags });
  }
}

/** On which side of the cuts the rows with their keys are that a task wrote. */
function cutFlags({ lower, upper }: Share & { readonly kind: "cuts" }, task: number): BoundFlags {
  return {
    ...(lower !== undefined && task < lower.task ? { excludesLower: true } : {}),
    ...(upper !== undefined && task < upper.task ? { includesUpper: true } : {}),
  };
}

type BoundFlags = Pick<ShardPiece, "excludesLower" | "includesUpper">;

/** A shuffle has many empty partitions when there are few keys, and a filter may leave nothing: nobody asks for them. */
function isEmpty(report: ShardReport | undefined, partition: number): boolean {
  if (partition >= 0) return report?.partitions[partition]?.rows === 0;
  return report?.partitions.every(({ rows }) => rows === 0) ?? false;
}
