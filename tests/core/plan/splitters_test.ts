/** Tests that ranges cut from marks hold every row once. It knows only marks, never files. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { chooseSplitters, cutRange, type KeyRange, taskRange } from "../../../core/plan/splitters.ts";
import type { ChunkMark } from "../../../core/schedule/report.ts";

const ascending = (a: unknown, b: unknown) => Number(a) - Number(b);
const descending = (a: unknown, b: unknown) => Number(b) - Number(a);

interface Attempt {
  readonly marks: ChunkMark[];
  readonly chunks: number[][];
}

/** Sorts each run and cuts it into chunks, as the tail of a sort does. */
function attemptOf(
  runs: readonly (readonly number[])[],
  chunkRows: number,
  compare: typeof ascending,
): Attempt {
  const marks: ChunkMark[] = [];
  const chunks: number[][] = [];
  for (const [run, keys] of runs.entries()) {
    const sorted = [...keys].sort(compare);
    for (let i = 0; i < sorted.length; i += chunkRows) {
      marks.push({ run, firstKey: sorted[i] });
      chunks.push(sorted.slice(i, i + chunkRows));
    }
  }
  return { marks, chunks };
}

function isInside(key: number, range: KeyRange, compare: typeof ascending): boolean {
  return (
    (range.lower === undefined || compare(key, range.lower.key) >= 0) &&
    (range.upper === undefined || compare(key, range.upper.key) < 0)
  );
}

test("cutRange() of every range reads every row exactly once when runs are random", () => {
  const runs = fc.array(fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 40 }), { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.array(runs, { maxLength: 4 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      (attempts, chunkRows, tasks, isDescending) => {
        const compare = isDescending ? descending : ascending;
        const cut = attempts.map((one) => attemptOf(one, chunkRows, compare));
        const splitters = chooseSplitters(
          cut.map((one) => one.marks),
          tasks,
          compare,
        );
        const read: number[] = [];
        for (let task = 0; task < tasks; task += 1) {
          const range = taskRange(splitters, task);
          for (const one of cut) {
            for (const { run, from, to } of cutRange(one.marks, range, compare)) {
              expect(one.marks.slice(from, to).every((mark) => mark.run === run)).toBe(true);
              for (const key of one.chunks.slice(from, to).flat()) {
                if (isInside(key, range, compare)) read.push(key);
              }
            }
          }
        }
        const all = attempts.flat(2);
        expect(read.sort(ascending)).toEqual(all.sort(ascending));
      },
    ),
    { numRuns: 300 },
  );
});

test("cutRange() leaves out chunks on both sides when keys are distinct", () => {
  const marks = [0, 10, 20, 30, 40].map((firstKey) => ({ run: 0, firstKey }));
  expect(cutRange(marks, { lower: { key: 15 }, upper: { key: 31 } }, ascending)).toEqual([
    { run: 0, from: 1, to: 4 },
  ]);
  expect(cutRange(marks, { lower: { key: 20 }, upper: { key: 30 } }, ascending)).toEqual([
    { run: 0, from: 1, to: 3 },
  ]);
  expect(cutRange(marks, { upper: { key: 0 } }, ascending)).toEqual([]);
});

test("chooseSplitters() makes ranges of about the same size when keys are random", () => {
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed >>> 4;
  };
  const runs = Array.from({ length: 4 }, () => Array.from({ length: 4096 }, random));
  const { marks, chunks } = attemptOf(runs, 64, ascending);
  const splitters = chooseSplitters([marks], 4, ascending);
  expect(splitters).toHaveLength(3);
  for (let task = 0; task < 4; task += 1) {
    const range = taskRange(splitters, task);
    const rows = chunks.flat().filter((key) => isInside(key, range, ascending)).length;
    expect(Math.abs(rows - 4096)).toBeLessThan(350);
  }
});

test("chooseSplitters() keeps undefined in its place when it is a key", () => {
  const compare = (a: unknown, b: unknown) => (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1);
  const marks = [1, undefined, undefined, 1].map((firstKey, run) => ({ run, firstKey }));
  expect(chooseSplitters([marks], 4, compare)).toEqual([undefined, 1, 1]);
});

test("chooseSplitters() gives none when there are no rows", () => {
  expect(chooseSplitters([[], []], 5, ascending)).toEqual([]);
  expect(taskRange([], 0)).toEqual({});
});
