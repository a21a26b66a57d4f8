/**
 * What a dataset of the job is inside the parameters of a flow.
 *
 * It names the dataset and carries the figures that planning needs; it knows
 * nothing of agents or shards' places, so it may travel to every worker.
 */

declare const ROW: unique symbol;

/**
 * Anything that stands for rows of type T in the parameters of a flow: a dataset
 * handle, a channel, or the reference that either of them becomes.
 *
 * @example A flow that goes on from any dataset
 * ```ts
 * import { type DatasetInput, flow, run } from "luciole";
 * const longest = flow("longest-word", (f, p: { words: DatasetInput<string> }) => f.from(p.words).top(1, (word) => word.length));
 * await run(async (job) => {
 *   const words = job.channel(["to", "been"]);
 *   console.log(await (await job.execute(longest, { words })).collect()); // ["been"]
 * });
 * ```
 */
export interface DatasetInput<T> {
  /** What travels in its place. */
  readonly ref: DatasetRef<T>;
}

/**
 * References a dataset of the job by its id: what a builder finds in the place of a handle or channel.
 *
 * @example Choosing by the size of a dataset
 * ```ts
 * import { type DatasetRef, flow, run } from "luciole";
 * const numbers = flow("numbers-made", (f) => f.range(100));
 * const some = flow("some-of-them", (f, p: { rows: DatasetRef<number> }) =>
 *   p.rows.rows > 10 ? f.from(p.rows).limit(10) : f.from(p.rows));
 * await run(async (job) => {
 *   const rows = (await job.execute(numbers)).ref;
 *   console.log(await (await job.execute(some, { rows })).count()); // 10
 * });
 * ```
 */
export class DatasetRef<T = unknown> implements DatasetInput<T> {
  /** The type of the rows; for the compiler, there is no such property. */
  declare readonly [ROW]: T;
  /** Id of the dataset in its job. */
  readonly id: string;
  /** Number of shards, at least 1. */
  readonly shards: number;
  /** Number of rows, Infinity while it is not known. */
  readonly rows: number;
  /** Size in bytes, Infinity while it is not known. */
  readonly bytes: number;

  /** Makes a reference; handles and channels do so (`handle.ref`). */
  constructor(fields: Pick<DatasetRef, "id" | "shards" | "rows" | "bytes">) {
    this.id = fields.id;
    this.shards = fields.shards;
    this.rows = fields.rows;
    this.bytes = fields.bytes;
  }

  /** Is its own reference, so that a builder may take either form. */
  get ref(): DatasetRef<T> {
    return this;
  }
}
