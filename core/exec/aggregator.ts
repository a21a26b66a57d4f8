/**
 * What an aggregating node means, in one form for keyed and for whole aggregation.
 *
 * An accumulator is any value that can travel: partial tasks make them of rows,
 * merging tasks make results of them. Nothing here knows where they are kept.
 */
import type { GraphNode } from "../graph/node.ts";
import { compareValues } from "../key/compare.ts";
import {
  addNumber,
  addNumbers,
  addToStats,
  emptyStats,
  type MeanAccumulator,
  mergeStats,
  mergeSums,
  type StatsAccumulator,
  type SumAccumulator,
  statsOf,
  sumOf,
} from "./running_sum.ts";

export interface Aggregator {
  /**
   * keys: there is no accumulator, only the key counts. count: a number of rows. value: the first value is its
   * own accumulator. other: anything.
   */
  readonly shape: "keys" | "count" | "value" | "other";
  /** The accumulator of the first value. */
  first(value: unknown): unknown;
  /** May change and return `acc`. */
  add(acc: unknown, value: unknown): unknown;
  merge(a: unknown, b: unknown): unknown;
  finish(acc: unknown): unknown;
  /** What `add` and `merge` do with numbers, where that is known. */
  readonly fold?: "sum" | "min" | "max";
  /** The result of no rows at all; missing when there is none. */
  empty?(): unknown;
  /** The same as `first` and `add` for many numbers at once. */
  addAll?(acc: unknown, values: Float64Array): unknown;
}

/** @throws {RangeError} If the node does not aggregate. */
export function aggregatorOf(node: GraphNode): Aggregator {
  const spec = node.spec;
  switch (spec.kind) {
    case "reduceByKey":
    case "localReduceByKey":
    case "reduce":
      return {
        shape: "value",
        first: identity,
        add: (a, b) => spec.fn(a, b),
        merge: (a, b) => spec.fn(a, b),
        finish: identity,
      };
    case "aggregateByKey":
    case "aggregate":
      return {
        shape: "other",
        first: (value) => spec.add(spec.zero(), value),
        add: (acc, value) => spec.add(acc, value),
        merge: (a, b) => spec.merge(a, b),
        finish: identity,
        empty: () => spec.zero(),
      };
    case "countByKey":
    case "countByValue":
    case "count":
      return COUNT;
    case "distinct":
      return KEYS;
    case "sumByKey":
      return SUM_OF_KEY;
    case "minByKey":
      return { ...extreme(-1), fold: "min" };
    case "maxByKey":
      return { ...extreme(1), fold: "max" };
    case "sum":
      return SUM;
    case "mean":
      return MEAN;
    case "stats":
      return STATS;
    case "min":
      return extreme(-1);
    case "max":
      return extreme(1);
    default:
      throw new RangeError(`Cannot aggregate: node ${node.id} is a ${spec.kind}`);
  }
}

const identity = (value: unknown): unknown => value;

const KEYS: Aggregator = {
  shape: "keys",
  first: () => undefined,
  add: () => undefined,
  merge: () => undefined,
  finish: identity,
};

const COUNT: Aggregator = {
  shape: "count",
  first: () => 1,
  add: (acc) => (acc as number) + 1,
  merge: (a, b) => (a as number) + (b as number),
  finish: identity,
  empty: () => 0,
};

/** Adds in the order of the values, as a closure would. */
const SUM_OF_KEY: Aggregator = {
  shape: "value",
  fold: "sum",
  first: (value) => numberOf(value, "sum"),
  add: (acc, value) => (acc as number) + numberOf(value, "sum"),
  merge: (a, b) => (a as number) + (b as number),
  finish: identity,
};

const SUM: Aggregator = {
  shape: "other",
  first: (value) => [numberOf(value, "sum"), 0],
  add(acc, value) {
    addNumber(acc as SumAccumulator, numberOf(value, "sum"));
    return acc;
  },
  merge(a, b) {
    mergeSums(a as SumAccumulator, b as SumAccumulator);
    return a;
  },
  finish: (acc) => sumOf(acc as SumAccumulator),
  empty: () => 0,
  addAll(acc, values) {
    const sum = (acc ?? [0, 0]) as SumAccumulator;
    addNumbers(sum, values, 0, values.length);
    return sum;
  },
};

const MEAN: Aggregator = {
  shape: "other",
  first: (value) => [numberOf(value, "mean"), 0, 1],
  add(acc, value) {
    const mean = acc as MeanAccumulator;
    addNumber(mean, numberOf(value, "mean"));
    mean[2]++;
    return mean;
  },
  merge(a, b) {
    mergeSums(a as MeanAccumulator, b as MeanAccumulator);
    (a as MeanAccumulator)[2] += (b as MeanAccumulator)[2];
    return a;
  },
  finish: (acc) => sumOf(acc as MeanAccumulator) / (acc as MeanAccumulator)[2],
  addAll(acc, values) {
    const mean = (acc ?? [0, 0, 0]) as MeanAccumulator;
    addNumbers(mean, values, 0, values.length);
    mean[2] += values.length;
    return mean;
  },
};

const STATS: Aggregator = {
  shape: "other",
  first(value) {
    const acc = emptyStats();
    addToStats(acc, numberOf(value, "stats"));
    return acc;
  },
  add(acc, value) {
    addToStats(acc as StatsAccumulator, numberOf(value, "stats"));
    return acc;
  },
  merge(a, b) {
    mergeStats(a as StatsAccumulator, b as StatsAccumulator);
    return a;
  },
  finish: (acc) => statsOf(acc as StatsAccumulator),
  empty: () => statsOf(emptyStats()),
  addAll(acc, values) {
    const stats = (acc ?? emptyStats()) as StatsAccumulator;
    for (let i = 0; i < values.length; i++) addToStats(stats, values[i]);
    return stats;
  },
};

/** Smallest or largest by the order of values; of equal ones the first. */
function extreme(sign: 1 | -1): Aggregator {
  const pick = (a: unknown, b: unknown): unknown => (compareValues(b, a) * sign > 0 ? b : a);
  return {
    shape: "value",
    first: identity,
    add: pick,
    merge: pick,
    finish: identity,
    addAll(acc, values) {
      let best = values[0];
      for (let i = 1; i < values.length; i++) {
        const value = values[i];
        const isBetter = sign > 0 ? value > best || Number.isNaN(value) : value < best || Number.isNaN(best);
        if (isBetter) best = value;
      }
      return acc === undefined ? best : pick(acc, best);
    },
  };
}

function numberOf(value: unknown, what: string): number {
  if (typeof value === "number") return value;
  throw new TypeError(
    `Cannot take the ${what} of a ${value === null ? "null" : typeof value}: rows must be numbers`,
  );
}
