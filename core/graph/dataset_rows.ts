/**
 * Operations that look at one row at a time.
 *
 * They keep shards as they are and need no exchange. A closure gets the row and
 * the context of its task; with `{ with: broadcast }` the context also holds a
 * small dataset as `ctx.side`.
 */
import { checkFunction, checkOptions, checkWhole, show } from "./arguments.ts";
import type { Broadcast, Dataset } from "./dataset.ts";
import { BroadcastNode, DatasetNode, derive } from "./dataset_node.ts";
import type { ClosureKind, UserFunction } from "./node.ts";
import type { Row, RowFunction, ShardFunction, SideFunction } from "./row_types.ts";

/**
 * Gives every task of a closure the whole of a small dataset.
 *
 * @example Rows that every task reads
 * ```ts
 * import { flow, run, type SideOptions } from "luciole";
 * const shifted = flow("shifted", (f) => {
 *   const options: SideOptions<number> = { with: f.values([100]).broadcast() };
 *   return f.range(2).map((n, ctx) => n + ctx.side[0], options);
 * });
 * await run(async (job) => {
 *   console.log(await (await job.execute(shifted)).collect()); // [100, 101]
 * });
 * ```
 */
export interface SideOptions<S> {
  /** The dataset, broadcast; its rows are `ctx.side`. */
  readonly with: Broadcast<S>;
}

/** Operations that look at one row at a time, on every dataset. */
export interface RowOperations<T> {
  /**
   * Turns each row into another one.
   *
   * @param fn Gets the row and the task's context.
   * @returns A dataset with as many rows, in the same order.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const doubled = flow("doubled", (f) => f.values([1, 2]).map((n) => n * 2));
   * await run(async (job) => {
   *   console.log(await (await job.execute(doubled)).collect()); // [2, 4]
   * });
   * ```
   */
  map<U extends Row>(fn: RowFunction<T, U>): Dataset<U>;
  /**
   * Turns each row into another one, with a broadcast dataset at hand.
   *
   * @param fn Gets the row and the context, which has the broadcast rows as `ctx.side`.
   * @param options The broadcast dataset, as `{ with: … }`.
   * @returns A dataset with as many rows, in the same order.
   */
  map<U extends Row, S>(fn: SideFunction<T, U, S>, options: SideOptions<S>): Dataset<U>;

  /**
   * Keeps the rows for which a type guard returns true.
   *
   * @param fn Gets the row.
   * @returns The rows that were kept, in their order and of the narrower type.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const even = flow("even", (f) => f.range(5).filter((n) => n % 2 === 0));
   * await run(async (job) => {
   *   console.log(await (await job.execute(even)).collect()); // [0, 2, 4]
   * });
   * ```
   */
  filter<U extends T>(fn: (row: T) => row is U): Dataset<U>;
  /**
   * Keeps the rows for which a closure returns something true.
   *
   * @param fn Gets the row and the task's context.
   * @returns The rows that were kept, in their order.
   */
  filter(fn: RowFunction<T, unknown>): Dataset<T>;
  /**
   * Keeps the rows for which a closure returns something true, with a broadcast dataset at hand.
   *
   * @param fn Gets the row and the context, which has the broadcast rows as `ctx.side`.
   * @param options The broadcast dataset, as `{ with: … }`.
   * @returns The rows that were kept, in their order.
   */
  filter<S>(fn: SideFunction<T, unknown, S>, options: SideOptions<S>): Dataset<T>;

  /**
   * Turns each row into any number of rows.
   *
   * @param fn Returns an array or another iterable.
   * @returns All rows that the closure returned, in order.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const words = flow("split", (f) => f.values(["a b", "c"]).flatMap((line) => line.split(" ")));
   * await run(async (job) => {
   *   console.log(await (await job.execute(words)).collect()); // ["a", "b", "c"]
   * });
   * ```
   */
  flatMap<U extends Row>(fn: RowFunction<T, Iterable<U>>): Dataset<U>;
  /**
   * Turns each row into any number of rows, with a broadcast dataset at hand.
   *
   * @param fn Gets the row and the context, which has the broadcast rows as `ctx.side`.
   * @param options The broadcast dataset, as `{ with: … }`.
   * @returns All rows that the closure returned, in order.
   */
  flatMap<U extends Row, S>(fn: SideFunction<T, Iterable<U>, S>, options: SideOptions<S>): Dataset<U>;

