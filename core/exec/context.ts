/**
 * What user code sees of the task that it runs in.
 */

/** A command line: a string is run by the shell, an array directly. */
export type PipeCommand = string | readonly string[];

/** The task that user code runs in; the second argument of every closure. */
export interface TaskContext {
  /** Number of this shard, from 0. */
  readonly shard: number;
  /** Number of shards of the dataset. */
  readonly shards: number;
  /** Number of the worker in its job, from 0. */
  readonly worker: number;
  /** Writes a line to the job's log; never to the data. */
  log(text: string): void;
  /** Adds to a counter of the job, shown at the end and in `handle.counters`. */
  count(name: string, by?: number): void;
  /** Sends a value to the driver's `workerMessage` listeners. */
  sendToDriver(message: unknown): void;
  /** Listens for messages of the driver. */
  on(event: "driverMessage", listener: (message: unknown) => void): void;
  /** Aborted when the attempt is cancelled. */
  readonly signal: AbortSignal;
}

/** The task context of a closure that reads a broadcast dataset beside its rows. */
export interface SideContext<U> extends TaskContext {
  /** All rows of the broadcast dataset. */
  readonly side: readonly U[];
}
