/**
 * Operations that bring two datasets of pairs together by key.
 *
 * The result of a join has one row for each combination of a left and a right
 * value of equal keys. An absent side of an outer join is undefined.
 */
import { checkChoice, checkOptions } from "./arguments.ts";
import type { Dataset } from "./dataset.ts";
import { checkDataset, DatasetNode, derive } from "./dataset_node.ts";

/**
 * How a join is carried out.
 *
 * @example Sending a small side to every task
 * ```ts
 * import { flow, type JoinOptions, run } from "luciole";
 * const options: JoinOptions = { strategy: "broadcast" };
 * const joined = flow("join-small", (f) => f.values([["a", 1]]).join(f.values([["a", "x"]]), options));
 * await run(async (job) => {
 *   console.log(await (await job.execute(joined)).collect()); // [["a", [1, "x"]]]
 * });
 * ```
 */
export interface JoinOptions {
  /**
   * `hash` holds the smaller side of each shard in memory, `sort-merge` sorts both,
   * `broadcast` sends one whole side to every task. Default: chosen from the sizes.
   */
  readonly strategy?: "auto" | "hash" | "sort-merge" | "broadcast";
}

/** Operations that bring two datasets of pairs together, on every dataset of pairs. */
export interface JoinOperations {
  /**
   * Joins pairs of equal keys; keys of only one side are left out.
   *
   * @param other The right side; its keys are of the same type.
   * @returns Pairs `[key, [left, right]]`.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const joined = flow("join", (f) => f.values([["a", 1]]).join(f.values([["a", "x"], ["b", "y"]])));
   * await run(async (job) => {
   *   console.log(await (await job.execute(joined)).collect()); // [["a", [1, "x"]]]
   * });
   * ```
   */
  join<K, V, W>(this: Dataset<[K, V]>, other: Dataset<[K, W]>, options?: JoinOptions): Dataset<[K, [V, W]]>;

  /**
   * Joins pairs of equal keys and keeps left pairs without a partner.
   *
   * @param other The right side.
   * @returns Pairs `[key, [left, right or undefined]]`.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const joined = flow("left", (f) => f.values([["a", 1]]).leftJoin(f.values([["b", "y"]])));
   * await run(async (job) => {
   *   console.log(await (await job.execute(joined)).collect()); // [["a", [1, undefined]]]
   * });
   * ```
   */
  leftJoin<K, V, W>(
    this: Dataset<[K, V]>,
    other: Dataset<[K, W]>,
    options?: JoinOptions,
  ): Dataset<[K, [V, W | undefined]]>;

  /**
   * Joins pairs of equal keys and keeps right pairs without a partner.
   *
   * @param other The right side.
   * @returns Pairs `[key, [left or undefined, right]]`.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const joined = flow("right", (f) => f.values([["a", 1]]).rightJoin(f.values([["b", "y"]])));
   * await run(async (job) => {
   *   console.log(await (await job.execute(joined)).collect()); // [["b", [undefined, "y"]]]
   * });
   * ```
   */
  rightJoin<K, V, W>(
    this: Dataset<[K, V]>,
    other: Dataset<[K, W]>,
    options?: JoinOptions,
  ): Dataset<[K, [V | undefined, W]]>;

  /**
   * Joins pairs of equal keys and keeps pairs of both sides without a partner.
   *
   * @param other The right side.
   * @returns Pairs `[key, [left or undefined, right or undefined]]`.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const joined = flow("full", (f) => f.values([["a", 1]]).fullJoin(f.values([["b", "y"]])));
   * await run(async (job) => {
   *   console.log(await (await job.execute(joined)).count()); // 2
   * });
   * ```
   */
  fullJoin<K, V, W>(
    this: Dataset<[K, V]>,
    other: Dataset<[K, W]>,
    options?: JoinOptions,
  ): Dataset<[K, [V | undefined, W | undefined]]>;

  /**
   * Collects the values of each key of both sides.
   *
   * @param other The right side.
   * @returns Pairs `[key, [left values, right values]]`; a side without the key is an empty array.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const groups = flow("cogroup", (f) => f.values([["a", 1]]).cogroup(f.values([["a", "x"]])));
   * await run(async (job) => {
   *   const [[key, [left, right]]] = await (await job.execute(groups)).collect();
   *   console.log(key, left, right); // a [1] ["x"]
   * });
   * ```
   */
  cogroup<K, V, W>(this: Dataset<[K, V]>, other: Dataset<[K, W]>): Dataset<[K, [V[], W[]]]>;
}

type How = "inner" | "left" | "right" | "full";
const STRATEGIES = ["auto", "hash", "sort-merge", "broadcast"] as const;

function deriveJoin<U>(
  operation: string,
  how: How,
  left: Dataset<unknown>,
  other: unknown,
  options: JoinOptions | undefined,
): Dataset<U> {
  const right = checkDataset(operation, "other", other);
  const { strategy = "auto" } = checkOptions(operation, options, ["strategy"]);
  checkChoice(operation, "strategy", strategy, STRATEGIES);
  if (how === "full" && strategy === "broadcast") {
    throw new RangeError(
      "Cannot use fullJoin: strategy must not be broadcast, as no task would see all partners of a broadcast row",
    );
  }
  return derive<U>(left, { kind: "join", how, strategy }, [right]);
}

DatasetNode.prototype.join = function join(this: Dataset<unknown>, other: unknown, options) {
  return deriveJoin("join", "inner", this, other, options);
};
DatasetNode.prototype.leftJoin = function leftJoin(this: Dataset<unknown>, other: unknown, options) {
  return deriveJoin("leftJoin", "left", this, other, options);
};
DatasetNode.prototype.rightJoin = function rightJoin(this: Dataset<unknown>, other: unknown, options) {
  return deriveJoin("rightJoin", "right", this, other, options);
};
DatasetNode.prototype.fullJoin = function fullJoin(this: Dataset<unknown>, other: unknown, options) {
  return deriveJoin("fullJoin", "full", this, other, options);
};
DatasetNode.prototype.cogroup = function cogroup(this: Dataset<unknown>, other: unknown) {
  return derive(this, { kind: "cogroup" }, [checkDataset("cogroup", "other", other)]);
};
