/**
 * Operations that sort, or take rows from the front.
 *
 * Values are ordered as described in the guide: numbers by value with NaN last,
 * strings by code point, arrays place by place. Every sort is stable.
 */
import {
  checkFunction,
  checkOptionalFunction,
  checkOptionalWhole,
  checkOptions,
  checkWhole,
} from "./arguments.ts";
import type { Dataset } from "./dataset.ts";
import { DatasetNode, derive } from "./dataset_node.ts";
import { fieldOf } from "./field.ts";
import type { UserFunction } from "./node.ts";
import type { Compare, FieldOf, Row, RowFunction } from "./row_types.ts";

/**
 * Options of a sort over all shards.
 *
 * @example The largest first
 * ```ts
 * import { flow, run, type SortOptions } from "luciole";
 * const options: SortOptions = { descending: true, shards: 1 };
 * const sorted = flow("downwards", (f) => f.values([1, 3, 2]).sort(undefined, options));
 * await run(async (job) => {
 *   console.log(await (await job.execute(sorted)).collect()); // [3, 2, 1]
 * });
 * ```
 */
export interface SortOptions {
  /** Largest first. Default false. */
  readonly descending?: boolean;
  /** Number of shards of the result. Default: chosen from the size. */
  readonly shards?: number;
}

/**
 * Options of a sort within each shard.
 *
 * @example Each shard, the largest first
 * ```ts
 * import { flow, type LocalSortOptions, run } from "luciole";
 * const options: LocalSortOptions = { descending: true };
 * const sorted = flow("shards-downwards", (f) => f.range(4, { shards: 2 }).localSort(undefined, options));
 * await run(async (job) => {
 *   console.log(await (await job.execute(sorted)).collect()); // [1, 0, 3, 2]
 * });
 * ```
 */
export interface LocalSortOptions {
  /** Largest first. Default false. */
  readonly descending?: boolean;
}

/**
 * Options of taking the largest rows.
 *
 * @example The two smallest
 * ```ts
 * import { flow, run, type TopOptions } from "luciole";
 * const options: TopOptions = { ascending: true };
 * const least = flow("least", (f) => f.values([3, 1, 2]).top(2, (n) => n, options));
 * await run(async (job) => {
 *   console.log(await (await job.execute(least)).collect()); // [1, 2]
 * });
 * ```
 */
export interface TopOptions {
  /** Takes the smallest instead. Default false. */
  readonly ascending?: boolean;
}

/** Operations that sort, or take rows from the front, on every dataset. */
export interface OrderOperations<T> {
  /**
   * Sorts all rows by a key.
   *
   * @param key Makes the key of a row.
   * @param options `descending`, and the number of shards.
   * @returns The rows in order: within each shard, and from shard to shard.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const sorted = flow("by-length", (f) => f.values(["bbb", "a"]).sortBy((word) => word.length));
   * await run(async (job) => {
   *   console.log(await (await job.execute(sorted)).collect()); // ["a", "bbb"]
   * });
   * ```
   */
  sortBy<K extends Row>(key: RowFunction<T, K>, options?: SortOptions): Dataset<T>;
  /**
   * Sorts all rows by a property or a place in a tuple, which is faster than by a closure.
   *
   * @param key The name of the property, or the number of the place from 0.
   * @param options `descending`, and the number of shards.
   * @returns The rows in order: within each shard, and from shard to shard.
   */
  sortBy(key: FieldOf<T>, options?: SortOptions): Dataset<T>;

  /**
   * Sorts pairs by their key.
   *
   * @param options `descending`, and the number of shards.
   * @returns The pairs in the order of their keys.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const sorted = flow("by-key", (f) => f.values([["b", 1], ["a", 2]]).sortByKey());
   * await run(async (job) => {
   *   console.log(await (await job.execute(sorted)).collect()); // [["a", 2], ["b", 1]]
   * });
   * ```
   */
  sortByKey<K, V>(this: Dataset<[K, V]>, options?: SortOptions): Dataset<[K, V]>;

  /**
   * Sorts all rows, by value or with a compare function.
   *
   * @param compare Negative when its first row comes first. Default: the order of values.
   * @param options `descending`, and the number of shards.
   * @returns The rows in order: within each shard, and from shard to shard.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const sorted = flow("sorted", (f) => f.values([3, 1, 2]).sort((a, b) => b - a));
   * await run(async (job) => {
   *   console.log(await (await job.execute(sorted)).collect()); // [3, 2, 1]
   * });
   * ```
   */
  sort(compare?: Compare<T>, options?: SortOptions): Dataset<T>;

  /**
   * Sorts the rows of each shard on its own.
   *
   * @param compare Negative when its first row comes first. Default: the order of values.
   * @returns The same shards, each in order.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const sorted = flow("local", (f) => f.values([2, 1], { shards: 1 }).localSort());
   * await run(async (job) => {
   *   console.log(await (await job.execute(sorted)).collect()); // [1, 2]
   * });
   * ```
   */
  localSort(compare?: Compare<T>, options?: LocalSortOptions): Dataset<T>;

