/**
 * Sums and moments of numbers that hardly depend on the order or the sharding of their input.
 *
 * Accumulators are small plain arrays of numbers, so that they travel as rows.
 * Knows nothing of operators or columns beside Float64Array.
 */
import type { Stats } from "../graph/row_types.ts";

/** [sum, compensation], after A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen" (1974). */
export type SumAccumulator = [sum: number, compensation: number];
/** [sum, compensation, count] */
export type MeanAccumulator = [sum: number, compensation: number, count: number];
/** [sum, compensation, count, mean, sum of squared deviations, min, max] */
export type StatsAccumulator = [number, number, number, number, number, number, number];

/** Adds values[from … to) to a compensated sum at places 0 and 1. */
export function addNumbers(acc: number[], values: ArrayLike<number>, from: number, to: number): void {
  let sum = acc[0];
  let lost = acc[1];
  for (let i = from; i < to; i++) {
    const value = values[i];
    const total = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum;
    sum = total;
  }
  acc[0] = sum;
  acc[1] = lost;
}

export function addNumber(acc: number[], value: number): void {
  const sum = acc[0];
  const total = sum + value;
  acc[1] += Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum;
  acc[0] = total;
}

/** The sum that an accumulator stands for; an infinite or NaN sum has no meaningful compensation. */
export function sumOf(acc: readonly number[]): number {
  return Number.isFinite(acc[0]) ? acc[0] + acc[1] : acc[0];
}

export function mergeSums(a: number[], b: readonly number[]): void {
  addNumber(a, b[0]);
  a[1] += b[1];
}

export function emptyStats(): StatsAccumulator {
  return [0, 0, 0, 0, 0, Infinity, -Infinity];
}

/** One step of B. P. Welford, "Note on a method for calculating corrected sums of squares and products" (1962). */
export function addToStats(acc: StatsAccumulator, value: number): void {
  addNumber(acc, value);
  acc[2]++;
  const delta = value - acc[3];
  acc[3] += delta / acc[2];
  acc[4] += delta * (value - acc[3]);
  acc[5] = Math.min(acc[5], value);
  acc[6] = Math.max(acc[6], value);
}

/** T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979). */
export function mergeStats(a: StatsAccumulator, b: StatsAccumulator): void {
  const count = a[2] + b[2];
  if (count === 0) return;
  mergeSums(a, b);
  const delta = b[3] - a[3];
  a[4] += b[4] + (delta * delta * a[2] * b[2]) / count;
  a[3] += (delta * b[2]) / count;
  a[2] = count;
  a[5] = Math.min(a[5], b[5]);
  a[6] = Math.max(a[6], b[6]);
}

export function statsOf(acc: StatsAccumulator): Stats {
  const [, , count, , deviations, min, max] = acc;
  const sum = sumOf(acc);
  const variance = count === 0 ? Number.NaN : deviations / count;
  return { count, sum, mean: sum / count, min, max, variance, stddev: Math.sqrt(variance) };
}
