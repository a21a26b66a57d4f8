/**
 * Operations that make one row, or one row for each distinct row, of a whole dataset.
 *
 * `reduce`, `min`, `max` and `mean` of an empty dataset give no row; `count` and
 * `sum` give 0.
 */
import { checkFunction } from "./arguments.ts";
import type { Dataset } from "./dataset.ts";
import { checkAggregation } from "./dataset_keys.ts";
import { DatasetNode, derive } from "./dataset_node.ts";
import type { Aggregation, Reducer, Stats } from "./row_types.ts";

/** Operations that look at all rows together, on every dataset. */
export interface WholeOperations<T> {
  /**
   * Reduces all rows to one.
   *
   * @param fn Joins two rows; must be associative and commutative.
   * @returns One row, or none of an empty dataset.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const product = flow("product", (f) => f.values([2, 3, 4]).reduce((a, b) => a * b));
   * await run(async (job) => {
   *   console.log(await (await job.execute(product)).collect()); // [24]
   * });
   * ```
   */
  reduce(fn: Reducer<T>): Dataset<T>;

  /**
   * Gathers all rows into one result of another type.
   *
   * @param aggregation How a result begins, takes a row in, and joins another result.
   * @returns One row; the empty result of an empty dataset.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const letters = flow("letters", (f) =>
   *   f.values(["a", "bc"]).aggregate({
   *     zero: () => 0,
   *     add: (n, text) => n + text.length,
   *     merge: (a, b) => a + b,
   *   }));
   * await run(async (job) => {
   *   console.log(await (await job.execute(letters)).collect()); // [3]
   * });
   * ```
   */
  aggregate<A>(aggregation: Aggregation<T, A>): Dataset<A>;

  /**
   * Counts the rows.
   *
   * @returns One number.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const size = flow("size", (f) => f.range(10).count());
   * await run(async (job) => {
   *   console.log(await (await job.execute(size)).collect()); // [10]
   * });
   * ```
   */
  count(): Dataset<number>;

  /**
   * Adds the numbers up.
   *
   * @returns One number, 0 of an empty dataset.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const sum = flow("sum", (f) => f.values([1, 2, 3]).sum());
   * await run(async (job) => {
   *   console.log(await (await job.execute(sum)).collect()); // [6]
   * });
   * ```
   */
  sum(this: Dataset<number>): Dataset<number>;

  /**
   * Finds the first row in the order of values.
   *
   * @returns One row, or none of an empty dataset.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const first = flow("min", (f) => f.values(["b", "a"]).min());
   * await run(async (job) => {
   *   console.log(await (await job.execute(first)).collect()); // ["a"]
   * });
   * ```
   */
  min(): Dataset<T>;

  /**
   * Finds the last row in the order of values.
   *
   * @returns One row, or none of an empty dataset.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const last = flow("max", (f) => f.values([3, 7, 5]).max());
   * await run(async (job) => {
   *   console.log(await (await job.execute(last)).collect()); // [7]
   * });
   * ```
   */
  max(): Dataset<T>;

  /**
   * Works out the arithmetic mean.
   *
   * @returns One number, or no row of an empty dataset.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const mean = flow("mean", (f) => f.values([1, 2, 6]).mean());
   * await run(async (job) => {
   *   console.log(await (await job.execute(mean)).collect()); // [3]
   * });
   * ```
   */
  mean(this: Dataset<number>): Dataset<number>;

  /**
   * Works out count, sum, mean, min, max, population variance and standard deviation in one pass.
   *
   * @returns One row.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const stats = flow("stats", (f) => f.values([2, 4]).stats());
   * await run(async (job) => {
   *   const [row] = await (await job.execute(stats)).collect();
   *   console.log(row.mean, row.variance); // 3 1
   * });
   * ```
   */
  stats(this: Dataset<number>): Dataset<Stats>;

  /**
   * Keeps each different row once. Rows are compared by value: -0 equals 0, and comes out as 0.
   *
   * @returns The distinct rows, in no particular order.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const distinct = flow("distinct", (f) => f.values([1, 1, 2]).distinct());
   * await run(async (job) => {
   *   console.log(await (await job.execute(distinct)).count()); // 2
   * });
   * ```
   */
  distinct(): Dataset<T>;

  /**
   * Counts how often each different row occurs. Rows are compared by value.
   *
   * @returns Pairs `[row, count]`, in no particular order.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const counts = flow("count-words", (f) => f.values(["a", "a"]).countByValue());
   * await run(async (job) => {
   *   console.log(await (await job.execute(counts)).collect()); // [["a", 2]]
   * });
   * ```
   */
  countByValue(): Dataset<[T, number]>;

  /**
   * Puts the number of each row after it, counting from 0 in shard order.
   *
   * @returns Pairs `[row, index]`.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const numbered = flow("numbered", (f) => f.values(["a", "b"]).zipWithIndex());
   * await run(async (job) => {
   *   console.log(await (await job.execute(numbered)).collect()); // [["a", 0], ["b", 1]]
   * });
   * ```
   */
  zipWithIndex(): Dataset<[T, number]>;
}

DatasetNode.prototype.reduce = function reduce(fn) {
  return derive(this, { kind: "reduce", fn: checkFunction("reduce", "fn", fn) });
};
DatasetNode.prototype.aggregate = function aggregate(aggregation) {
  const { zero, add, merge } = checkAggregation("aggregate", aggregation);
  return derive(this, { kind: "aggregate", zero, add, merge });
};
DatasetNode.prototype.count = function count() {
  return derive(this, { kind: "count" });
};
DatasetNode.prototype.sum = function sum() {
  return derive(this, { kind: "sum" });
};
DatasetNode.prototype.min = function min() {
  return derive(this, { kind: "min" });
};
DatasetNode.prototype.max = function max() {
  return derive(this, { kind: "max" });
};
DatasetNode.prototype.mean = function mean() {
  return derive(this, { kind: "mean" });
};
DatasetNode.prototype.stats = function stats() {
  return derive(this, { kind: "stats" });
};
DatasetNode.prototype.distinct = function distinct() {
  return derive(this, { kind: "distinct" });
};
DatasetNode.prototype.countByValue = function countByValue() {
  return derive(this, { kind: "countByValue" });
};
DatasetNode.prototype.zipWithIndex = function zipWithIndex() {
  return derive(this, { kind: "zipWithIndex" });
};
