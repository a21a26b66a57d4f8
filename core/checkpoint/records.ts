/**
 * What the log of a checkpoint holds: the life of the executions of one program, whichever drivers ran it.
 *
 * Plain data. Executions have numbers in the order in which they were planned, which are the same for all drivers.
 */
import type { Placement } from "../plan/placement.ts";
import type { TaskReport } from "../schedule/report.ts";

/** Code of what a driver is told that has nothing left to do. */
export const HAS_SUCCEEDED = "has-succeeded";

/** The first record. */
export interface OpenedRecord {
  readonly kind: "opened";
  /** Of the engine. */
  readonly version: string;
  /** Hash of the program. */
  readonly program: string;
  /** Of the program's own. */
  readonly args: readonly string[];
}

/** The driver function has ended well: nothing is left to do. The only one behind the first. */
export interface SucceededRecord {
  readonly kind: "succeeded";
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** An execution was planned; what it is to run is known. */
export interface StartedRecord {
  readonly kind: "started";
  readonly number: number;
  readonly flow: string;
  /** Of the flow's name, its parameters and its graph. */
  readonly digest: string;
  /** Of the plan: copies of shards are of this one. */
  readonly plan: string;
  /** What it was planned with. */
  readonly slots: number;
  readonly memoryBytes: number;
}

/** A dataset output, when it was complete. */
export interface PastOutput {
  readonly node: number;
  readonly group: number;
  readonly shards: readonly { readonly rows: number; readonly bytes: number }[];
  readonly placement?: Placement;
}

/** A sink, when its part files were all there and none was published. */
export interface PastSink {
  readonly node: number;
  readonly parts: readonly {
    readonly attempt: string;
    readonly name: string;
    readonly rows: number;
    readonly bytes: number;
    /** What tells the file from others of its size; it stays when the file is moved. */
    readonly inode: number;
  }[];
}

/** All tasks are committed; the sinks are about to be published. */
export interface PublishingRecord {
  readonly kind: "publishing";
  readonly number: number;
  /** Part of the names of its staging directories. */
  readonly execution: string;
  readonly totals: TaskReport;
  readonly outputs: readonly PastOutput[];
  readonly sinks: readonly PastSink[];
}

/** It is over; its sinks are published. */
export interface DoneRecord {
  readonly kind: "done";
  readonly number: number;
  readonly totals: TaskReport;
  readonly outputs: readonly PastOutput[];
  readonly sinks: readonly {
    readonly node: number;
    readonly path: string;
    readonly rows: number;
    readonly bytes: number;
    readonly files: readonly string[];
  }[];
}

export type CheckpointRecord = OpenedRecord | SucceededRecord | StartedRecord | PublishingRecord | DoneRecord;
