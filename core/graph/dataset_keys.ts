/**
 * Operations on the values of equal keys, for datasets of pairs.
 */
import { checkFunction, show } from "./arguments.ts";
import type { Dataset } from "./dataset.ts";
import { DatasetNode, derive } from "./dataset_node.ts";
import type { Aggregation, Reducer } from "./row_types.ts";

/**
 * Operations on the values of equal keys, on datasets of pairs. Keys are compared by value: -0
 * equals 0, and comes out as 0.
 */
export interface KeyOperations {
  /**
   * Reduces the values of each key to one.
   *
   * @param fn Joins two values; must be associative and commutative.
   * @returns One pair for each key, in no particular order.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const sums = flow("sums", (f) => f.values([["a", 1], ["a", 2]]).reduceByKey((x, y) => x + y));
   * await run(async (job) => {
   *   console.log(await (await job.execute(sums)).collect()); // [["a", 3]]
   * });
   * ```
   */
  reduceByKey<K, V>(this: Dataset<[K, V]>, fn: Reducer<V>): Dataset<[K, V]>;

  /**
   * Gathers the values of each key into a result of another type.
   *
   * @param aggregation How a result begins, takes a value in, and joins another result.
   * @returns One pair `[key, result]` for each key.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const sizes = flow("sizes", (f) =>
   *   f.values([["a", "x"], ["a", "yz"]]).aggregateByKey({
   *     zero: () => 0,
   *     add: (size, text) => size + text.length,
   *     merge: (a, b) => a + b,
   *   }));
   * await run(async (job) => {
   *   console.log(await (await job.execute(sizes)).collect()); // [["a", 3]]
   * });
   * ```
   */
  aggregateByKey<K, V, A>(this: Dataset<[K, V]>, aggregation: Aggregation<V, A>): Dataset<[K, A]>;

  /**
   * Collects all values of each key. Prefer `reduceByKey` or `aggregateByKey` where they serve: they exchange less.
   *
   * @returns One pair `[key, values]` for each key.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const groups = flow("groups", (f) => f.values([["a", 1], ["a", 2]], { shards: 1 }).groupByKey());
   * await run(async (job) => {
   *   console.log(await (await job.execute(groups)).collect()); // [["a", [1, 2]]]
   * });
   * ```
   */
  groupByKey<K, V>(this: Dataset<[K, V]>): Dataset<[K, V[]]>;

  /**
   * Counts the pairs of each key.
   *
   * @returns One pair `[key, count]` for each key.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const counts = flow("counts", (f) => f.values([["a", 1], ["a", 2]]).countByKey());
   * await run(async (job) => {
   *   console.log(await (await job.execute(counts)).collect()); // [["a", 2]]
   * });
   * ```
   */
  countByKey<K, V>(this: Dataset<[K, V]>): Dataset<[K, number]>;

  /**
   * Adds the numbers of each key, which is faster than by a closure.
   *
   * @returns One pair `[key, sum]` for each key.
   * @throws {TaskError} While it runs, if a value is not a number.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const sums = flow("key-sums", (f) => f.values([["a", 1], ["a", 2]]).sumByKey());
   * await run(async (job) => {
   *   console.log(await (await job.execute(sums)).collect()); // [["a", 3]]
   * });
   * ```
   */
  sumByKey<K>(this: Dataset<[K, number]>): Dataset<[K, number]>;

  /**
   * Finds the smallest value of each key, by the order of values.
   *
   * @returns One pair `[key, smallest]` for each key.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const least = flow("key-least", (f) => f.values([["a", 2], ["a", 1]]).minByKey());
   * await run(async (job) => {
   *   console.log(await (await job.execute(least)).collect()); // [["a", 1]]
   * });
   * ```
   */
  minByKey<K, V>(this: Dataset<[K, V]>): Dataset<[K, V]>;

  /**
   * Finds the largest value of each key, by the order of values.
   *
   * @returns One pair `[key, largest]` for each key.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const most = flow("key-most", (f) => f.values([["a", 2], ["a", 1]]).maxByKey());
   * await run(async (job) => {
   *   console.log(await (await job.execute(most)).collect()); // [["a", 2]]
   * });
   * ```
   */
  maxByKey<K, V>(this: Dataset<[K, V]>): Dataset<[K, V]>;

  /**
   * Reduces the values of each key within its shard, without an exchange.
   *
   * @param fn Joins two values; must be associative.
   * @returns One pair for each key and shard.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const sums = flow("local-sums", (f) =>
   *   f.values([["a", 1], ["a", 2]], { shards: 1 }).localReduceByKey((x, y) => x + y));
   * await run(async (job) => {
   *   console.log(await (await job.execute(sums)).collect()); // [["a", 3]]
   * });
   * ```
   */
  localReduceByKey<K, V>(this: Dataset<[K, V]>, fn: Reducer<V>): Dataset<[K, V]>;

  /**
   * Collects the values of each key within its shard, without an exchange.
   *
   * @returns One pair `[key, values]` for each key and shard.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const groups = flow("local-groups", (f) => f.values([["a", 1]], { shards: 1 }).localGroupByKey());
   * await run(async (job) => {
   *   console.log(await (await job.execute(groups)).collect()); // [["a", [1]]]
   * });
   * ```
   */
  localGroupByKey<K, V>(this: Dataset<[K, V]>): Dataset<[K, V[]]>;
}

/** @throws {TypeError} If one of the three functions is missing. */
export function checkAggregation<V, A>(operation: string, value: Aggregation<V, A>): Aggregation<V, A> {
  if (value === null || typeof value !== "object") {
    throw new TypeError(
      `Cannot use ${operation}: aggregation must be { zero, add, merge }, got ${show(value)}`,
    );
  }
  checkFunction(operation, "zero", value.zero);
  checkFunction(operation, "add", value.add);
  checkFunction(operation, "merge", value.merge);
  return value;
}

DatasetNode.prototype.reduceByKey = function reduceByKey(this: Dataset<unknown>, fn) {
  return derive(this, { kind: "reduceByKey", fn: checkFunction("reduceByKey", "fn", fn) });
};
DatasetNode.prototype.aggregateByKey = function aggregateByKey(this: Dataset<unknown>, aggregation) {
  const { zero, add, merge } = checkAggregation("aggregateByKey", aggregation);
  return derive(this, { kind: "aggregateByKey", zero, add, merge });
};
DatasetNode.prototype.groupByKey = function groupByKey(this: Dataset<unknown>) {
  return derive(this, { kind: "groupByKey" });
};
DatasetNode.prototype.countByKey = function countByKey(this: Dataset<unknown>) {
  return derive(this, { kind: "countByKey" });
};
DatasetNode.prototype.localReduceByKey = function localReduceByKey(this: Dataset<unknown>, fn) {
  return derive(this, { kind: "localReduceByKey", fn: checkFunction("localReduceByKey", "fn", fn) });
};
DatasetNode.prototype.localGroupByKey = function localGroupByKey(this: Dataset<unknown>) {
  return derive(this, { kind: "localGroupByKey" });
};
DatasetNode.prototype.sumByKey = function sumByKey(this: Dataset<unknown>) {
  return derive(this, { kind: "sumByKey" });
};
DatasetNode.prototype.minByKey = function minByKey(this: Dataset<unknown>) {
  return derive(this, { kind: "minByKey" });
};
DatasetNode.prototype.maxByKey = function maxByKey(this: Dataset<unknown>) {
  return derive(this, { kind: "maxByKey" });
};