  /**
   * Turns the rows of a whole shard into other rows, with a generator that may wait.
   *
   * @param fn Gets the shard's rows as an async iterable, and the task's context.
   * @returns What the generator yields, shard by shard.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const sums = flow("shard-sums", (f) =>
   *   f.values([1, 2, 3], { shards: 1 }).mapShards(async function* (rows) {
   *     let sum = 0;
   *     for await (const row of rows) sum += row;
   *     yield sum;
   *   }));
   * await run(async (job) => {
   *   console.log(await (await job.execute(sums)).collect()); // [6]
   * });
   * ```
   */
  mapShards<U extends Row>(fn: ShardFunction<T, U>): Dataset<U>;
  /**
   * Turns the rows of a whole shard into other rows, with a broadcast dataset at hand.
   *
   * @param fn Gets the shard's rows and the context, which has the broadcast rows as `ctx.side`.
   * @param options The broadcast dataset, as `{ with: … }`.
   * @returns What the generator yields, shard by shard.
   */
  mapShards<U extends Row, S>(
    fn: (rows: AsyncIterable<T>, ctx: Parameters<SideFunction<T, U, S>>[1]) => AsyncIterable<U> | Iterable<U>,
    options: SideOptions<S>,
  ): Dataset<U>;

  /**
   * Shows each row to a closure and passes it on unchanged.
   *
   * @param fn Called for its effect; what it returns is not looked at.
   * @returns The same rows.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const seen = flow("seen", (f) => f.range(3).tap((_, ctx) => ctx.count("rows")));
   * await run(async (job) => {
   *   console.log(await (await job.execute(seen)).count()); // 3
   * });
   * ```
   */
  tap(fn: RowFunction<T, unknown>): Dataset<T>;

  /**
   * Keeps a random part of the rows, the same on every run.
   *
   * @param fraction Probability that a row is kept, 0 to 1.
   * @param seed Another seed keeps other rows. Default 0.
   * @returns About `fraction` of the rows, in their order.
   * @throws {RangeError} If the fraction is not between 0 and 1.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const some = flow("some", (f) => f.range(1000).sample(0.1));
   * await run(async (job) => {
   *   const n = await (await job.execute(some)).count();
   *   if (n < 50 || n > 150) throw new Error(`odd sample of ${n} rows`);
   * });
   * ```
   */
  sample(fraction: number, seed?: number): Dataset<T>;
}

/** Adds a node whose meaning is a closure, with its side when it has one. */
export function deriveClosure<U>(
  input: Dataset<unknown>,
  kind: ClosureKind,
  fn: unknown,
  options?: SideOptions<unknown>,
): Dataset<U> {
  checkFunction(kind, "fn", fn);
  const side = checkOptions(kind, options, ["with"]).with;
  if (options !== undefined && !(side instanceof BroadcastNode)) {
    throw new TypeError(`Cannot use ${kind}: with must be a dataset's broadcast(), got ${show(side)}`);
  }
  return derive<U>(
    input,
    { kind, fn: fn as UserFunction, hasSide: side !== undefined },
    side === undefined ? [] : [side],
  );
}

DatasetNode.prototype.map = function map(fn: UserFunction, options?: SideOptions<unknown>) {
  return deriveClosure(this, "map", fn, options);
};
DatasetNode.prototype.filter = function filter(fn: UserFunction, options?: SideOptions<unknown>) {
  return deriveClosure(this, "filter", fn, options);
};
DatasetNode.prototype.flatMap = function flatMap(fn: UserFunction, options?: SideOptions<unknown>) {
  return deriveClosure(this, "flatMap", fn, options);
};
DatasetNode.prototype.mapShards = function mapShards(fn: UserFunction, options?: SideOptions<unknown>) {
  return deriveClosure(this, "mapShards", fn, options);
};
DatasetNode.prototype.tap = function tap(fn) {
  return deriveClosure(this, "tap", fn);
};
DatasetNode.prototype.sample = function sample(fraction, seed = 0) {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new RangeError(`Cannot use sample: fraction must be between 0 and 1, got ${show(fraction)}`);
  }
  return derive(this, { kind: "sample", fraction, seed: checkWhole("sample", "seed", seed, 0) });
};
