/**
 * What the driver orders of agents, and agents of workers, as plain data.
 */
import type { GangOrder } from "../../collectives/letter.ts";
import type { Parcel } from "../../messages/letter.ts";
import type { PhysicalPlan, TaskInput } from "../../plan/physical.ts";
import type { AttemptResult, TaskReport } from "../report.ts";

/** A plan that agents and workers keep: told once to each of them, however many executions are run by it. */
export interface PlanTemplate {
  /** Equal plans of a job have equal ids. */
  readonly id: string;
  /** A TemplateBody, encoded: agents only hand it on. */
  readonly body: Uint8Array;
}

export interface TemplateBody {
  readonly flow: string;
  /** Datasets of the job have numbers in it in the place of ids. */
  readonly plan: PhysicalPlan;
}

/** One execution: what differs from others of the same plan. Told to an agent and a worker with its first order there. */
export interface ExecutionOrder {
  readonly id: string;
  /** The id of its plan. */
  readonly template: string;
  /** The flow's parameters as CBOR; dataset handles travel as DatasetRef. */
  readonly params: Uint8Array;
}

/** What orders refer to, as far as it was not told before. */
export interface Definitions {
  readonly templates: readonly PlanTemplate[];
  readonly executions: readonly ExecutionOrder[];
}

/** What a worker must know for its orders and does not yet, and what it may forget before. */
export interface WorkerDefinitions extends Definitions {
  /** Ids of executions and plans. */
  readonly forget: readonly string[];
}

/** One attempt at one task group. */
export interface TaskOrder {
  readonly execution: string;
  /** Unique within the job: `<execution>-<group>-<task>-<number>`. */
  readonly attempt: string;
  readonly group: number;
  /** The shard that it makes, or a part of it. */
  readonly task: number;
  readonly input: TaskInput;
  /** Bytes that the operators may hold in memory. */
  readonly memoryBytes: number;
  readonly seed: number;
  /** Somebody follows the shard while it is written: the writer waits when it is too far ahead. */
  readonly isFollowed: boolean;
  /** Only one of these workers of the agent may perform it; any of them when missing. */
  readonly workers?: readonly number[];
  /** Set for a task of a worker program: those that are performed with it. */
  readonly gang?: GangOrder;
}

/** What an agent tells its driver, in order, as one stream. */
export type AgentEvent =
  | { readonly kind: "attemptStarted"; readonly attempt: string; readonly worker: number }
  | { readonly kind: "attemptProgress"; readonly attempt: string; readonly totals: TaskReport }
  | {
      readonly kind: "attemptEnded";
      readonly attempt: string;
      readonly result: AttemptResult;
      /** The batches of a small shard of one partition, where its driver is elsewhere. */
      readonly items?: Uint8Array;
    }
  /** The worker that ran it is gone: exit code or signal, and the last lines of its stderr. */
  | {
      readonly kind: "attemptLost";
      readonly attempt: string;
      readonly cause: string;
      /** Its worker was removed: nobody is to blame. */
      readonly isDrained?: true;
    }
  | {
      readonly kind: "log";
      readonly worker: number;
      readonly attempt?: string;
      readonly level: "debug" | "info" | "warn" | "error";
      readonly text: string;
    }
  /** Messages of a worker, and what it has heard. */
  | { readonly kind: "parcel"; readonly worker: number; readonly parcel: Parcel }
  /** Somebody asked the agent to end the job: it does. */
  | { readonly kind: "jobCancelled"; readonly by: string }
  | { readonly kind: "workerStarted"; readonly worker: number }
  /** Removed, as the driver asked for: its process is gone. */
  | { readonly kind: "workerLeft"; readonly worker: number }
  | {
      readonly kind: "workerExited";
      readonly worker: number;
      readonly cause: string;
      /** It could not be started several times in a row; no other one takes its place. */
      readonly isFinal?: true;
    };
