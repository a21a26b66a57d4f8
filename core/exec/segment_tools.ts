/**
 * The functions that generated segments call beside user closures.
 *
 * They are bound to the generated code as parameters. They know nothing of
 * operators or tasks.
 */

import { show } from "../graph/arguments.ts";

/** White space as JavaScript's \s and \p{Zs} with the line ends has it, of a UTF-16 code unit. */
function isSpace(unit: number): boolean {
  if (unit <= 32) return unit === 32 || (unit >= 9 && unit <= 13);
  return unit >= 160 && isWideSpace(unit);
}

function isWideSpace(unit: number): boolean {
  return (
    unit === 0xa0 ||
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000 ||
    unit === 0xfeff
  );
}

/** @throws {TypeError} If a flatMap returned what has no rows; a string is refused as it is hardly ever meant as letters. */
function iterable(value: unknown): Iterable<unknown> {
  if (typeof value === "object" && value !== null && Symbol.iterator in value) {
    return value as Iterable<unknown>;
  }
  if (typeof value === "string") {
    throw new TypeError(
      `Cannot flatten a string: return an array of rows: got ${JSON.stringify(value.slice(0, 40))}`,
    );
  }
  settled(value);
  throw new TypeError(`Cannot flatten: return an array or another iterable: got ${show(value)}`);
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError(
    `Cannot split into words: rows must be strings: got ${value === null ? "null" : typeof value}`,
  );
}

/** A promise that nobody waits for would lose its errors. */
function settled(value: unknown): void {
  if (value instanceof Promise) {
    value.catch(() => undefined);
    throw new TypeError(
      "Cannot wait for a promise: the function returned one; use mapShards for asynchronous work",
    );
  }
}

/** Tells for one row after the other whether it is kept; the same for every attempt. mulberry32. */
function sampler(fraction: number, seeds: readonly number[]): () => boolean {
  let state = 0;
  for (const seed of seeds)
    state = Math.imul(state ^ seed ^ Math.floor(seed / 0x100000000), 0x9e3779b1) + 0x7f4a7c15;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000 < fraction;
  };
}

export const SEGMENT_TOOLS = { isSpace, iterable, text, settled, sampler } as const;
