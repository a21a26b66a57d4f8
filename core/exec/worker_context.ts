/**
 * What the function of a worker program sees: who it is, its peers, and what they do together.
 */
import type { WorkerInfo } from "../job/worker_info.ts";
import type { DatasetInput } from "../program/dataset_ref.ts";
import type { TaskContext } from "./context.ts";

/**
 * How two values become one: by a name, element by element, or by a function of two whole values.
 *
 * The names are for numbers, bigints, typed arrays, and arrays of these. A function gets the value of the lower ranks
 * first and must not change what it is given.
 *
 * @example The longest text of all workers
 * ```ts
 * import { type Reduction, run, worker } from "luciole";
 * const longer: Reduction<string> = (a, b) => (b.length > a.length ? b : a);
 * const longest = worker("longest", (ctx) => ctx.allReduce("x".repeat(ctx.rank + 1), longer));
 * await run(async (job) => {
 *   const texts = await (await job.execute(longest)).collect();
 *   console.log(texts.every((text) => text.length === texts.length)); // true
 * });
 * ```
 */
export type Reduction<T> = "sum" | "min" | "max" | ((left: T, right: T) => T);

/**
 * The rows of a dataset that one worker reads: its shards, of which each belongs to one worker.
 *
 * @example Rows as they come, and all at once
 * ```ts
 * import { type DatasetInput, flow, type LocalRows, run, worker } from "luciole";
 * const numbers = flow("local-numbers", (f) => f.range(100, { shards: 8 }));
 * const sums = worker("local-sums", async (ctx, p: { rows: DatasetInput<number> }) => {
 *   const rows: LocalRows<number> = ctx.read(p.rows);
 *   let sum = 0;
 *   for await (const n of rows) sum += n;
 *   return [sum, (await rows.collect()).length];
 * });
 * await run(async (job) => {
 *   const parts = await (await job.execute(sums, { rows: await job.execute(numbers) })).collect();
 *   console.log(parts.reduce(([sum, count], [s, c]) => [sum + s, count + c])); // [4950, 100]
 * });
 * ```
 */
export interface LocalRows<T> extends AsyncIterable<T> {
  /** Reads all of them; they must fit in the worker's memory. */
  collect(): Promise<T[]>;
}

/**
 * The worker that a function given to `worker` runs on: what a task has, and its peers.
 *
 * Ranks count from 0 in the order of the workers' numbers. Collective operations must be called by all ranks in the same
 * order; a rank that calls another one, or returns, fails those that wait for it. Values travel as CBOR, as rows do.
 *
 * @example Every worker tells the others its share
 * ```ts
 * import { run, worker, type WorkerContext } from "luciole";
 * const share = async (ctx: WorkerContext): Promise<number> => ctx.allReduce(ctx.rank + 1, "sum");
 * const shares = worker("shares", share);
 * await run(async (job) => {
 *   const sums = await (await job.execute(shares)).collect();
 *   console.log(sums.every((sum) => sum === (sums.length * (sums.length + 1)) / 2)); // true
 * });
 * ```
 */
export interface WorkerContext extends TaskContext {
  /** Place of this worker among those of the program, from 0. */
  readonly rank: number;
  /** How many workers run the program. */
  readonly size: number;
  /** These workers, by rank. */
  readonly workers: readonly WorkerInfo[];
  /** Of the job's workers, when the program was started: it grows when workers join or leave. */
  readonly epoch: number;
  /** Resolves when all ranks have called it. */
  barrier(): Promise<void>;
  /** Gives all ranks the value of the root; what the others pass does not matter. */
  broadcast<T>(value: T | undefined, root?: number): Promise<T>;
  /** Gives the root the values of all, by rank; the others get undefined. */
  gather<T>(value: T, root?: number): Promise<readonly T[] | undefined>;
  /** Gives all ranks the values of all, by rank. */
  allGather<T>(value: T): Promise<readonly T[]>;
  /** Gives the root the values of all made one; the others get undefined. */
  reduce<T>(value: T, by: Reduction<T>, root?: number): Promise<T | undefined>;
  /** Gives all ranks the values of all made one, to the last bit the same on each. */
  allReduce<T>(value: T, by: Reduction<T>): Promise<T>;
  /** Gives each rank what all have for it, by rank. @param values One for each rank. */
  allToAll<T>(values: readonly T[]): Promise<readonly T[]>;
  /** Sends a value to a rank, which may be its own; resolves when there is room for more. */
  send(to: number, value: unknown): Promise<void>;
  /** The next value that a rank has sent to this one, in the order of sending. */
  receive<T = unknown>(from: number): Promise<T>;
  /** The rows of a dataset whose handle is in the parameters: each shard is read by one worker, on its own agent where possible. */
  read<T>(input: DatasetInput<T>): LocalRows<T>;
}
