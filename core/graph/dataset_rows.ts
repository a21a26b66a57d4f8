/**
 * Operations that look at one row at a time.
 *
 * They keep shards as they are and need no exchange. A closure gets the row and
 * the context of its task; with `{ with: broadcast }` the context also holds a
 * small dataset as `ctx.side`.
 */
import type { PipeCommand } from "../exec/context.ts";
import { checkFunction, checkOptions, checkWhole, show } from "./arguments.ts";
import type { Broadcast, Dataset } from "./dataset.ts";
import { BroadcastNode, DatasetNode, derive } from "./dataset_node.ts";
import { fieldOf } from "./field.ts";
import type { ClosureKind, UserFunction } from "./node.ts";
import type { FieldOf, FieldType, Row, RowFunction, ShardFunction, SideFunction } from "./row_types.ts";

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

/**
 * Options of reading lines.
 *
 * @example Lines without their paths
 * ```ts
 * import { flow, type LinesOptions, run } from "luciole";
 * const options: LinesOptions = { withPath: false };
 * const first = flow("first-line", (f, p: { path: string }) => f.files(p.path).lines(options).limit(1));
 * await run(async (job) => {
 *   console.log(await (await job.execute(first, { path: import.meta.filename })).count()); // 1
 * });
 * ```
 */
export interface LinesOptions {
  /** Rows become `[path, line]`. Default false. */
  readonly withPath?: boolean;
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

  /**
   * Cuts lines into words at white space, on bytes: the fast form of a `flatMap` with `split`.
   *
   * @returns The words, none of them empty.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const words = flow("words", (f) => f.values([" to be ", "or"]).words());
   * await run(async (job) => {
   *   console.log(await (await job.execute(words)).collect()); // ["to", "be", "or"]
   * });
   * ```
   */
  words(this: Dataset<string>): Dataset<string>;

  /**
   * Reads the lines of the files whose paths are the rows, and tells where each line is from.
   *
   * @param options `withPath` true.
   * @returns Pairs `[path, line]`, file after file.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const lines = flow("lines", (f, p: { glob: string }) =>
   *   f.files(p.glob).lines({ withPath: true }).filter(([, line]) => line.startsWith("import")));
   * await run(async (job) => {
   *   const handle = await job.execute(lines, { glob: import.meta.filename });
   *   console.log(await handle.count()); // 1
   * });
   * ```
   */
  lines(
    this: Dataset<string>,
    options: LinesOptions & { readonly withPath: true },
  ): Dataset<[string, string]>;
  /**
   * Reads the lines of the files whose paths are the rows.
   *
   * @param options Nothing, or `withPath` false.
   * @returns The lines, file after file.
   */
  lines(this: Dataset<string>, options?: LinesOptions): Dataset<string>;

  /**
   * Sends the rows of each shard as lines through a command, and reads its output lines.
   *
   * @param command A string is run by the shell, an array of words directly.
   * @returns The lines that the command wrote.
   * @throws {TypeError} If the command is empty.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const upper = flow("upper", (f) => f.values(["a"]).pipe("tr a-z A-Z"));
   * await run(async (job) => {
   *   console.log(await (await job.execute(upper)).collect()); // ["A"]
   * });
   * ```
   */
  pipe(this: Dataset<string>, command: PipeCommand): Dataset<string>;
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

function deriveField<U>(
  input: Dataset<unknown>,
  kind: "keyBy" | "mapValues",
  name: string,
  value: unknown,
): Dataset<U> {
  const by = fieldOf(kind, name, value) ?? { fn: checkFunction(kind, name, value) };
  return derive(input, { kind, ...by, hasSide: false });
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
DatasetNode.prototype.words = function words(this: Dataset<unknown>) {
  return derive(this, { kind: "words" });
};
DatasetNode.prototype.lines = function lines<U>(this: Dataset<unknown>, options?: LinesOptions): Dataset<U> {
  const { withPath = false } = checkOptions("lines", options, ["withPath"]);
  return derive(this, { kind: "lines", withPath });
};
DatasetNode.prototype.pipe = function pipe(this: Dataset<unknown>, command) {
  const isCommand =
    typeof command === "string" ? command !== "" : Array.isArray(command) && command.length > 0;
  if (!isCommand) throw new TypeError(`Cannot use pipe: command must not be empty, got ${show(command)}`);
  return derive(this, { kind: "pipe", command });
};
