/**
 * The records that a job's state is made of: executions, groups, tasks, attempts
 * and datasets.
 *
 * Types only: they name each other. new_execution.ts makes them; what may follow what
 * is in transitions.ts; who decides is in the other files of this folder.
 */
import type { WireError } from "../errors.ts";
import type { InputEdge, PhysicalPlan, TaskGroupPlan } from "../plan/physical.ts";
import type { Share } from "../plan/shares.ts";
import type { CompareKeys } from "../plan/splitters.ts";
import type { ExecutionOutcome } from "./outcome.ts";
import type { ShardReport, TaskReport } from "./report.ts";
import type { ReadyTasks } from "./slots/ready_tasks.ts";
import type { WorkerSet } from "./slots/worker_sets.ts";

export type AttemptStatus =
  | { readonly kind: "launched" }
  | { readonly kind: "running"; readonly worker: number }
  /** Told to stop; holds its slot until it has. */
  | { readonly kind: "cancelling" }
  | { readonly kind: "committed" }
  | { readonly kind: "failed"; readonly error: WireError }
  | { readonly kind: "lost"; readonly cause: string }
  | { readonly kind: "cancelled" }
  | { readonly kind: "released" };

export interface Attempt {
  readonly id: string;
  readonly task: Task;
  readonly agent: string;
  readonly isFollowed: boolean;
  /** Who may perform it, and the worker whose slot it has. */
  readonly workers: WorkerSet;
  seat: number | undefined;
  /** What its order promises it. */
  readonly memoryBytes: number;
  /** It was launched beyond the slots: it may wait at its agent. */
  readonly isAhead: boolean;
  /** Attempts that it reads while they are written. */
  readonly follows: ReadonlySet<string>;
  /** When it was ordered; when a worker took it, as far as that was told. */
  readonly launchedAt: number;
  startedAt: number | undefined;
  status: AttemptStatus;
  totals: TaskReport | undefined;
}

export type TaskStatus =
  | { readonly kind: "waiting" }
  | { readonly kind: "ready" }
  | { readonly kind: "running"; readonly attempt: Attempt }
  | { readonly kind: "committed"; readonly attempt: Attempt; readonly shard: ShardReport }
  /** It was committed; nobody needs its shard now. */
  | { readonly kind: "released" }
  /** Its execution ended without it. */
  | { readonly kind: "abandoned" };

export interface Task {
  readonly group: Group;
  /** Place among the tasks of the group. */
  readonly number: number;
  /** The shard that it makes, or a part of it: several tasks in a row have one when they share it. */
  readonly shard: number;
  readonly share: Share | undefined;
  status: TaskStatus;
  /** A second attempt beside the one that runs: whichever commits first counts. */
  copy: Attempt | undefined;
  /** Copies that were ever made of it. */
  copies: number;
  launches: number;
  /** Since it was committed last; of a task of a gang, ever. */
  failures: number;
  /** In a row. */
  losses: number;
  /** Since it was committed last. */
  firstError: WireError | undefined;
  lastError: WireError | undefined;
  firstLoss: string | undefined;
  /** Agent of the last attempt that went wrong: another one is preferred. */
  avoid: string | undefined;
  /** It is not tried again before. */
  restsUntil: number;
  /** It was committed before and is computed again. */
  isRevived: boolean;
  /** See from_copies.ts. */
  readonly keep: KeepState;
  readonly history: string[];
}

/** What the checkpoint of the job does with the shard of a task. */
export interface KeepState {
  /** It has a copy: the shard is fetched from there instead of being computed. */
  isKept: boolean;
  /** The driver was asked to bring that copy to an agent. */
  isRestoring: boolean;
  /** The driver makes a copy: the shard stays until it has. */
  isCopying: boolean;
}

/** What an edge reads: the output of a group, of this execution or an earlier one, or a channel. */
export type Producer = Group | Channel;

export interface Edge {
  readonly edge: InputEdge;
  readonly producer: Producer;
  readonly isSide: boolean;
  /** Mode union: task that reads the first shard of this edge. */
  readonly offset: number;
}

export interface Consumer {
  readonly group: Group;
  readonly edge: Edge;
}

/** A channel: one shard, written by the driver on one agent. It cannot be computed again. */
export interface Channel {
  readonly kind: "channel";
  readonly id: string;
  readonly agent: string;
  readonly attempt: string;
  status: "open" | "closed" | "lost" | "released";
  /** Why its source did not come to its end. */
  failure: WireError | undefined;
  isHeld: boolean;
  rows: number;
  bytes: number;
  readonly consumers: Set<Consumer>;
  readonly history: string[];
}

/** What the group's tasks did, summed over the attempts that won. */
export interface StageTotals {
  attempts: number;
  startedAt: number;
  endedAt: number;
  totals: TaskReport;
}

