/** G1: the operations that make one row of a whole dataset, against plain arrays. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { anyRows, datasetOf, partsOf, value } from "./data.ts";
import { Grid, HALF, SEED } from "./grid.ts";
import { groups, keyText, multiset, pairs, sorted } from "./plain.ts";

let grid: Grid;
beforeAll(async () => {
  grid = await Grid.open();
});
afterAll(() => grid[Symbol.asyncDispose]());

const numbers = (shards: number) => partsOf(value, shards);

describe(`G1 whole datasets, seed ${SEED}`, () => {
  test("count(), distinct(), countByValue(), min() and max() take rows of any kind", () =>
    grid.holds(
      anyRows,
      async ({ cluster, data }) => {
        const results = await cluster.collectAll((f) => {
          const rows = datasetOf(f, data);
          return {
            count: rows.count(),
            distinct: rows.distinct(),
            counts: rows.countByValue(),
            least: rows.min(),
            most: rows.max(),
          };
        });
        const rows = data.flat();
        const ordered = sorted(rows, (row) => row);
        const different = groups(rows.map((row) => [row, 1] as const));
        expect(results.count).toEqual([rows.length]);
        expect(multiset(results.distinct, keyText)).toEqual(
          multiset(
            different.map(([row]) => row),
            keyText,
          ),
        );
        expect(pairs(results.counts)).toEqual(pairs(different.map(([row, ones]) => [row, ones.length])));
        expect(results.least.map(keyText)).toEqual(ordered.slice(0, 1).map(keyText));
        expect(results.most.map(keyText)).toEqual(ordered.slice(-1).map(keyText));
      },
      HALF,
    ));

  test("sum(), mean() and stats() equal the formulas; an empty dataset has the sum 0 and no mean", () =>
    grid.holds(
      numbers,
      async ({ cluster, data }) => {
        const { sum, mean, stats, nothing, none } = await cluster.collectAll((f) => {
          const rows = datasetOf(f, data);
          const empty = rows.filter(() => false);
          return {
            sum: rows.sum(),
            mean: rows.mean(),
            stats: rows.stats(),
            nothing: empty.sum(),
            none: empty.mean().union(
              empty.min(),
              empty.max(),
              empty.reduce((a, b) => a + b),
            ),
          };
        });
        const rows = data.flat();
        const total = rows.reduce((a, b) => a + b, 0);
        expect({ sum, nothing, none }).toEqual({ sum: [total], nothing: [0], none: [] });
        if (rows.length === 0) {
          expect(mean).toEqual([]);
          expect(stats[0]?.count ?? 0).toBe(0);
          return;
        }
        const average = total / rows.length;
        const variance = rows.reduce((all, n) => all + (n - average) ** 2, 0) / rows.length;
        expect(mean[0]).toBeCloseTo(average, 9);
        expect(stats.length).toBe(1);
        expect(stats[0]).toMatchObject({
          count: rows.length,
          sum: total,
          min: Math.min(...rows),
          max: Math.max(...rows),
        });
        expect(stats[0].mean).toBeCloseTo(average, 9);
        expect(stats[0].variance).toBeCloseTo(variance, 6);
        expect(stats[0].stddev).toBeCloseTo(Math.sqrt(variance), 6);
      },
      HALF,
    ));

  test("reduce() and aggregate() join everything once", () =>
    grid.holds(
      numbers,
      async ({ cluster, data }) => {
        const { reduced, aggregated, numbered } = await cluster.collectAll((f) => {
          const rows = datasetOf(f, data);
          return {
            reduced: rows
              .map((n) => [n, n, 1])
              .reduce(([a, b, c], [x, y, z]) => [Math.min(a, x), Math.max(b, y), c + z]),
            aggregated: rows.aggregate({
              zero: (): number[] => [],
              add: (all, n) => [...all, n],
              merge: (a, b) => [...a, ...b],
            }),
            numbered: rows.map((n) => `${n}`).zipWithIndex(),
          };
        });
        const rows = data.flat();
        const expected: [number, number, number][] =
          rows.length === 0 ? [] : [[Math.min(...rows), Math.max(...rows), rows.length]];
        expect(reduced).toEqual(expected);
        expect(aggregated.map((all) => multiset(all))).toEqual([multiset(rows)]);
        expect(numbered).toEqual(rows.map((n, index): [string, number] => [`${n}`, index]));
      },
      HALF,
    ));
});
