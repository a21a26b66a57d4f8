/** The number of workers that a job gives itself: quick to grow, slow to shrink, and still under a load that swings. */
import { expect, test } from "bun:test";
import { AdaptivePolicy } from "../../../core/job/adaptive.ts";

/** What the policy makes of a load over time, sampled four times a second: the changes, and the workers at the end. */
function play(
  policy: AdaptivePolicy,
  seconds: number,
  wantedAt: (ms: number) => number,
  first = 1,
): { readonly changes: readonly number[]; readonly workers: number } {
  const changes: number[] = [];
  let workers = first;
  for (let now = 0; now <= seconds * 1000; now += 250) {
    const wanted = wantedAt(now);
    const running = Math.min(wanted, workers);
    const by = policy.step({ workers, running, waiting: wanted - running }, now);
    if (by !== 0) changes.push(by);
    workers += by;
  }
  return { changes, workers };
}

test("adds workers while tasks wait, at most twice as many each time, up to the most", () => {
  expect(play(new AdaptivePolicy({ max: 10 }), 10, () => 100)).toEqual({
    changes: [1, 2, 4, 2],
    workers: 10,
  });
});

test("adds no more than wait", () => {
  expect(play(new AdaptivePolicy({ max: 10 }), 10, () => 6, 4)).toEqual({ changes: [2], workers: 6 });
});

test("takes idle workers away after half a minute, down to the least", () => {
  expect(play(new AdaptivePolicy({ min: 2, max: 10 }), 29, () => 0, 8).changes).toEqual([]);
  expect(play(new AdaptivePolicy({ min: 2, max: 10 }), 31, () => 0, 8)).toEqual({
    changes: [-6],
    workers: 2,
  });
});

test("keeps those that had something to do within that time", () => {
  const load = (ms: number): number => (ms === 15_000 ? 5 : 1);
  expect(play(new AdaptivePolicy({ max: 10 }), 31, load, 8)).toEqual({ changes: [-3], workers: 5 });
});

test("a load that swings changes nothing, once there are workers for its waves", () => {
  for (const periodMs of [500, 2_000, 10_000, 40_000]) {
    const load = (ms: number): number => (ms % periodMs < periodMs / 2 ? 8 : 0);
    const { changes } = play(new AdaptivePolicy({ max: 8 }), 600, load);
    expect(changes.filter((by) => by < 0)).toEqual([]);
    expect(changes.reduce((sum, by) => sum + by, 1)).toBeLessThanOrEqual(8);
  }
});

test("keeps within its bounds whatever the load, and what is done follows from the samples alone", () => {
  let state = 3;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const loads = Array.from({ length: 4000 }, () => random(30));
  const at = (ms: number): number => loads[ms / 250] ?? 0;
  const options = { min: 3, max: 12, downAfterMs: 2_000 };
  const first = play(new AdaptivePolicy(options), 900, at, 3);
  expect(play(new AdaptivePolicy(options), 900, at, 3)).toEqual(first);
  let workers = 3;
  for (const by of first.changes) {
    workers += by;
    expect(workers).toBeGreaterThanOrEqual(3);
    expect(workers).toBeLessThanOrEqual(12);
  }
});

test("brings a job within its bounds at once", () => {
  expect(new AdaptivePolicy({ min: 4, max: 6 }).step({ workers: 1, running: 0, waiting: 0 }, 0)).toBe(3);
  expect(new AdaptivePolicy({ min: 4, max: 6 }).step({ workers: 9, running: 9, waiting: 5 }, 0)).toBe(-3);
});

test("refuses bounds that are none", () => {
  for (const options of [
    { max: 0 },
    { min: 3, max: 2 },
    { max: 1.5 },
    { min: 0, max: 1 },
    { max: 2, upAfterMs: -1 },
  ]) {
    expect(() => new AdaptivePolicy(options)).toThrow(RangeError);
  }
  const misspelt = { max: 2, upAfter: 500 };
  expect(() => new AdaptivePolicy(misspelt)).toThrow('unknown option "upAfter", did you mean "upAfterMs"?');
});