export interface Group {
  readonly kind: "group";
  readonly execution: Execution;
  readonly plan: TaskGroupPlan;
  /** In the order of their shards. */
  tasks: readonly Task[];
  /** The first task of each shard, and the number of tasks last; set when shards were divided. */
  starts: readonly number[] | undefined;
  readonly edges: Edge[];
  readonly consumers: Set<Consumer>;
  readonly outputs: OutputDataset[];
  readonly ready: ReadyTasks;
  readonly stage: StageTotals;
  /** Tasks whose shard can be read. */
  present: number;
  /** Tasks that are committed, released or abandoned. */
  done: number;
  /** Tasks that are released. */
  released: number;
  /** Tasks that are ready. */
  readyCount: number;
  /** It runs at once with what it reads, behind an open channel. */
  isPipelined: boolean;
  /** Launched so that somebody may read while it is written. */
  isFollowed: boolean;
  /** How long its tasks take, in milliseconds, the last ones more than those before; undefined before the first one. */
  paceMs: number | undefined;
  /** How long the last ones of its attempts took that were committed, in no order. */
  readonly durations: number[];
  /** Bytes of each partition of the output, or of each task's shard when it has one partition. */
  readonly partitionBytes: Float64Array;
  /** Rows before each task's input, kept once the inputs were all there (op index). */
  rowsBefore: Float64Array | undefined;
  /** Bytes that each task reads, kept once a task takes long; none where that is not known. */
  bytesRead: Float64Array | undefined;
  /** Keys that part a sorted exchange, kept once the runs were all there. */
  splitters: readonly unknown[] | undefined;
  /** The driver copies its shards when they are committed. */
  isCopied: boolean;
  /** Some of its shards have a copy: each of its tasks makes one shard. */
  hasKept: boolean;
}

export interface OutputDataset {
  readonly id: string;
  readonly node: number;
  readonly group: Group;
  isHeld: boolean;
  /** A client streams it. */
  isFollowed: boolean;
}

export type ExecutionStatus =
  | { readonly kind: "running" }
  /** All tasks are committed; the driver publishes the sinks. */
  /** What it has failed of meanwhile, which counts when it is known what was published. */
  | { readonly kind: "publishing"; readonly failure?: Exclude<ExecutionOutcome, { kind: "done" }> }
  /** It failed or was cancelled; attempts that were told to stop have not all ended. */
  | {
      readonly kind: "ending";
      readonly outcome: ExecutionOutcome;
      readonly since: number;
      readonly isPublishing: boolean;
    }
  /** Told as done; kept while its outputs, or what was made of them, may have to be computed again. */
  | { readonly kind: "done" }
  /** Done before, and computing lost shards again. */
  | { readonly kind: "recovering" }
  /** Done before, and lost shards could not be computed again. */
  | { readonly kind: "broken"; readonly error: WireError }
  /** Gone: kept by late attempts only. */
  | { readonly kind: "ended" };

/** The part of an execution that runs all at once, so that rows flow out of open channels. */
export interface Pipeline {
  readonly groups: readonly Group[];
  readonly channels: readonly Channel[];
  /** A worker program: its tasks begin again together, too. */
  readonly isGang: boolean;
  /** Tasks of it that wait. */
  readonly pending: Set<Task>;
  /** Slots for all pending tasks are kept for it. */
  isGranted: boolean;
  /** Since when it does not fit into all slots that there are. */
  stuckSince: number | undefined;
}

export interface Execution {
  readonly id: string;
  readonly age: number;
  readonly plan: PhysicalPlan;
  readonly compare: ReadonlyMap<number, CompareKeys>;
  /** The only workers that perform its tasks. */
  workers: WorkerSet;
  /** Bytes that operators may hold, and attempts of one task that may fail; the job's when undefined. */
  readonly memoryBytes: number | undefined;
  readonly maxAttempts: number | undefined;
  readonly groups: Group[];
  readonly outputs: OutputDataset[];
  /** Attempts that hold a slot. */
  readonly running: Set<Attempt>;
  /** All executions of the job that something may still happen to; transitions.ts keeps it. */
  readonly live: Set<Execution>;
  /** Executions whose datasets it reads, and those that read its own; both are kept for lineage. */
  readonly upstream: Set<Execution>;
  readonly downstream: Set<Execution>;
  status: ExecutionStatus;
  /** Groups with tasks that are not done. */
  undone: number;
  pipeline: Pipeline | undefined;
  /** Since when none of its workers is there. */
  slotlessSince: number | undefined;
  warnings: number;
  /** An earlier driver ran it: any of its outputs may be wanted at any time, so it is never forgotten. */
  isReplayed: boolean;
  /** Something to tell at the next tick. */
  isChanged: boolean;
  readonly history: string[];
}

/** What an execution may use, beside the whole job. */
export interface ExecutionLimits {
  readonly workers?: readonly number[] | undefined;
  readonly memoryBytes?: number | undefined;
  readonly maxAttempts?: number | undefined;
}
