/**
 * What goes into and comes out of the scheduler of one job, and its state.
 *
 * The scheduler decides only: it knows no clock, no transport and no file. The
 * driver feeds it events and performs its commands in their order.
 */
import type { WireError } from "../errors.ts";
import type { WorkerInfo } from "../job/worker_info.ts";
import type { PhysicalPlan, ShardPiece } from "../plan/physical.ts";
import type { CompareKeys } from "../plan/splitters.ts";
import type { Agent } from "./agent_state.ts";
import type { AgentEvent, TaskOrder } from "./attempts/order.ts";
import type {
  Attempt,
  Channel,
  Execution,
  ExecutionLimits,
  Group,
  OutputDataset,
  Task,
} from "./execution_state.ts";
import type { ExecutionOutcome } from "./outcome.ts";
import type { ShardReport, TaskReport } from "./report.ts";

export interface JobOptions {
  readonly job: string;
  /** Most that a task may have. */
  readonly memoryBytesPerWorker: number;
  /** Of all workers together, who have even shares of it; what is missing is bounded by their agents. */
  readonly memoryBytes?: number | undefined;
  /** Attempts of one task that may fail before the execution does. Usually 4. */
  readonly maxAttempts: number;
  /** Losses of one task in a row that end the execution. Usually 5. */
  readonly maxLosses: number;
  readonly seed: number;
  /** Shards that read less than twice so much are not divided among tasks. 1 MiB when missing. */
  readonly minShareBytes?: number | undefined;
  /** What a task waits before its second repetition; twice as much before the third, and so on. At once when missing. */
  readonly backoffMs?: number | undefined;
  /** Tasks that take much longer than others of their group are run on another agent too. */
  readonly speculates?: boolean | undefined;
}

/** An event of an agent's stream that is about an attempt, with the agent that told it. */
export type AttemptEvent = Extract<
  AgentEvent,
  { readonly kind: "attemptStarted" | "attemptProgress" | "attemptEnded" | "attemptLost" }
> & { readonly agent: string };

export type JobEvent =
  /** An agent that is known already gets another number of slots. */
  | {
      readonly kind: "agentJoined";
      readonly agent: string;
      readonly slots: number;
      /** Numbers of its workers, as many as slots; without them no execution can be bound to some of them. */
      readonly workers?: readonly number[];
    }
  | { readonly kind: "agentLost"; readonly agent: string; readonly cause: string }
  /** The set of the job's workers is another one: those that begin to work together are told so. */
  | { readonly kind: "epochBegan"; readonly epoch: number; readonly workers: readonly WorkerInfo[] }
  | ({
      readonly kind: "executionSubmitted";
      readonly execution: string;
      readonly plan: PhysicalPlan;
      /** Order of the keys of a sorted exchange, by the node of its SortOrder (descending included). */
      readonly compare: ReadonlyMap<number, CompareKeys>;
      /** Ids of the output groups that a client streams from the start. */
      readonly followed: ReadonlySet<number>;
      /** What a checkpoint has to do with it. */
      readonly checkpoint?: SubmittedCheckpoint | undefined;
    } & ExecutionLimits)
  /** From now on other workers perform its tasks: those that it had are gone. */
  | { readonly kind: "executionMoved"; readonly execution: string; readonly workers: readonly number[] }
  /** The driver brought the copy of a shard to an agent, as the attempt of the command. */
  | {
      readonly kind: "shardRestored";
      readonly execution: string;
      readonly group: number;
      readonly task: number;
      readonly attempt: string;
      readonly agent: string;
      readonly shard: ShardReport;
    }
  /** The copy cannot be read: the shard has to be computed. */
  | {
      readonly kind: "restoreFailed";
      readonly execution: string;
      readonly group: number;
      readonly task: number;
      readonly error: WireError;
    }
  /** The driver has made the copy that it was told to make, or could not. */
  | {
      readonly kind: "shardKept";
      readonly execution: string;
      readonly group: number;
      readonly shard: number;
      readonly isKept: boolean;
    }
  /** A handle of an execution of an earlier driver is wanted after all. */
  | { readonly kind: "datasetHeld"; readonly dataset: string }
  | { readonly kind: "executionCancelled"; readonly execution: string; readonly cause: WireError }
  /** A channel: one shard that is being written. */
  | {
      readonly kind: "datasetOpened";
      readonly dataset: string;
      readonly agent: string;
      readonly attempt: string;
    }
  | {
      readonly kind: "datasetClosed";
      readonly dataset: string;
      readonly rows: number;
      readonly bytes: number;
    }
  /** The channel's source failed: nobody can read it to its end. */
  | { readonly kind: "datasetFailed"; readonly dataset: string; readonly error: WireError }
  /** The handle is gone. */
  | { readonly kind: "datasetReleased"; readonly dataset: string }
  | { readonly kind: "datasetFollowed"; readonly dataset: string }
  /** The client could not read a committed shard. */
  | { readonly kind: "shardLost"; readonly attempt: string; readonly cause: string }
  | AttemptEvent
  | { readonly kind: "sinksPublished"; readonly execution: string; readonly error?: WireError }
  | { readonly kind: "tick" };

