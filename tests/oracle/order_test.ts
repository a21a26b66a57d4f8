/** G1: sorting, and the first rows of what is sorted, against a stable plain sort. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Row } from "../../core/graph/row_types.ts";
import { anyRows, datasetOf, pairParts, partsOf, value } from "./data.ts";
import { Grid, HALF, SEED } from "./grid.ts";
import { compare, exactText, keyText, multiset, sorted } from "./plain.ts";

let grid: Grid;
beforeAll(async () => {
  grid = await Grid.open();
});
afterAll(() => grid[Symbol.asyncDispose]());

const texts = (rows: readonly unknown[]) => rows.map(exactText);
/** Rows of one key differ only in what does not count for keys. */
const keys = (rows: readonly unknown[]) => rows.map(keyText);
const options = fc.record({ descending: fc.boolean(), shards: fc.constantFrom(undefined, 1, 3, 21) });

describe(`G1 order, seed ${SEED}`, () => {
  test("sortBy() and sortByKey() are stable, ascending and descending, over any number of shards", () =>
    grid.holds(
      (shards) => fc.tuple(pairParts(shards), options),
      async ({ cluster, data: [data, how] }) => {
        const { byKey, byClosure, byField, byPlace } = await cluster.collectAll((f) => {
          const rows = datasetOf(f, data);
          return {
            byKey: rows.sortByKey(how),
            byClosure: rows.sortBy(([key, n]) => [n % 3, key], how),
            byField: rows.map(([key, n]) => ({ n: n % 10, key })).sortBy("n", how),
            byPlace: rows.sortBy(1, how),
          };
        });
        const rows = data.flat();
        const { descending } = how;
        expect(texts(byKey)).toEqual(texts(sorted(rows, ([key]) => key, descending)));
        expect(texts(byClosure)).toEqual(texts(sorted(rows, ([key, n]) => [n % 3, key], descending)));
        expect(texts(byPlace)).toEqual(texts(sorted(rows, ([, n]) => n, descending)));
        const fields = rows.map(([key, n]) => ({ n: n % 10, key }));
        expect(texts(byField)).toEqual(texts(sorted(fields, (row) => row.n, descending)));
      },
      HALF,
    ));

  test("sort() takes the order of values or a compare function", () =>
    grid.holds(
      (shards) => fc.tuple(anyRows(shards), options),
      async ({ cluster, data: [data, how] }) => {
        const { byValue, byFunction } = await cluster.collectAll((f) => {
          const rows = datasetOf(f, data);
          return {
            byValue: rows.sort(undefined, how),
            byFunction: rows.zipWithIndex().sort(([, i], [, j]) => (i % 4) - (j % 4), how),
          };
        });
        const rows = data.flat();
        expect(keys(byValue)).toEqual(keys(sorted(rows, (row) => row, how.descending)));
        const numbered = rows.map((row, index): [Row, number] => [row, index]);
        expect(texts(byFunction)).toEqual(texts(sorted(numbered, ([, index]) => index % 4, how.descending)));
      },
      HALF,
    ));

  test("localSort() sorts each shard, and mergeSorted() merges sorted shards", () =>
    grid.holds(
      (shards) => fc.tuple(pairParts(shards), fc.boolean()),
      async ({ cluster, data: [data, descending] }) => {
        const { local, merged } = await cluster.collectAll((f) => {
          const rows = datasetOf(f, data);
          const compareRows = (a: [Row, number], b: [Row, number]) => a[1] - b[1];
          return {
            local: rows.localSort(compareRows, { descending }).mapShards(async function* (own) {
              const list: unknown[] = [];
              for await (const row of own) list.push(row);
              yield list;
            }),
            merged: rows.localSort(compareRows, { descending }).mergeSorted(compareRows, { descending }),
          };
        });
        expect(texts(local)).toEqual(texts(data.map((rows) => sorted(rows, ([, n]) => n, descending))));
        expect(texts(merged)).toEqual(texts(sorted(data.flat(), ([, n]) => n, descending)));
      },
      HALF,
    ));

  test("top() gives the largest or the smallest in order", () =>
    grid.holds(
      (shards) => fc.tuple(anyRows(shards), partsOf(value, shards), fc.constantFrom(0, 1, 5, 1000)),
      async ({ cluster, data: [data, numbers, n] }) => {
        const { largest, smallest, byKey } = await cluster.collectAll((f) => ({
          largest: datasetOf(f, data).top(n),
          smallest: datasetOf(f, data).top(n, undefined, { ascending: true }),
          byKey: datasetOf(f, numbers).top(n, (row) => Math.abs(row)),
        }));
        const rows = data.flat();
        expect(keys(largest)).toEqual(keys(sorted(rows, (row) => row, true)).slice(0, n));
        expect(keys(smallest)).toEqual(keys(sorted(rows, (row) => row)).slice(0, n));
        const distances = numbers.flat().map((row) => Math.abs(row));
        expect(byKey.map((row) => Math.abs(row))).toEqual(sorted(distances, (row) => row, true).slice(0, n));
      },
      HALF,
    ));

  test("limit() and first() after a sort give its first rows; without one, rows of the dataset", () =>
    grid.holds(
      (shards) => fc.tuple(partsOf(value, shards), fc.constantFrom(0, 1, 7, 1000)),
      async ({ cluster, data: [data, n] }) => {
        const { some, first, any, numbered } = await cluster.collectAll((f) => {
          const rows = datasetOf(f, data);
          return {
            some: rows.sort().limit(n),
            first: rows.sort(undefined, { descending: true }).first(),
            any: rows.limit(n),
            numbered: rows.sort().zipWithIndex(),
          };
        });
        const rows = data.flat().sort(compare);
        expect(some).toEqual(rows.slice(0, n));
        expect(first).toEqual(rows.slice(-1));
        expect(any.length).toBe(Math.min(n, rows.length));
        expect(numbered).toEqual(rows.map((row, index) => [row, index]));
        const left = multiset(rows);
        for (const row of multiset(any)) expect(left.splice(left.indexOf(row), 1)).toEqual([row]);
      },
      HALF,
    ));
});
