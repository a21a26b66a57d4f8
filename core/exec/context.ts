/**
 * What user code sees of the task that it runs in.
 */
import type { WorkerInfo } from "../job/worker_info.ts";

/**
 * A command line: a string is run by the shell, an array directly.
 *
 * @example A command with arguments, without a shell
 * ```ts
 * import { flow, type PipeCommand, run } from "luciole";
 * const command: PipeCommand = ["tr", "a-z", "A-Z"];
 * const upper = flow("upper-words", (f) => f.values(["a b"]).pipe(command));
 * await run(async (job) => {
 *   console.log(await (await job.execute(upper)).collect()); // ["A B"]
 * });
 * ```
 */
export type PipeCommand = string | readonly string[];

/**
 * The task that user code runs in; the second argument of every closure.
 *
 * @example Telling rows apart by their shard
 * ```ts
 * import { flow, run, type TaskContext } from "luciole";
 * const label = (n: number, ctx: TaskContext): string => `${n} of shard ${ctx.shard + 1} of ${ctx.shards}`;
 * const labelled = flow("labelled", (f) => f.range(2, { shards: 2 }).map(label));
 * await run(async (job) => {
 *   console.log(await (await job.execute(labelled)).collect()); // ["0 of shard 1 of 2", "1 of shard 2 of 2"]
 * });
 * ```
 */
export interface TaskContext {
  /** Number of this shard, from 0. */
  readonly shard: number;
  /** Number of shards of the dataset. */
  readonly shards: number;
  /** Number of the worker in its job, from 0. */
  readonly worker: number;
  /** Writes a line to the job's log; never to the data. */
  log(text: string): void;
  /** Adds to a counter of the execution, which `done` of `job.start` gives at the end. */
  count(name: string, by?: number): void;
  /**
   * Sends a value to the driver's `workerMessage` listeners: in order, and once. It need not be awaited: a task that
   * sends faster than the driver listens is held between batches.
   *
   * @param message Anything that CBOR can carry.
   * @returns Resolves when the message is within the bound of those under way; not when it was heard.
   * @throws {LucioleError} Code "messages-refused", if thousands wait and nobody listens.
   */
  sendToDriver<T = unknown>(message: T): PromiseLike<void>;
  /**
   * Listens for messages of the driver until the task ends. They are sent to workers, not to tasks: what came before
   * is kept, in order, for the first task of this worker that listens.
   */
  on<T = unknown>(event: "driverMessage", listener: (message: T) => unknown): void;
  /**
   * Listens until the task ends for workers that were added to the job, or that have left it or were lost. This worker
   * is told of those that it has seen come and go; what came before is kept, as with messages.
   *
   * @param listener Gets how many, and the number of the epoch that began with it.
   */
  on(
    event: "workersScaledUp" | "workersScaledDown",
    listener: (count: number, epoch: number) => unknown,
  ): void;
  /**
   * Listens until the task ends for all workers of an epoch being there: told once for each, also for the first.
   *
   * @param listener Gets the workers of the epoch, and its number.
   */
  on(event: "allWorkersJoined", listener: (workers: readonly WorkerInfo[], epoch: number) => unknown): void;
  /** Aborted when the attempt is cancelled. */
  readonly signal: AbortSignal;
}

/**
 * The task context of a closure that reads a broadcast dataset beside its rows.
 *
 * @example A closure with a name of its own
 * ```ts
 * import { flow, run, type SideContext } from "luciole";
 * const inWords = (n: number, ctx: SideContext<string>): string => ctx.side[n];
 * const numbers = flow("in-words", (f) => f.values([1, 0]).map(inWords, { with: f.values(["zero", "one"]).broadcast() }));
 * await run(async (job) => {
 *   console.log(await (await job.execute(numbers)).collect()); // ["one", "zero"]
 * });
 * ```
 */
export interface SideContext<U> extends TaskContext {
  /** All rows of the broadcast dataset. */
  readonly side: readonly U[];
}