/** What a checkpoint has to do with an execution that is submitted. */
export interface SubmittedCheckpoint {
  /** Groups whose shards are copied when they are committed. */
  readonly copied: ReadonlySet<number>;
  /** Shards, by group, of which there are copies. */
  readonly kept: ReadonlyMap<number, ReadonlySet<number>>;
  /**
   * Set when an earlier driver saw its end: its sinks are published and nothing of it runs, but for what outputs among
   * these nodes have lost.
   */
  readonly held?: ReadonlySet<number> | undefined;
}

export interface SinkPart {
  readonly task: number;
  readonly agent: string;
  readonly attempt: string;
  readonly file: NonNullable<ShardReport["sinkFile"]>;
}

/**
 * How far one task group is.
 *
 * @example Tasks that are still to do
 * ```ts
 * import { flow, type GroupProgress, run } from "luciole";
 * const left = (groups: readonly GroupProgress[]) => groups.reduce((sum, { tasks, committed }) => sum + tasks - committed, 0);
 * const numbers = flow("progress", (f) => f.range(3));
 * await run(async (job) => {
 *   const execution = job.start(numbers);
 *   await execution.done;
 *   console.log(left(execution.progress?.groups ?? [])); // 0
 * });
 * ```
 */
export interface GroupProgress {
  /** Number of the group in the plan, from 0. */
  readonly group: number;
  /** Its steps, as plans show them. */
  readonly label: string;
  /** How many tasks it has. */
  readonly tasks: number;
  /** How many of them run now. */
  readonly running: number;
  /** How many of them are done. */
  readonly committed: number;
  /** Rows written so far, running attempts included. */
  readonly rows: number;
  /** Bytes written so far, running attempts included. */
  readonly bytes: number;
}

export type JobCommand =
  | { readonly kind: "launch"; readonly agent: string; readonly order: TaskOrder }
  | { readonly kind: "cancel"; readonly agent: string; readonly attempt: string }
  /** Shards that nobody needs any more. */
  | { readonly kind: "release"; readonly agent: string; readonly attempts: readonly string[] }
  /** Bring the copy of a shard to an agent, under the name of this attempt. */
  | {
      readonly kind: "restore";
      readonly execution: string;
      readonly group: number;
      readonly task: number;
      readonly attempt: string;
    }
  /** Copy a shard, which has several pieces when it was divided. */
  | {
      readonly kind: "keep";
      readonly execution: string;
      readonly group: number;
      readonly shard: number;
      readonly pieces: readonly ShardPiece[];
    }
  | {
      readonly kind: "publishSinks";
      readonly execution: string;
      readonly sinks: readonly { readonly node: number; readonly parts: readonly SinkPart[] }[];
      readonly totals: TaskReport;
    }
  | { readonly kind: "executionEnded"; readonly execution: string; readonly outcome: ExecutionOutcome }
  /** No task of it can run again, not even to compute a lost output anew: agents may forget it. */
  | { readonly kind: "executionForgotten"; readonly execution: string }
  /** Pieces of the dataset `<execution>.<node>` are known: once when all are committed, for a followed output at each start too. */
  | {
      readonly kind: "outputReady";
      readonly execution: string;
      readonly node: number;
      readonly dataset: string;
    }
  /** Nobody reads an open channel, or ever will: its source may end. Told again as long as it is open. */
  | { readonly kind: "channelUnneeded"; readonly dataset: string }
  | { readonly kind: "warning"; readonly execution: string; readonly text: string }
  | {
      readonly kind: "progress";
      readonly execution: string;
      readonly groups: readonly GroupProgress[];
    };

/** A part of a dataset that can be read now: a shard, or what one of several tasks wrote of it. */
export interface LocatedPiece {
  /** Place among the parts of the dataset; that among its shards when none of them was divided. */
  readonly shard: number;
  readonly piece: ShardPiece;
}

/** Everything the scheduler of one job knows. Only core/schedule looks inside. */
export interface JobState {
  readonly options: JobOptions;
  readonly agents: Map<string, Agent>;
  /** Executions that run or whose tasks may be needed again, oldest first. */
  readonly executions: Map<string, Execution>;
  /** Those that are not only kept for lineage. */
  readonly live: Set<Execution>;
  /** Attempts that hold a slot or a shard. */
  readonly attempts: Map<string, Attempt>;
  readonly channels: Map<string, Channel>;
  readonly outputs: Map<string, OutputDataset>;
  /** Groups that have ready tasks, in the order in which they are served. */
  readonly ready: Group[];
  /** Executions whose pipeline has tasks that wait. */
  readonly pipelines: Set<Execution>;
  /** Tasks that went wrong more than once and wait for the time to be tried again. */
  readonly resting: Set<Task>;
  /** Number of the next execution: its age. */
  nextAge: number;
  /** Of the job's workers, and the hosts of these. */
  epoch: number;
  hosts: ReadonlyMap<number, string>;
}

export function createJobState(options: JobOptions): JobState {
  return {
    options,
    agents: new Map(),
    executions: new Map(),
    live: new Set(),
    attempts: new Map(),
    channels: new Map(),
    outputs: new Map(),
    ready: [],
    pipelines: new Set(),
    resting: new Set(),
    nextAge: 0,
    epoch: 1,
    hosts: new Map(),
  };
}