  /**
   * Merges shards that are in order already, as `localSort` leaves them.
   *
   * @param compare The compare function that they were sorted with.
   * @param options `descending` as they were sorted, and the number of shards to merge into (default 1).
   * @returns Sorted shards.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const merged = flow("merged", (f) => f.values([4, 2, 3, 1], { shards: 2 }).localSort().mergeSorted());
   * await run(async (job) => {
   *   console.log(await (await job.execute(merged)).collect()); // [1, 2, 3, 4]
   * });
   * ```
   */
  mergeSorted(compare?: Compare<T>, options?: SortOptions): Dataset<T>;

  /**
   * Takes the n largest rows.
   *
   * @param n At least 0.
   * @param by Makes the key that rows are compared by. Default: the row itself.
   * @param options With `ascending` the n smallest.
   * @returns At most n rows, in one shard, the largest first (the smallest with `ascending`).
   * @throws {RangeError} If n is not a whole number of at least 0.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const best = flow("best", (f) => f.values([["a", 1], ["b", 5]]).top(1, ([, n]) => n));
   * await run(async (job) => {
   *   console.log(await (await job.execute(best)).collect()); // [["b", 5]]
   * });
   * ```
   */
  top<K extends Row>(n: number, by?: RowFunction<T, K>, options?: TopOptions): Dataset<T>;

  /**
   * Takes rows from the front, in shard order, and stops reading as soon as there are enough.
   *
   * @param n At least 0.
   * @returns At most n rows, in one shard.
   * @throws {RangeError} If n is not a whole number of at least 0.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const some = flow("limit", (f) => f.range(100).limit(3));
   * await run(async (job) => {
   *   console.log(await (await job.execute(some)).count()); // 3
   * });
   * ```
   */
  limit(n: number): Dataset<T>;

  /**
   * Takes the first row.
   *
   * @returns One row, or none of an empty dataset.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const first = flow("first", (f) => f.values([7, 8], { shards: 1 }).first());
   * await run(async (job) => {
   *   console.log(await (await job.execute(first)).collect()); // [7]
   * });
   * ```
   */
  first(): Dataset<T>;
}

function checkSortOptions(
  operation: string,
  options: SortOptions | undefined,
): { descending: boolean; shards?: number } {
  const { descending = false, shards } = checkOptions(operation, options, ["descending", "shards"]);
  const checked = checkOptionalWhole(operation, "shards", shards, 1);
  return { descending, ...(checked === undefined ? {} : { shards: checked }) };
}

/** Leaves the property out when there is no function, so that specs compare by their entries. */
function compareOf(operation: string, compare: unknown): { fn?: UserFunction } {
  const fn = checkOptionalFunction(operation, "compare", compare);
  return fn === undefined ? {} : { fn };
}

DatasetNode.prototype.sortBy = function sortBy(key: unknown, options?: SortOptions) {
  const checked = checkSortOptions("sortBy", options);
  const by = fieldOf("sortBy", "key", key) ?? { fn: checkFunction("sortBy", "key", key) };
  return derive(this, { kind: "sortBy", ...by, ...checked });
};
DatasetNode.prototype.sortByKey = function sortByKey(this: Dataset<unknown>, options) {
  return derive(this, { kind: "sortByKey", ...checkSortOptions("sortByKey", options) });
};
DatasetNode.prototype.sort = function sort(compare, options) {
  return derive(this, { kind: "sort", ...compareOf("sort", compare), ...checkSortOptions("sort", options) });
};
DatasetNode.prototype.localSort = function localSort(compare, options) {
  const { descending = false } = checkOptions("localSort", options, ["descending"]);
  return derive(this, { kind: "localSort", ...compareOf("localSort", compare), descending });
};
DatasetNode.prototype.mergeSorted = function mergeSorted(compare, options) {
  const { descending, shards = 1 } = checkSortOptions("mergeSorted", options);
  return derive(this, { kind: "mergeSorted", ...compareOf("mergeSorted", compare), descending, shards });
};
DatasetNode.prototype.top = function top(n, by, options) {
  const { ascending = false } = checkOptions("top", options, ["ascending"]);
  const fn = checkOptionalFunction("top", "by", by);
  const checked = checkWhole("top", "n", n, 0);
  return derive(this, { kind: "top", n: checked, ...(fn === undefined ? {} : { fn }), ascending });
};
DatasetNode.prototype.limit = function limit(n) {
  return derive(this, { kind: "limit", n: checkWhole("limit", "n", n, 0), isFirst: false });
};
DatasetNode.prototype.first = function first() {
  return derive(this, { kind: "limit", n: 1, isFirst: true });
};
