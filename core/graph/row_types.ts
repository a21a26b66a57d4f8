/**
 * Types of rows and of the closures that work on them.
 *
 * Types only; nothing here exists at run time.
 */
import type { SideContext, TaskContext } from "../exec/context.ts";

/**
 * Any row. The empty tuple among the choices makes TypeScript infer a tuple, not
 * an array, for a closure that returns `[key, value]`.
 */
// biome-ignore lint/complexity/noBannedTypes: {} is what admits every value here without hiding the tuple
export type Row = {} | null | undefined | [];

/** Turns a row into something. */
export type RowFunction<T, U> = (row: T, ctx: TaskContext) => U;

/** Turns a row into something, with a broadcast dataset at hand as `ctx.side`. */
export type SideFunction<T, U, S> = (row: T, ctx: SideContext<S>) => U;

/** Turns the rows of one shard into other rows. */
export type ShardFunction<T, U> = (
  rows: AsyncIterable<T>,
  ctx: TaskContext,
) => AsyncIterable<U> | Iterable<U>;

/** Makes the rows of one shard, given its number from 0. */
export type GenerateFunction<T> = (shard: number, ctx: TaskContext) => AsyncIterable<T> | Iterable<T>;

/** Joins two values into one; must be associative and commutative. */
export type Reducer<T> = (a: T, b: T) => T;

/** Orders two rows: negative when `a` comes first, positive when `b` does. */
export type Compare<T> = (a: T, b: T) => number;

/** How an aggregation begins, takes a value in, and joins two partial results. */
export interface Aggregation<V, A> {
  /** Makes an empty result. */
  readonly zero: () => A;
  /** Takes a value into a result; may change and return the same object. */
  readonly add: (result: A, value: V) => A;
  /** Joins two partial results; may change and return the first. */
  readonly merge: (a: A, b: A) => A;
}

/** Figures of a dataset of numbers. */
export interface Stats {
  readonly count: number;
  readonly sum: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** Population variance: the mean of the squared distances from the mean. */
  readonly variance: number;
  /** Square root of the variance. */
  readonly stddev: number;
}

type Digits<N> = N extends `${infer D extends number}` ? D : never;

/** A property name of an object row, or a place of a tuple row. */
export type FieldOf<T> = T extends readonly unknown[]
  ? Digits<Exclude<keyof T, keyof (readonly unknown[])>>
  : T extends object
    ? Extract<keyof T, string>
    : never;
