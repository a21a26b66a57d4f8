/** G1: the operations on one row at a time, and on one shard, against plain arrays. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { FlowBuilder } from "../../core/graph/builder.ts";
import { anyRows, datasetOf, KEYS, pairParts, partsOf, value } from "./data.ts";
import { Grid, HALF, SEED } from "./grid.ts";
import { exactText } from "./plain.ts";

let grid: Grid;
beforeAll(async () => {
  grid = await Grid.open();
});
afterAll(() => grid[Symbol.asyncDispose]());

/** The very same rows in the same order. */
function expectRows(actual: readonly unknown[], expected: readonly unknown[]): void {
  expect(actual.map(exactText)).toEqual(expected.map(exactText));
}

const TEXTS = KEYS["strings, empty and non-ASCII"] as fc.Arbitrary<string>;
const numbers = (shards: number) => partsOf(value, shards);

describe(`G1 rows, seed ${SEED}`, () => {
  test("generate() gives rows of any kind back as they are, and cache(), onDisk(), inMemory(), checkpoint(), name() and hint() leave them so", () =>
    grid.holds(anyRows, async ({ cluster, data }) => {
      const { plain, marked } = await cluster.collectAll((f) => {
        const rows = datasetOf(f, data);
        return {
          plain: rows,
          marked: rows
            .cache()
            .onDisk()
            .map((row) => row)
            .inMemory()
            .checkpoint()
            .name("marked")
            .hint({ rows: 10, bytes: 100, latency: "short" }),
        };
      });
      expectRows(plain, data.flat());
      expectRows(marked, data.flat());
    }));

  test("values() and range() deal rows in order, over more shards than rows too", () =>
    grid.holds(
      () => fc.tuple(fc.array(value, { maxLength: 40 }), fc.integer({ min: -20, max: 20 }), fc.nat(30)),
      async ({ cluster, shards, data: [list, from, count] }) => {
        const { values, range, natural } = await cluster.collectAll((f) => ({
          values: f.values(list, { shards }),
          range: f.range(from, from + count, { shards }),
          natural: f.range(count, { shards }),
        }));
        expectRows(values, list);
        expectRows(
          range,
          Array.from({ length: count }, (_, i) => from + i),
        );
        expectRows(
          natural,
          Array.from({ length: count }, (_, i) => i),
        );
      },
    ));

  test("map(), filter() and flatMap() keep the order", () =>
    grid.holds(numbers, async ({ cluster, data }) => {
      const { mapped, filtered, flat } = await cluster.collectAll((f) => {
        const rows = datasetOf(f, data);
        return {
          mapped: rows.map((n) => ({ n, half: n / 2, text: `${n}` })),
          filtered: rows.filter((n) => n % 3 === 0),
          flat: rows.flatMap((n) => Array.from({ length: Math.abs(n) % 4 }, (_, i) => [n, i])),
        };
      });
      const rows = data.flat();
      expectRows(
        mapped,
        rows.map((n) => ({ n, half: n / 2, text: `${n}` })),
      );
      expectRows(
        filtered,
        rows.filter((n) => n % 3 === 0),
      );
      expectRows(
        flat,
        rows.flatMap((n) => Array.from({ length: Math.abs(n) % 4 }, (_, i) => [n, i])),
      );
    }));

  test("keyBy(), mapValues(), keys() and values() work on pairs", () =>
    grid.holds(pairParts, async ({ cluster, data }) => {
      const { keyed, mapped, keys, values, ...fields } = await cluster.collectAll((f) => {
        const rows = datasetOf(f, data);
        return {
          keyed: rows.values().keyBy((n) => n % 5),
          byField: rows
            .map(([k, n]) => ({ k, n, more: [n, k] as [number, typeof k] }))
            .checkpoint()
            .keyBy("n")
            .mapValues("more")
            .mapValues(1),
          byPlace: rows.keyBy(1).mapValues(0),
          missing: rows
            .map(([k, n]): { n?: number; k?: typeof k } => (n % 2 === 0 ? { n } : { k }))
            .keyBy("n")
            .mapValues("k"),
          mapped: rows.mapValues((n) => `<${n}>`),
          keys: rows.keys(),
          values: rows.mapValues((n) => n * 2).values(),
        };
      });
      const rows = data.flat();
      expectRows(
        keyed,
        rows.map(([, n]) => [n % 5, n]),
      );
      const swapped = rows.map(([key, n]) => [n, key]);
      expectRows(fields.byField, swapped);
      expectRows(fields.byPlace, swapped);
      expectRows(
        fields.missing,
        rows.map(([key, n]) => (n % 2 === 0 ? [n, undefined] : [undefined, key])),
      );
      expectRows(
        mapped,
        rows.map(([key, n]) => [key, `<${n}>`]),
      );
      expectRows(
        keys,
        rows.map(([key]) => key),
      );
      expectRows(
        values,
        rows.map(([, n]) => n * 2),
      );
    }));

  test("mapShards() sees each shard once, empty ones too, with its number", () =>
    grid.holds(numbers, async ({ cluster, shards, data }) => {
      const sums = await cluster.collect((f) =>
        datasetOf(f, data)
          .map((n) => n + 1)
          .mapShards(async function* (rows, ctx) {
            let sum = 0;
            for await (const row of rows) {
              sum += row;
              if (row === 7) yield ["seven", ctx.shard, ctx.shards];
            }
            yield [sum, ctx.shard, ctx.shards];
          }),
      );
      const expected = data.flatMap((rows, shard) => [
        ...rows.filter((n) => n === 6).map(() => ["seven", shard, shards]),
        [rows.reduce((sum, n) => sum + n + 1, 0), shard, shards],
      ]);
      expectRows(sums, expected);
    }));

  test("tap() sees each row once and changes nothing", () =>
    grid.holds(numbers, async ({ cluster, data }) => {
      const seen: number[] = [];
      const rows = await cluster.collect((f) => datasetOf(f, data).tap((n) => seen.push(n)));
      expectRows(rows, data.flat());
      expect(seen.sort((a, b) => a - b)).toEqual(data.flat().sort((a, b) => a - b));
    }));

  test("sample() keeps a part, the same each time, and all or none at the ends", () =>
    grid.holds(
      numbers,
      async ({ cluster, data }) => {
        const build = (f: FlowBuilder) => {
          const rows = datasetOf(f, data).zipWithIndex();
          return { some: rows.sample(0.5, 3), all: rows.sample(1), none: rows.sample(0) };
        };
        const { some, all, none } = await cluster.collectAll(build);
        const indices = some.map(([, index]) => index);
        expect(indices).toEqual([...new Set(indices)].sort((a, b) => a - b));
        expectRows(
          some,
          indices.map((index) => [data.flat()[index], index]),
        );
        expectRows(
          all,
          [...data.flat().entries()].map(([index, row]) => [row, index]),
        );
        expectRows(none, []);
        expectRows((await cluster.collectAll(build)).some, some);
      },
      HALF,
    ));

  test("words() splits by white space, and zipWithIndex() counts in shard order", () =>
    grid.holds(
      (shards) =>
        partsOf(
          fc.array(TEXTS, { maxLength: 4 }).map((words) => words.join(" \t")),
          shards,
        ),
      async ({ cluster, data }) => {
        const { words, numbered } = await cluster.collectAll((f) => ({
          words: datasetOf(f, data).words(),
          numbered: datasetOf(f, data).zipWithIndex(),
        }));
        expectRows(
          words,
          data.flat().flatMap((line) => line.split(/\s+/).filter((word) => word !== "")),
        );
        expectRows(
          numbered,
          [...data.flat().entries()].map(([index, line]) => [line, index]),
        );
      },
    ));

  test("broadcast() gives every task all rows of the side", () =>
    grid.holds(
      (shards) => fc.tuple(numbers(shards), numbers(3)),
      async ({ cluster, data: [left, right] }) => {
        const { mapped, filtered, flat, shards } = await cluster.collectAll((f) => {
          const rows = datasetOf(f, left);
          const side = {
            with: datasetOf(f, right)
              .map((n) => n + 1)
              .broadcast(),
          };
          return {
            mapped: rows.map((n, ctx) => [n, ctx.side.length, ctx.side.reduce((a, b) => a + b, 0)], side),
            filtered: rows.filter((n, ctx) => ctx.side.includes(n), side),
            flat: rows.flatMap((n, ctx) => ctx.side.slice(0, 2).map((other) => n * other), side),
            shards: rows.mapShards(async function* (_, ctx) {
              yield ctx.side.length;
            }, side),
          };
        });
        const rows = left.flat();
        const all = right.flat().map((n) => n + 1);
        const sum = all.reduce((a, b) => a + b, 0);
        expectRows(
          mapped,
          rows.map((n) => [n, all.length, sum]),
        );
        expectRows(
          filtered,
          rows.filter((n) => all.includes(n)),
        );
        expectRows(
          flat,
          rows.flatMap((n) => all.slice(0, 2).map((other) => n * other)),
        );
        expectRows(
          shards,
          left.map(() => all.length),
        );
      },
      HALF,
    ));

  test("pipe() sends each shard through a command of its own", () =>
    grid.holds(
      (shards) => partsOf(fc.constantFrom("a", "é b", "", "x'y", "-n"), shards, 20),
      async ({ cluster, data }) => {
        const { upper, counted } = await cluster.collectAll((f) => ({
          upper: datasetOf(f, data).pipe("tr a-z A-Z"),
          counted: datasetOf(f, data).pipe(["wc", "-l"]),
        }));
        expectRows(
          upper,
          data.flat().map((line) => line.replace(/[a-z]/g, (letter) => letter.toUpperCase())),
        );
        expectRows(
          counted.map((count) => count.trim()),
          data.map((rows) => `${rows.length}`),
        );
      },
      { every: 5 },
    ));
});
