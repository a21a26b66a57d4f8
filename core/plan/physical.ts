/**
 * The physical plan: what runs, as plain data that travels to the workers.
 *
 * A plan names logical nodes by id; closures are found in the graph that every
 * worker rebuilds. A task group is head → steps → tail: the head brings rows in,
 * the steps are fused and never materialise between each other, the tail writes
 * the group's one output dataset.
 */
import type { NodeId } from "../graph/node.ts";
import type { Placement } from "./placement.ts";

/** A part of the input of a source, fixed by the driver before the tasks start. */
export type SourceSplit =
  | {
      readonly kind: "file";
      readonly path: string;
      /** First byte; a split that does not begin at 0 begins after the first line end at or after `start - 1`. */
      readonly start: number;
      /** Byte after the last; a line that begins before it is read to its end. Infinity for compressed files. */
      readonly end: number;
      readonly compression: "none" | "gzip" | "zstd";
      /** Guess of what is in a compressed file that is too large for one task, and cannot be cut. */
      readonly estimatedBytes?: number;
    }
  | { readonly kind: "files"; readonly files: readonly (SourceSplit & { readonly kind: "file" })[] }
  /** Paths themselves are the rows (`f.files`). */
  | { readonly kind: "paths"; readonly paths: readonly string[] }
  | { readonly kind: "range"; readonly from: number; readonly to: number }
  /** Rows [from, to) of a `values` node's own array. */
  | { readonly kind: "slice"; readonly from: number; readonly to: number }
  /** Shard number of a `generate` node. */
  | { readonly kind: "shard" };

/** What a task reads of a dataset. */
export interface InputEdge {
  readonly from:
    | { readonly kind: "group"; readonly group: number }
    /** A dataset of an earlier execution, or a channel, by its id in the job. */
    | { readonly kind: "dataset"; readonly dataset: string };
  /**
   * forward: task i reads shard i (all its partitions).
   * partition: task i reads partition i of every shard.
   * all: every task reads everything.
   * spread: the shards are dealt in contiguous blocks over the tasks (coalesce).
   * range: task i reads range i of the sorted runs; the splitters come with the task.
   * dealt: each shard goes to one task of a gang, chosen when it starts by where the shards and the tasks lie.
   * union: this group has one task for each shard of each of its `union` edges in turn.
   */
  readonly mode: "forward" | "partition" | "all" | "spread" | "range" | "dealt" | "union";
}

/** How rows are ordered. `compare`: by the closure of the node; `key`: by the closure or built-in key of the node. */
export interface SortOrder {
  readonly node: NodeId;
  readonly by: "row" | "pairKey" | "key" | "compare";
  readonly descending: boolean;
}

export type Head =
  | {
      readonly kind: "source";
      readonly node: NodeId;
      readonly splits: readonly SourceSplit[];
      /** csv and jsonl: no step looks at any other column, so others need not be parsed. */
      readonly columns?: readonly string[];
    }
  /** Rows of the inputs, one input after the other, shard after shard. */
  | { readonly kind: "read"; readonly inputs: readonly InputEdge[] }
  /** A worker program: its tasks run together, one on each worker, and read the inputs as they like. */
  | { readonly kind: "worker"; readonly node: NodeId; readonly inputs: readonly InputEdge[] }
  /** Merges sorted runs (mode range) or sorted shards (mode all or spread) with a loser tree. */
  | {
      readonly kind: "merge";
      readonly input: InputEdge;
      readonly order: SortOrder;
      readonly hasKeyColumn: boolean;
    }
  | {
      readonly kind: "join";
      readonly node: NodeId;
      readonly how: "inner" | "left" | "right" | "full" | "cogroup";
      readonly strategy: "hash" | "sort-merge";
      readonly left: InputEdge;
      readonly right: InputEdge;
    };

/** Partial makes accumulators of rows, merge makes results of accumulators, complete does both at once. */
export type Phase = "partial" | "merge" | "complete";

export type StepPlan =
  | {
      readonly op:
        | "map"
        | "filter"
        | "flatMap"
        | "tap"
        | "mapValues"
        | "keyBy"
        | "keys"
        | "values"
        | "words"
        | "sample"
        | "mapShards"
        | "pipe"
        | "lines"
        | "forEach"
        | "toSink";
      readonly node: NodeId;
      /** The dataset that every task reads whole (`with`). */
      readonly side?: InputEdge;
    }
  /** [row, index]; the task brings the number of rows in the shards before it. */
  | { readonly op: "index"; readonly node: NodeId }
  /** Keyed aggregation: rows are [key, value] pairs, or the whole row is the key. */
  | { readonly op: "combine"; readonly node: NodeId; readonly phase: Phase; readonly key: "pair" | "row" }
  | { readonly op: "group"; readonly node: NodeId }
  /** Aggregation without key: emits one row. */
  | { readonly op: "fold"; readonly node: NodeId; readonly phase: Phase }
  | { readonly op: "top"; readonly node: NodeId }
  | { readonly op: "limit"; readonly node: NodeId; readonly n: number }
  | { readonly op: "sort"; readonly order: SortOrder }
  | {
      readonly op: "broadcastJoin";
      readonly node: NodeId;
      readonly how: "inner" | "left" | "right";
      /** Which side of the join the steps' rows are. */
      readonly streamed: "left" | "right";
      readonly side: InputEdge;
    };

