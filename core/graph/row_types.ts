/**
 * Types of rows and of the closures that work on them.
 *
 * Types only; nothing here exists at run time.
 */
import type { SideContext, TaskContext } from "../exec/context.ts";

/**
 * Any row. The empty tuple among the choices makes TypeScript infer a tuple, not
 * an array, for a closure that returns `[key, value]`.
 *
 * @example A function for rows of any type
 * ```ts
 * import { type Dataset, flow, type Row, run } from "luciole";
 * const pairUp = <T extends Row>(rows: Dataset<T>): Dataset<[T, T]> => rows.map((row): [T, T] => [row, row]);
 * const pairs = flow("pairs", (f) => pairUp(f.values(["a"])));
 * await run(async (job) => {
 *   console.log(await (await job.execute(pairs)).collect()); // [["a", "a"]]
 * });
 * ```
 */
// biome-ignore lint/complexity/noBannedTypes: {} is what admits every value here without hiding the tuple
export type Row = {} | null | undefined | [];

/**
 * Turns a row into something.
 *
 * @example Making closures
 * ```ts
 * import { flow, type RowFunction, run } from "luciole";
 * const times = (by: number): RowFunction<number, number> => (n) => n * by;
 * const tripled = flow("tripled", (f) => f.range(3).map(times(3)));
 * await run(async (job) => {
 *   console.log(await (await job.execute(tripled)).collect()); // [0, 3, 6]
 * });
 * ```
 */
export type RowFunction<T, U> = (row: T, ctx: TaskContext) => U;

/**
 * Turns a row into something, with a broadcast dataset at hand as `ctx.side`.
 *
 * @example A closure that looks rows up
 * ```ts
 * import { flow, run, type SideFunction } from "luciole";
 * const lookUp: SideFunction<number, string, string> = (n, ctx) => ctx.side[n];
 * const found = flow("found", (f) => f.values([1]).map(lookUp, { with: f.values(["a", "b"]).broadcast() }));
 * await run(async (job) => {
 *   console.log(await (await job.execute(found)).collect()); // ["b"]
 * });
 * ```
 */
export type SideFunction<T, U, S> = (row: T, ctx: SideContext<S>) => U;

/**
 * Turns the rows of one shard into other rows.
 *
 * @example Numbering the rows of each shard
 * ```ts
 * import { flow, run, type ShardFunction } from "luciole";
 * const number: ShardFunction<string, string> = async function* (rows) {
 *   let n = 0;
 *   for await (const row of rows) yield `${++n} ${row}`;
 * };
 * const numbered = flow("numbered-lines", (f) => f.values(["a", "b"], { shards: 1 }).mapShards(number));
 * await run(async (job) => {
 *   console.log(await (await job.execute(numbered)).collect()); // ["1 a", "2 b"]
 * });
 * ```
 */
export type ShardFunction<T, U> = (
  rows: AsyncIterable<T>,
  ctx: TaskContext,
) => AsyncIterable<U> | Iterable<U>;

/**
 * Makes the rows of one shard, given its number from 0.
 *
 * @example A generator with a name of its own
 * ```ts
 * import { flow, type GenerateFunction, run } from "luciole";
 * const countdown: GenerateFunction<number> = function* (shard) {
 *   for (let n = shard + 1; n > 0; n--) yield n;
 * };
 * const numbers = flow("countdowns", (f) => f.generate(2, countdown));
 * await run(async (job) => {
 *   console.log(await (await job.execute(numbers)).collect()); // [1, 2, 1]
 * });
 * ```
 */
export type GenerateFunction<T> = (shard: number, ctx: TaskContext) => AsyncIterable<T> | Iterable<T>;

/**
 * Joins two values into one; must be associative and commutative.
 *
 * @example The longer of two texts
 * ```ts
 * import { flow, type Reducer, run } from "luciole";
 * const longer: Reducer<string> = (a, b) => (a.length >= b.length ? a : b);
 * const longest = flow("longest-of-all", (f) => f.values(["to", "been"]).reduce(longer));
 * await run(async (job) => {
 *   console.log(await (await job.execute(longest)).collect()); // ["been"]
 * });
 * ```
 */
export type Reducer<T> = (a: T, b: T) => T;

