/**
 * F10: a whole cluster with random faults, checked after each event; every seed is another run.
 *
 * LUCIOLE_TEST_SEED and LUCIOLE_TEST_RUNS choose other seeds; `scripts/simulate` runs many.
 */
import { expect, test } from "bun:test";
import { REGRESSIONS } from "./regressions.ts";
import { Simulation } from "./simulation.ts";

const FIRST_SEED = Number(process.env.LUCIOLE_TEST_SEED ?? 1);
const RUNS = Number(process.env.LUCIOLE_TEST_RUNS ?? 20_000);
/** Enough of them for one run of the tests. */
const QUICK_MS = 12_000;
const LEAST_RUNS = 300;

test("F10: jobs give the right result or fail clearly, and leave nothing, whatever crashes or is cut off", () => {
  const counts = { done: 0, failed: 0, cancelled: 0, killed: 0 };
  const start = performance.now();
  let runs = 0;
  while (runs < RUNS && (runs < LEAST_RUNS || performance.now() - start < QUICK_MS)) {
    const seed = FIRST_SEED + runs;
    runs += 1;
    try {
      const { done, failed, cancelled, killed } = new Simulation(seed).run();
      counts.done += done;
      counts.failed += failed;
      counts.cancelled += cancelled;
      counts.killed += killed;
    } catch (error) {
      throw new Error(`LUCIOLE_TEST_SEED=${seed} LUCIOLE_TEST_RUNS=1: ${error}`, { cause: error });
    }
  }
  if (runs < LEAST_RUNS) return;
  expect(counts.done).toBeGreaterThan(runs / 2);
  expect(counts.failed).toBeGreaterThan(runs / 50);
  expect(counts.cancelled).toBeGreaterThan(runs / 100);
  expect(counts.killed).toBeGreaterThan(runs / 200);
});

test("F10: one seed is one run", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const first = new Simulation(seed).run();
    expect(new Simulation(seed).run()).toEqual(first);
  }
});

test.each(REGRESSIONS)("F10: seed $seed, of a run in which $was", ({ seed }) => {
  new Simulation(seed).run();
});
