/** G1: the operations that move rows between shards, against plain arrays; rows also carry where they ended. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Dataset } from "../../core/graph/dataset.ts";
import type { Row } from "../../core/graph/row_types.ts";
import { anyRows, datasetOf, type Parts, pairParts, partsOf, value } from "./data.ts";
import { Grid, HALF, SEED } from "./grid.ts";
import { exactText, groups, keyText, multiset, pairs } from "./plain.ts";

let grid: Grid;
beforeAll(async () => {
  grid = await Grid.open();
});
afterAll(() => grid[Symbol.asyncDispose]());

/** Puts the number of the shard, and of all shards, before each row; `end` marks every shard's end. */
function placed<T extends Row>(rows: Dataset<T>): Dataset<[number, T | "end"]> {
  return rows.mapShards(async function* (own, ctx): AsyncGenerator<[number, T | "end"]> {
    for await (const row of own) yield [ctx.shard, row];
    yield [ctx.shard, "end"];
  });
}

/** The rows of each shard, in the order of the shards. */
function shardsOf<T>(rows: readonly (readonly [number, T | "end"])[]): T[][] {
  const parts: T[][] = [];
  for (const [shard, row] of rows) {
    parts[shard] ??= [];
    if (row !== "end") parts[shard].push(row);
  }
  return parts;
}

const someShards = fc.constantFrom(1, 2, 3, 5, 21);
const rowsAndTarget = (shards: number) => fc.tuple(anyRows(shards), someShards);
const sizes = (parts: Parts<unknown>) => parts.map((rows) => rows.length);

describe(`G1 placement, seed ${SEED}`, () => {
  test("repartition() and roundRobin() deal all rows evenly", () =>
    grid.holds(
      rowsAndTarget,
      async ({ cluster, shards, data: [data, target] }) => {
        const { dealt, turned } = await cluster.collectAll((f) => ({
          dealt: placed(datasetOf(f, data).repartition(target)),
          turned: placed(datasetOf(f, data).roundRobin(target)),
        }));
        for (const parts of [shardsOf(dealt), shardsOf(turned)]) {
          expect(parts.length).toBe(target);
          expect(multiset(parts.flat())).toEqual(multiset(data.flat()));
          // Each of the input's shards deals on its own, so each may be uneven by one.
          expect(Math.max(...sizes(parts)) - Math.min(...sizes(parts))).toBeLessThanOrEqual(shards);
        }
      },
      HALF,
    ));

  test("partitionBy() puts each row where the closure says", () =>
    grid.holds(
      (shards) => fc.tuple(partsOf(value, shards), someShards),
      async ({ cluster, data: [data, target] }) => {
        const shardOf = (n: number) => Math.abs(n) % target;
        const rows = await cluster.collect((f) => placed(datasetOf(f, data).partitionBy(shardOf, target)));
        const expected = Array.from({ length: target }, (_, shard) =>
          data.flat().filter((n) => shardOf(n) === shard),
        );
        expect(shardsOf(rows)).toEqual(expected);
      },
    ));

  test("partitionByKey() brings equal keys together, and a keyed operation after it needs no exchange", () =>
    grid.holds(
      (shards) => fc.tuple(pairParts(shards), someShards),
      async ({ cluster, data: [data, target] }) => {
        const { rows, sums } = await cluster.collectAll((f) => {
          const together = datasetOf(f, data).partitionByKey(target);
          return { rows: placed(together), sums: together.reduceByKey((a, b) => a + b) };
        });
        const parts = shardsOf(rows);
        expect(parts.length).toBe(target);
        expect(pairs(parts.flat())).toEqual(pairs(data.flat()));
        const homes = groups(parts.flatMap((own, shard) => own.map(([key]) => [key, shard] as const)));
        for (const [key, shards] of homes) {
          expect({ key: keyText(key), shards: new Set(shards).size }).toEqual({
            key: keyText(key),
            shards: 1,
          });
        }
        const expected = groups(data.flat()).map(([key, all]) => [key, all.reduce((a, b) => a + b)] as const);
        expect(pairs(sums)).toEqual(pairs(expected));
      },
      HALF,
    ));

  test("coalesce() joins neighbours and keeps the order", () =>
    grid.holds(rowsAndTarget, async ({ cluster, shards, data: [data, target] }) => {
      const rows = await cluster.collect((f) => placed(datasetOf(f, data).coalesce(target)));
      const parts = shardsOf(rows);
      expect(parts.length).toBe(Math.min(shards, target));
      expect(parts.flat().map(exactText)).toEqual(data.flat().map(exactText));
    }));

  test("union() puts datasets one after the other, one of them twice", () =>
    grid.holds(
      (shards) => fc.tuple(partsOf(value, shards), partsOf(value, 3), partsOf(value, 1)),
      async ({ cluster, data: [first, second, third] }) => {
        const rows = await cluster.collect((f) => {
          const again = datasetOf(f, second);
          return datasetOf(f, first)
            .map((n) => n * 2)
            .union(again, datasetOf(f, third), again)
            .map((n) => n + 1);
        });
        const lists = [first.flat().map((n) => n * 2), second.flat(), third.flat(), second.flat()];
        expect(rows).toEqual(lists.flat().map((n) => n + 1));
      },
    ));

  test("localReduceByKey() and localGroupByKey() stay within the shard", () =>
    grid.holds(
      pairParts,
      async ({ cluster, data }) => {
        const { reduced, grouped } = await cluster.collectAll((f) => {
          const rows = datasetOf(f, data);
          return {
            reduced: placed(rows.localReduceByKey((a, b) => a + b)),
            grouped: placed(rows.localGroupByKey()),
          };
        });
        const expected = data.map((rows) => groups(rows));
        expect(shardsOf(reduced).map(pairs)).toEqual(
          expected.map((all) => pairs(all.map(([key, own]) => [key, own.reduce((a, b) => a + b)]))),
        );
        expect(shardsOf(grouped).map(pairs)).toEqual(expected.map(pairs));
      },
      HALF,
    ));
});