/**
 * Orders two rows: negative when `a` comes first, positive when `b` does.
 *
 * @example By length, then by the alphabet
 * ```ts
 * import { type Compare, flow, run } from "luciole";
 * const byLength: Compare<string> = (a, b) => a.length - b.length || (a < b ? -1 : 1);
 * const sorted = flow("by-length-and-text", (f) => f.values(["bb", "c", "aa"]).sort(byLength));
 * await run(async (job) => {
 *   console.log(await (await job.execute(sorted)).collect()); // ["c", "aa", "bb"]
 * });
 * ```
 */
export type Compare<T> = (a: T, b: T) => number;

/**
 * How an aggregation begins, takes a value in, and joins two partial results.
 *
 * @example Collecting different letters
 * ```ts
 * import { type Aggregation, flow, run } from "luciole";
 * const letters: Aggregation<string, Set<string>> = {
 *   zero: () => new Set(),
 *   add: (set, text) => new Set([...set, ...text]),
 *   merge: (a, b) => new Set([...a, ...b]),
 * };
 * const all = flow("letters", (f) => f.values(["to", "go"]).aggregate(letters).map((set) => [...set].sort().join("")));
 * await run(async (job) => {
 *   console.log(await (await job.execute(all)).collect()); // ["got"]
 * });
 * ```
 */
export interface Aggregation<V, A> {
  /** Makes an empty result. */
  readonly zero: () => A;
  /** Takes a value into a result; may change and return the same object. */
  readonly add: (result: A, value: V) => A;
  /** Joins two partial results; may change and return the first. */
  readonly merge: (a: A, b: A) => A;
}

/**
 * Figures of a dataset of numbers.
 *
 * @example Saying what was measured
 * ```ts
 * import { flow, run, type Stats } from "luciole";
 * const describe = ({ count, mean }: Stats): string => `${count} values around ${mean}`;
 * const text = flow("described", (f) => f.values([1, 3]).stats().map((stats) => describe(stats)));
 * await run(async (job) => {
 *   console.log(await (await job.execute(text)).collect()); // ["2 values around 2"]
 * });
 * ```
 */
export interface Stats {
  /** How many. */
  readonly count: number;
  /** Their sum. */
  readonly sum: number;
  /** The arithmetic mean. */
  readonly mean: number;
  /** The smallest. */
  readonly min: number;
  /** The largest. */
  readonly max: number;
  /** Population variance: the mean of the squared distances from the mean. */
  readonly variance: number;
  /** Square root of the variance. */
  readonly stddev: number;
}

/**
 * A property name of an object row, or a place of a tuple row.
 *
 * @example Sorting by any property
 * ```ts
 * import { type Dataset, type FieldOf, flow, run } from "luciole";
 * interface Person { readonly name: string; readonly age: number }
 * const oldest = (people: Dataset<Person>, by: FieldOf<Person>) => people.sortBy(by, { descending: true }).limit(1);
 * const found = flow("oldest", (f) => oldest(f.values([{ name: "Ann", age: 30 }, { name: "Bo", age: 40 }]), "age"));
 * await run(async (job) => {
 *   console.log(await (await job.execute(found)).collect()); // [{ name: "Bo", age: 40 }]
 * });
 * ```
 */
export type FieldOf<T> = T extends readonly unknown[]
  ? Exclude<keyof T, keyof (readonly unknown[])> extends infer Place
    ? Place extends `${infer Digits extends number}`
      ? Digits
      : never
    : never
  : T extends object
    ? Extract<keyof T, string>
    : never;

/**
 * The type of a field of a row; see FieldOf.
 *
 * @example The values of a property
 * ```ts
 * import { type Dataset, type FieldOf, type FieldType, flow, run } from "luciole";
 * interface Person { readonly name: string; readonly age: number }
 * const by = <F extends FieldOf<Person>>(people: Dataset<Person>, field: F): Dataset<[FieldType<Person, F>, Person]> =>
 *   people.keyBy(field);
 * const aged = flow("aged", (f) => by(f.values([{ name: "Ann", age: 30 }]), "age").keys());
 * await run(async (job) => {
 *   console.log(await (await job.execute(aged)).collect()); // [30]
 * });
 * ```
 */
export type FieldType<T, F> = T[F & keyof T];
