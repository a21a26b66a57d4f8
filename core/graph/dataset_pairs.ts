/**
 * Operations that make pairs of a key and a value, and take them apart again.
 *
 * They look at one row at a time and keep shards as they are. A key or value that is a field of the row is named, not
 * computed by a closure: that runs on columns.
 */
import { checkFunction } from "./arguments.ts";
import type { Dataset } from "./dataset.ts";
import { DatasetNode, derive } from "./dataset_node.ts";
import { fieldOf } from "./field.ts";
import type { FieldOf, FieldType, Row, RowFunction } from "./row_types.ts";

/** Operations that make and take apart pairs, on every dataset. */
export interface PairOperations<T> {
  /**
   * Puts a key before each row.
   *
   * @param fn Makes the key of a row.
   * @returns Pairs `[key, row]`.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const byLength = flow("by-length", (f) => f.values(["to", "be"]).keyBy((word) => word.length));
   * await run(async (job) => {
   *   console.log(await (await job.execute(byLength)).collect()); // [[2, "to"], [2, "be"]]
   * });
   * ```
   */
  keyBy<K extends Row>(fn: RowFunction<T, K>): Dataset<[K, T]>;
  /**
   * Puts a property or a place in a tuple before each row, which is faster than by a closure.
   *
   * @param key The name of the property, or the number of the place from 0.
   * @returns Pairs `[row[key], row]`.
   */
  keyBy<R, const F extends FieldOf<R>>(this: Dataset<R>, key: F): Dataset<[FieldType<R, F>, R]>;

  /**
   * Turns the value of each pair into another one; keys, and so the placement, stay.
   *
   * @param fn Gets the value and the task's context.
   * @returns Pairs `[key, new value]`.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const longer = flow("longer", (f) => f.values([["a", 1]]).mapValues((n) => n + 1));
   * await run(async (job) => {
   *   console.log(await (await job.execute(longer)).collect()); // [["a", 2]]
   * });
   * ```
   */
  mapValues<K, V, U extends Row>(this: Dataset<[K, V]>, fn: RowFunction<V, U>): Dataset<[K, U]>;
  /**
   * Keeps one property, or one place of a tuple, of each value, which is faster than by a closure.
   *
   * @param field The name of the property, or the number of the place from 0.
   * @returns Pairs `[key, value[field]]`.
   */
  mapValues<K, V, const F extends FieldOf<V>>(this: Dataset<[K, V]>, field: F): Dataset<[K, FieldType<V, F>]>;

  /**
   * Takes the key of each pair.
   *
   * @returns The keys, with repetitions.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const keys = flow("keys", (f) => f.values([["a", 1], ["b", 2]]).keys());
   * await run(async (job) => {
   *   console.log(await (await job.execute(keys)).collect()); // ["a", "b"]
   * });
   * ```
   */
  keys<K, V>(this: Dataset<[K, V]>): Dataset<K>;

  /**
   * Takes the value of each pair.
   *
   * @returns The values.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const values = flow("values", (f) => f.values([["a", 1], ["b", 2]]).values());
   * await run(async (job) => {
   *   console.log(await (await job.execute(values)).collect()); // [1, 2]
   * });
   * ```
   */
  values<K, V>(this: Dataset<[K, V]>): Dataset<V>;
}

function deriveField<U>(
  input: Dataset<unknown>,
  kind: "keyBy" | "mapValues",
  name: string,
  value: unknown,
): Dataset<U> {
  const by = fieldOf(kind, name, value) ?? { fn: checkFunction(kind, name, value) };
  return derive(input, { kind, ...by, hasSide: false });
}

DatasetNode.prototype.keyBy = function keyBy<K, R>(this: Dataset<R>, key: unknown): Dataset<[K, R]> {
  return deriveField(this, "keyBy", "key", key);
};
DatasetNode.prototype.mapValues = function mapValues<K, U>(
  this: Dataset<unknown>,
  fn: unknown,
): Dataset<[K, U]> {
  return deriveField(this, "mapValues", "fn", fn);
};
DatasetNode.prototype.keys = function keys(this: Dataset<unknown>) {
  return derive(this, { kind: "keys" });
};
DatasetNode.prototype.values = function values(this: Dataset<unknown>) {
  return derive(this, { kind: "values" });
};
