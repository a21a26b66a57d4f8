/**
 * What users say about a dataset beside its content: names, storage, sizes.
 *
 * A mark never changes the rows.
 */
import { checkChoice, checkOptionalWhole, checkOptions, checkText } from "./arguments.ts";
import type { Broadcast, Dataset } from "./dataset.ts";
import { DatasetNode, derive, deriveBroadcast } from "./dataset_node.ts";
import type { Marks } from "./node.ts";

/**
 * What the planner should take a dataset to be.
 *
 * @example Saying what a generator will give
 * ```ts
 * import { flow, type Hint, run } from "luciole";
 * const hint: Hint = { rows: 2, latency: "short" };
 * const few = flow("few", (f) =>
 *   f.generate(1, async function* () {
 *     yield* [1, 2];
 *   }).hint(hint));
 * await run(async (job) => {
 *   console.log(await (await job.execute(few)).collect()); // [1, 2]
 * });
 * ```
 */
export interface Hint {
  /** Number of rows. */
  readonly rows?: number;
  /** Size in bytes. */
  readonly bytes?: number;
  /** Whether its tasks are short. A job on one machine makes no difference. */
  readonly latency?: "short" | "long";
}

/** What can be said of a dataset beside its content, on every dataset. */
export interface MarkOperations<T> {
  /**
   * Makes a small dataset readable, whole, in the closures of another one.
   *
   * @returns What goes into `{ with: … }`.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const scaled = flow("scaled", (f) => {
   *   const factor = f.values([10]).broadcast();
   *   return f.values([1, 2]).map((n, ctx) => n * ctx.side[0], { with: factor });
   * });
   * await run(async (job) => {
   *   console.log(await (await job.execute(scaled)).collect()); // [10, 20]
   * });
   * ```
   */
  broadcast(): Broadcast<T>;

  /**
   * Keeps the rows once they are computed, for all that read them in this flow.
   *
   * @returns The same dataset, cut from what reads it.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const twice = flow("twice", (f) => {
   *   const base = f.range(3).map((n) => n * n).cache();
   *   return { sum: base.sum(), count: base.count() };
   * });
   * await run(async (job) => {
   *   const { sum, count } = await job.execute(twice);
   *   console.log(await sum.collect(), await count.collect()); // [5] [3]
   * });
   * ```
   */
  cache(): Dataset<T>;

  /**
   * Asks for the shards to be kept on disk, small ones too, which leaves the memory of agents to others.
   *
   * It says where shards lie that are kept anyway: those of outputs, of what is read more than once, and of `cache`.
   *
   * @returns The same dataset.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const kept = flow("on-disk", (f) => f.range(3).onDisk());
   * await run(async (job) => {
   *   console.log(await (await job.execute(kept)).count()); // 3
   * });
   * ```
   */
  onDisk(): Dataset<T>;

  /**
   * Asks for the shards to be kept in the memory of their agents: those of up to 4 MiB, where by itself an agent keeps
   * those of up to 128 KiB, and 64 MiB of a job. What does not fit there goes to disk.
   *
   * It says where shards lie that are kept anyway: those of outputs, of what is read more than once, and of `cache`.
   *
   * @returns The same dataset.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const kept = flow("in-memory", (f) => f.range(3).inMemory());
   * await run(async (job) => {
   *   console.log(await (await job.execute(kept)).count()); // 3
   * });
   * ```
   */
  inMemory(): Dataset<T>;

  /**
   * Keeps the rows once they are computed, as `cache` does, and copies them into the checkpoint of a job that has one
   * (`--checkpoint DIR`), so that a driver that is started again with `--resume` has them.
   *
   * @returns The same dataset, cut from what reads it.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const kept = flow("checkpoint", (f) => f.range(3).checkpoint().map((n) => n + 1));
   * await run(async (job) => {
   *   console.log(await (await job.execute(kept)).count()); // 3
   * });
   * ```
   */
  checkpoint(): Dataset<T>;

  /**
   * Names the dataset in plans, progress and errors.
   *
   * @param text The name.
   * @returns The same dataset.
   * @throws {TypeError} If the name is empty.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const named = flow("named", (f) => f.range(3).name("small numbers"));
   * await run(async (job) => {
   *   console.log(await (await job.execute(named)).count()); // 3
   * });
   * ```
   */
  name(text: string): Dataset<T>;

  /**
   * Tells the planner what it cannot know.
   *
   * @param hint Rows, bytes, and whether tasks are short or long.
   * @returns The same dataset.
   * @throws {RangeError} If a size is negative.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const hinted = flow("hinted", (f) => f.range(3).hint({ rows: 3, latency: "short" }));
   * await run(async (job) => {
   *   console.log(await (await job.execute(hinted)).count()); // 3
   * });
   * ```
   */
  hint(hint: Hint): Dataset<T>;
}

function mark<T>(dataset: Dataset<T>, marks: Marks): Dataset<T> {
  return derive(dataset, { kind: "mark", marks: Object.freeze(marks) });
}

DatasetNode.prototype.broadcast = function broadcast() {
  return deriveBroadcast(this);
};
DatasetNode.prototype.cache = function cache() {
  return mark(this, { cache: true });
};
DatasetNode.prototype.onDisk = function onDisk() {
  return mark(this, { storage: "disk" });
};
DatasetNode.prototype.inMemory = function inMemory() {
  return mark(this, { storage: "memory" });
};
DatasetNode.prototype.checkpoint = function checkpoint() {
  return mark(this, { checkpoint: true });
};
DatasetNode.prototype.name = function name(text) {
  return mark(this, { name: checkText("name", "text", text) });
};
DatasetNode.prototype.hint = function hint(given) {
  const { rows, bytes, latency } = checkOptions("hint", given, ["rows", "bytes", "latency"]);
  checkOptionalWhole("hint", "rows", rows, 0);
  checkOptionalWhole("hint", "bytes", bytes, 0);
  if (latency !== undefined) checkChoice("hint", "latency", latency, ["short", "long"]);
  return mark(this, { hint: Object.freeze({ ...given }) });
};
