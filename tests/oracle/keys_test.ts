/** G1 and G3: the operations by key, on every kind of key, against grouping in a Map. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { datasetOf, KEYS, type Parts, pairParts } from "./data.ts";
import { Grid, HALF, SEED } from "./grid.ts";
import { compare, groups, keyText, multiset, pairs } from "./plain.ts";

let grid: Grid;
beforeAll(async () => {
  grid = await Grid.open();
});
afterAll(() => grid[Symbol.asyncDispose]());

const byValue = (a: number, b: number) => a - b;

function expectPairs<V>(
  actual: readonly (readonly [unknown, V])[],
  parts: Parts<[unknown, number]>,
  ofGroup: (values: number[]) => V,
): void {
  expect(pairs(actual)).toEqual(pairs(groups(parts.flat()).map(([key, values]) => [key, ofGroup(values)])));
}

/** NaN comes after every number, in the order of values. */
const orNaN = (n: number): number => (n % 3 === 0 ? Number.NaN : n);
const nanLast = (values: number[]): number[] =>
  values.sort((a, b) => Number(Number.isNaN(a)) - Number(Number.isNaN(b)) || a - b);

describe.each(Object.entries(KEYS))(`G3 %s, seed ${SEED}`, (_, key) => {
  test("the aggregations by key and groupByKey() equal the groups", () =>
    grid.holds(
      (shards) => pairParts(shards, key),
      async ({ cluster, data }) => {
        const { reduced, aggregated, counted, grouped, ...known } = await cluster.collectAll((f) => {
          const rows = datasetOf(f, data);
          return {
            reduced: rows.reduceByKey((a, b) => a + b),
            aggregated: rows.aggregateByKey({
              zero: () => ({ least: Number.POSITIVE_INFINITY, count: 0 }),
              add: (all, n) => ({ least: Math.min(all.least, n), count: all.count + 1 }),
              merge: (a, b) => ({ least: Math.min(a.least, b.least), count: a.count + b.count }),
            }),
            counted: rows.countByKey(),
            summed: rows.sumByKey(),
            least: rows.minByKey(),
            most: rows.maxByKey(),
            lastTexts: rows.mapValues((n) => `${n}`).maxByKey(),
            oddLeast: rows.mapValues(orNaN).minByKey(),
            oddMost: rows.mapValues(orNaN).maxByKey(),
            grouped: rows.groupByKey().mapValues((values) => values.sort(byValue)),
          };
        });
        expectPairs(reduced, data, (values) => values.reduce((a, b) => a + b));
        expectPairs(aggregated, data, (values) => ({ least: Math.min(...values), count: values.length }));
        expectPairs(counted, data, (values) => values.length);
        expectPairs(known.summed, data, (values) => values.reduce((a, b) => a + b));
        expectPairs(known.least, data, (values) => Math.min(...values));
        expectPairs(known.most, data, (values) => Math.max(...values));
        expectPairs(known.lastTexts, data, (values) => values.map(String).sort().at(-1));
        expectPairs(known.oddLeast, data, (values) => nanLast(values.map(orNaN))[0]);
        expectPairs(known.oddMost, data, (values) => nanLast(values.map(orNaN)).at(-1));
        expectPairs(grouped, data, (values) => values.sort(byValue));
      },
      { every: 5 },
    ));

  test("distinct(), countByValue() and sortByKey() equal the keys", () =>
    grid.holds(
      (shards) => pairParts(shards, key),
      async ({ cluster, data }) => {
        const { distinct, counted, sorted } = await cluster.collectAll((f) => {
          const rows = datasetOf(f, data);
          return {
            distinct: rows.keys().distinct(),
            counted: rows.keys().countByValue(),
            sorted: rows.sortByKey(),
          };
        });
        const keys = groups(data.flat().map(([own]) => [own, 1] as const));
        expect(multiset(distinct, keyText)).toEqual(
          multiset(
            keys.map(([own]) => own),
            keyText,
          ),
        );
        expect(pairs(counted)).toEqual(pairs(keys.map(([own, ones]) => [own, ones.length])));
        const expected = data.flat().sort(([a], [b]) => compare(a, b));
        expect(sorted.map((row) => keyText(row))).toEqual(expected.map((row) => keyText(row)));
      },
      { every: 5 },
    ));
});

describe(`G1 by key, seed ${SEED}`, () => {
  test("operations by key follow each other, with closures in between", () =>
    grid.holds(
      pairParts,
      async ({ cluster, data }) => {
        const { twice, named } = await cluster.collectAll((f) => {
          const sums = datasetOf(f, data)
            .map(([key, n]) => [key, n % 7])
            .reduceByKey((a, b) => a + b);
          return {
            twice: sums.map(([, sum]) => [sum, 1]).reduceByKey((a, b) => a + b),
            named: sums.mapValues((sum) => `${sum}`).groupByKey(),
          };
        });
        const sums = groups(data.flat()).map(
          ([key, values]) => [key, values.reduce((sum, n) => sum + (n % 7), 0)] as const,
        );
        expect(pairs(twice)).toEqual(
          pairs(groups(sums.map(([, sum]) => [sum, 1])).map(([sum, ones]) => [sum, ones.length])),
        );
        expect(pairs(named)).toEqual(pairs(sums.map(([key, sum]) => [key, [`${sum}`]])));
      },
      HALF,
    ));
});
