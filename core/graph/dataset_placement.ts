/**
 * Operations that move rows between shards without changing them.
 */
import { checkFunction, checkWhole } from "./arguments.ts";
import type { Dataset } from "./dataset.ts";
import { checkDataset, DatasetNode, derive } from "./dataset_node.ts";
import type { RowFunction } from "./row_types.ts";

/** Operations that move rows between shards, on every dataset. */
export interface PlacementOperations<T> {
  /**
   * Deals the rows evenly over a number of shards.
   *
   * @param shards At least 1.
   * @returns The same rows; their order is kept within no shard.
   * @throws {RangeError} If `shards` is not a whole number of at least 1.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const spread = flow("spread", (f) => f.range(10).repartition(4));
   * await run(async (job) => {
   *   console.log((await job.execute(spread)).shards); // 4
   * });
   * ```
   */
  repartition(shards: number): Dataset<T>;

  /**
   * Sends each row to the shard that a closure tells.
   *
   * @param fn Returns the number of the shard, from 0 to `shards - 1`; anything else fails the task.
   * @param shards Number of shards, at least 1.
   * @returns The same rows.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const parity = flow("parity", (f) => f.range(4).partitionBy((n) => n % 2, 2));
   * await run(async (job) => {
   *   console.log(await (await job.execute(parity)).collect()); // [0, 2, 1, 3]
   * });
   * ```
   */
  partitionBy(fn: RowFunction<T, number>, shards: number): Dataset<T>;

  /**
   * Brings pairs with equal keys into the same shard. A keyed operation after it needs no exchange.
   *
   * @param shards Number of shards, at least 1.
   * @returns The same pairs.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const placed = flow("placed", (f) => f.values([["a", 1], ["a", 2]]).partitionByKey(3));
   * await run(async (job) => {
   *   console.log((await job.execute(placed)).shards); // 3
   * });
   * ```
   */
  partitionByKey<K, V>(this: Dataset<[K, V]>, shards: number): Dataset<[K, V]>;

  /**
   * Deals the rows in turn over a number of shards.
   *
   * @param shards At least 1.
   * @returns The same rows.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const dealt = flow("dealt", (f) => f.range(4, { shards: 1 }).roundRobin(2));
   * await run(async (job) => {
   *   console.log((await job.execute(dealt)).shards); // 2
   * });
   * ```
   */
  roundRobin(shards: number): Dataset<T>;

  /**
   * Joins neighbouring shards until there are this many; never makes more, and exchanges nothing.
   *
   * @param shards At least 1.
   * @returns The same rows in the same order.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const joined = flow("joined", (f) => f.range(8, { shards: 4 }).coalesce(2));
   * await run(async (job) => {
   *   console.log((await job.execute(joined)).shards); // 2
   * });
   * ```
   */
  coalesce(shards: number): Dataset<T>;

  /**
   * Puts datasets of the same kind of rows one after the other, repetitions included.
   *
   * @param others At least one dataset.
   * @returns All rows: those of this dataset, then those of the others.
   * @throws {TypeError} If no dataset is given.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const both = flow("both", (f) => f.values([1]).union(f.values([2]), f.values([3])));
   * await run(async (job) => {
   *   console.log(await (await job.execute(both)).collect()); // [1, 2, 3]
   * });
   * ```
   */
  union(...others: readonly Dataset<T>[]): Dataset<T>;
}

DatasetNode.prototype.repartition = function repartition(shards) {
  return derive(this, { kind: "repartition", shards: checkWhole("repartition", "shards", shards, 1) });
};
DatasetNode.prototype.partitionBy = function partitionBy(fn, shards) {
  return derive(this, {
    kind: "partitionBy",
    fn: checkFunction("partitionBy", "fn", fn),
    shards: checkWhole("partitionBy", "shards", shards, 1),
  });
};
DatasetNode.prototype.partitionByKey = function partitionByKey(this: Dataset<unknown>, shards) {
  return derive(this, { kind: "partitionByKey", shards: checkWhole("partitionByKey", "shards", shards, 1) });
};
DatasetNode.prototype.roundRobin = function roundRobin(shards) {
  return derive(this, { kind: "roundRobin", shards: checkWhole("roundRobin", "shards", shards, 1) });
};
DatasetNode.prototype.coalesce = function coalesce(shards) {
  return derive(this, { kind: "coalesce", shards: checkWhole("coalesce", "shards", shards, 1) });
};
DatasetNode.prototype.union = function union(...others) {
  if (others.length === 0)
    throw new TypeError("Cannot use union: others must hold at least one Dataset, got none");
  return derive(
    this,
    { kind: "union" },
    others.map((other) => checkDataset("union", "each of others", other)),
  );
};
