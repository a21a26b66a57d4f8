/**
 * Cuts sorted runs into ranges: which keys part the tasks of a sort, and which
 * chunks of a run a task must read.
 *
 * Works on the marks that attempts reported, so it reads no data. It is pure and
 * knows nothing of agents, attempts or where chunks lie.
 */
import type { ChunkMark } from "../schedule/report.ts";

/** The sort order of the runs: compareValues or the user's function, turned round when descending. */
export type CompareKeys = (a: unknown, b: unknown) => number;

/** A missing bound is open: lower ≤ key < upper, but for what the flags say of the bounds themselves. */
export interface KeyRange {
  readonly lower?: { readonly key: unknown };
  readonly upper?: { readonly key: unknown };
  /** lower < key. */
  readonly excludesLower?: boolean;
  /** key ≤ upper. */
  readonly includesUpper?: boolean;
}

/** Chunks [from, to) of one run of one attempt. */
export interface RunCut {
  readonly run: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Chooses the keys that part `tasks` ranges: `tasks` - 1 of them in order, or none when there are no rows.
 *
 * Chunks of a run hold about the same number of rows, so their first keys are
 * regular samples, as in parallel sorting by regular sampling (Shi and Schaeffer,
 * J. Parallel Distrib. Comput. 14(4), 1992). Equal splitters leave ranges empty.
 *
 * @param marks marks of each attempt
 */
export function chooseSplitters(
  marks: readonly (readonly ChunkMark[])[],
  tasks: number,
  compare: CompareKeys,
): unknown[] {
  const samples: unknown[] = [];
  let runs = 0;
  for (const attempt of marks) {
    for (let i = 0; i < attempt.length; i += 1) {
      if (i === 0 || attempt[i].run !== attempt[i - 1].run) runs += 1;
      samples.push(attempt[i].firstKey);
    }
  }
  if (samples.length === 0) return [];
  sortSamples(samples, compare);
  // A first key stands at the low end of its chunk: half a chunk for each run makes that good.
  const offset = samples.length >= 2 * runs ? runs / 2 : 0;
  const splitters: unknown[] = [];
  for (let i = 1; i < tasks; i += 1) {
    const at = Math.floor((i * samples.length) / tasks + offset);
    splitters.push(samples[Math.min(at, samples.length - 1)]);
  }
  return splitters;
}

/** Tells the range of one task: task i lies between splitters i - 1 and i. */
export function taskRange(splitters: readonly unknown[], task: number): KeyRange {
  return {
    ...(task > 0 && task <= splitters.length ? { lower: { key: splitters[task - 1] } } : {}),
    ...(task < splitters.length ? { upper: { key: splitters[task] } } : {}),
  };
}

/**
 * Cuts the runs of one attempt to the chunks that can hold keys of a range; runs without any are left out.
 *
 * @param marks marks of one attempt in order: the place of a mark is the number of its chunk
 */
export function cutRange(marks: readonly ChunkMark[], range: KeyRange, compare: CompareKeys): RunCut[] {
  const { lower, upper, excludesLower = false, includesUpper = false } = range;
  const cuts: RunCut[] = [];
  if (isNothing(range, compare)) return cuts;
  const isBelow: IsBefore = excludesLower ? (order) => order <= 0 : (order) => order < 0;
  const isWithin: IsBefore = includesUpper ? (order) => order <= 0 : (order) => order < 0;
  for (let start = 0; start < marks.length; ) {
    const run = marks[start].run;
    let end = start + 1;
    while (end < marks.length && marks[end].run === run) end += 1;
    const stretch = { marks, start, end, compare };
    // A chunk may end with the first key of the next one, so the chunk before the first that is not below counts too.
    const from = lower === undefined ? start : Math.max(start, firstNot(isBelow, stretch, lower.key) - 1);
    const to = upper === undefined ? end : firstNot(isWithin, stretch, upper.key);
    if (from < to) cuts.push({ run, from, to });
    start = end;
  }
  return cuts;
}

/** Between equal bounds there is nothing, unless both belong to the range. */
function isNothing({ lower, upper, excludesLower, includesUpper }: KeyRange, compare: CompareKeys): boolean {
  if (lower === undefined || upper === undefined || compare(lower.key, upper.key) !== 0) return false;
  return excludesLower === true || includesUpper !== true;
}

type IsBefore = (order: number) => boolean;

interface Stretch {
  readonly marks: readonly ChunkMark[];
  readonly start: number;
  readonly end: number;
  readonly compare: CompareKeys;
}

/** The first chunk of a run whose first key does not come before the bound. */
function firstNot(isBefore: IsBefore, { marks, start, end, compare }: Stretch, key: unknown): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(compare(marks[middle].firstKey, key))) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Array.prototype.sort moves undefined to the end without asking, and here it is a key like others. */
function sortSamples(samples: unknown[], compare: CompareKeys): void {
  const boxes = samples.map((key) => ({ key }));
  boxes.sort((a, b) => compare(a.key, b.key));
  for (let i = 0; i < boxes.length; i += 1) samples[i] = boxes[i].key;
}
