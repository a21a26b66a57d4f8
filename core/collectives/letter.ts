/**
 * What the members of a gang send each other, and the gang itself, as plain data.
 */
import type { WorkerInfo } from "../job/worker_info.ts";

/** The workers that run a worker program together, and which of them is meant. */
export interface GangOrder {
  /** Of this start of the gang: what members of an earlier one sent is passed over. */
  readonly id: string;
  /** Place of the member among them. */
  readonly rank: number;
  /** By rank. */
  readonly members: readonly WorkerInfo[];
  /** Of the job's workers, when it was started. */
  readonly epoch: number;
}

/** What is sent for somebody to take: parts of collective operations, and values of `send`. Neither waits for the other. */
export type Lane = "collective" | "value";

/**
 * Or it tells how much of a lane was taken, or that the member's function has returned, or that nothing more can come of it
 * though it has not.
 */
export type LetterKind = Lane | "taken" | "returned" | "lost";

/** A value on its way. */
export interface Encoded {
  /** Of which typed array the payload holds the elements; any other value is encoded. */
  readonly form?: number;
  readonly payload: Uint8Array;
}

export interface Letter extends Encoded {
  readonly kind: LetterKind;
  /** Number of the collective operation, from 1; of a member that returned, how many it made; bytes that were taken in all. */
  readonly sequence: number;
  /** The operation, as its rank called it: `allReduce sum`; the lane that was taken of. */
  readonly label: string;
}