export type Tail =
  /** One partition. */
  | { readonly kind: "store" }
  /** By the stable hash of row[0] or of the row. */
  | {
      readonly kind: "hash";
      readonly partitions: number;
      readonly key: "pair" | "row";
      /** The step that needs the rows by key: it is blamed for rows that are no pairs. */
      readonly node?: NodeId;
    }
  /** By the user's function of node. */
  | { readonly kind: "function"; readonly partitions: number; readonly node: NodeId }
  | { readonly kind: "roundRobin"; readonly partitions: number }
  /** Sorted runs of [key, row] (or of rows, when the row is its own key), marked chunk by chunk. */
  | { readonly kind: "runs"; readonly order: SortOrder; readonly hasKeyColumn: boolean }
  /** Encoded by the step before it ("toSink") into the attempt's staged file. */
  | { readonly kind: "sink"; readonly node: NodeId }
  /** Rows go nowhere (forEach). */
  | { readonly kind: "discard" };

export interface TaskGroupPlan {
  readonly id: number;
  readonly head: Head;
  readonly steps: readonly StepPlan[];
  readonly tail: Tail;
  /** Number of tasks, so of shards of the output. */
  readonly tasks: number;
  /** Logical nodes that run here, in order, for explain and error messages. */
  readonly nodes: readonly NodeId[];
  /** The user's operations: `text → flatMap → filter → countByValue (partial)`. */
  readonly label: string;
  /** Bytes that the group is thought to write, Infinity when unknown. */
  readonly estimatedBytes: number;
  /** Run the whole group's driver side from its own rows' counts (zipWithIndex) or samples (range): needs committed inputs. */
  readonly needsCommittedInput: boolean;
  /** The user said how many shards there are, so a sink writes just so many files. */
  readonly hasDemandedShards?: true;
  /** Its output is a dataset that the user marked: a checkpoint keeps copies of its shards. */
  readonly isCheckpoint?: true;
  /** Where the user wants the shards; without it small ones are kept in memory, others on disk. */
  readonly storage?: "memory" | "disk";
  /** What the planner decided here and why, for explain: `no exchange: …`. */
  readonly notes?: readonly string[];
}

export interface PlanOutput {
  readonly node: NodeId;
  /** The group whose tail holds the dataset. */
  readonly group: number;
  readonly kind: "dataset" | "sink";
  /** Where equal keys of a dataset lie, for the plans of later executions. */
  readonly placement?: Placement;
}

export interface PhysicalPlan {
  readonly flow: string;
  readonly fingerprint: readonly string[];
  /** In topological order: a group reads only groups before it. */
  readonly groups: readonly TaskGroupPlan[];
  readonly outputs: readonly PlanOutput[];
}

/** One thing to read: some partition of one committed or running attempt, on some agent. */
export interface ShardPiece {
  /** Agent that holds it; its address is in the execution's table. */
  readonly agent: string;
  /** Names the data and index file on that agent. */
  readonly attempt: string;
  /** -1 for all partitions in order. */
  readonly partition: number;
  /** False while it is written: the reader follows it until its trailer. */
  readonly isCommitted: boolean;
  /** Chunk numbers [from, to) of the partition; all when missing. */
  readonly chunks?: { readonly from: number; readonly to: number };
  /** Mode range: its rows with the key of the task's lower bound belong to another share. */
  readonly excludesLower?: true;
  /** Mode range: its rows with the key of the task's upper bound belong to this share. */
  readonly includesUpper?: true;
  /**
   * Set by the agent that holds a small shard in memory: the batches to read, as they would lie in its file, or that
   * it is to be asked for them because they are too many for the order.
   */
  readonly held?: Uint8Array | "ask";
}

/** What one task of a group reads, worked out by the scheduler when it starts. */
export interface TaskInput {
  /** Pieces of each edge of the head (for a join: left, then right), in shard order. */
  readonly pieces: readonly (readonly ShardPiece[])[];
  /** Pieces of the side of each step that has one, by place of the step. */
  readonly sides: Readonly<Record<number, readonly ShardPiece[]>>;
  /** Mode range: rows with lower ≤ key < upper; a missing bound is open. */
  readonly lower?: { readonly key: unknown };
  readonly upper?: { readonly key: unknown };
  /** Op index: number of rows in the shards before. */
  readonly firstIndex?: number;
}
