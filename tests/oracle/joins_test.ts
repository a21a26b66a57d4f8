/** G1 and G3: joins of every kind and strategy, on every kind of key, against nested loops. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Row } from "../../core/graph/row_types.ts";
import { anyKind, datasetOf, KEYS, type Parts, pairParts } from "./data.ts";
import { Grid, SEED } from "./grid.ts";
import { cogroups, groups, pairs } from "./plain.ts";

let grid: Grid;
beforeAll(async () => {
  grid = await Grid.open();
});
afterAll(() => grid[Symbol.asyncDispose]());

type Sides = readonly [left: Parts<[Row, number]>, right: Parts<[Row, string]>];

/** Two sides with keys of one kind, in different numbers of shards. */
function sides(shards: number, key: fc.Arbitrary<Row>): fc.Arbitrary<Sides> {
  const right = pairParts(3, key).map((parts) =>
    parts.map((rows) => rows.map(([own, n]): [Row, string] => [own, `r${n}`])),
  );
  return fc.tuple(pairParts(shards, key), right);
}

/** The rows of a join; a side without partners counts as one absent value where that side may be absent. */
function joined([left, right]: Sides, how: { readonly left: boolean; readonly right: boolean }) {
  const absent = (values: readonly unknown[], may: boolean) =>
    values.length === 0 && may ? [undefined] : values;
  return cogroups(left.flat(), right.flat()).flatMap(([key, [lefts, rights]]) =>
    absent(lefts, how.right).flatMap((a) =>
      absent(rights, how.left).map((b): [Row, unknown] => [key, [a, b]]),
    ),
  );
}

const HOW = {
  join: { left: false, right: false },
  leftJoin: { left: true, right: false },
  rightJoin: { left: false, right: true },
  fullJoin: { left: true, right: true },
} as const;

function describeJoins(strategy: "hash" | "sort-merge" | "broadcast" | undefined) {
  const options = strategy === undefined ? undefined : { strategy };
  const how = Object.entries(HOW).filter(([name]) => name !== "fullJoin" || strategy !== "broadcast");
  return async (cluster: Parameters<Parameters<Grid["holds"]>[1]>[0]["cluster"], data: Sides) => {
    const results = await cluster.collectAll((f) => {
      const left = datasetOf(f, data[0]);
      const right = datasetOf(f, data[1]);
      return Object.fromEntries(how.map(([name]) => [name, left[name as keyof typeof HOW](right, options)]));
    });
    for (const [name, expected] of how) {
      const rows = results[name] as [unknown, unknown][];
      expect({ name, rows: pairs(rows) }).toEqual({ name, rows: pairs(joined(data, expected)) });
    }
  };
}

describe.each(["hash", "sort-merge", "broadcast", undefined] as const)(
  `G1 joins with strategy %s, seed ${SEED}`,
  (strategy) => {
    const check = describeJoins(strategy);

    test("join(), leftJoin(), rightJoin() and fullJoin() equal nested loops", () =>
      grid.holds(
        (shards) => anyKind.chain((key) => sides(shards, key)),
        ({ cluster, data }) => check(cluster, data),
        { every: 3 },
      ));
  },
);

describe.each(Object.entries(KEYS))(`G3 joins on %s, seed ${SEED}`, (_, key) => {
  test.each(["hash", "sort-merge", "broadcast"] as const)("%s joins pair equal keys only", (strategy) =>
    grid.holds(
      (shards) => sides(shards, key),
      ({ cluster, data }) => describeJoins(strategy)(cluster, data),
      { every: 13 },
    ),
  );
});

describe(`G1 cogroup, seed ${SEED}`, () => {
  test("cogroup() has each key of either side once, with all values of both", () =>
    grid.holds(
      (shards) => anyKind.chain((key) => sides(shards, key)),
      async ({ cluster, data }) => {
        const rows = await cluster.collect((f) =>
          datasetOf(f, data[0])
            .cogroup(datasetOf(f, data[1]))
            .mapValues(([a, b]) => [a.sort((x, y) => x - y), b.sort()]),
        );
        const expected = cogroups(data[0].flat(), data[1].flat()).map(
          ([key, [a, b]]) => [key, [a.sort((x, y) => x - y), b.sort()]] as const,
        );
        expect(pairs(rows)).toEqual(pairs(expected));
      },
    ));

  test("sums and groups that lie as what they are joined with equal nested loops", () =>
    grid.holds(
      (shards) =>
        fc.tuple(
          anyKind.chain((key) => sides(shards, key)),
          fc.constantFrom(2, 5, 8, 40),
        ),
      async ({ cluster, data: [data, target] }) => {
        const { after, before, several } = await cluster.collectAll((f) => {
          const right = datasetOf(f, data[1]).partitionByKey(target);
          // Thought to be large, so that the sums are dealt out to more than one task.
          const rows = datasetOf(f, data[0]).hint({ bytes: 2 ** 27 });
          const sums = () => rows.reduceByKey((a, b) => a + b).filter(() => true);
          return {
            after: right.leftJoin(sums()),
            before: sums().fullJoin(right, { strategy: "hash" }),
            several: rows
              .groupByKey()
              .mapValues((values) => values.length)
              .cogroup(right),
          };
        });
        const totals = groups(data[0].flat()).map(([key, all]): [Row, number] => [
          key,
          all.reduce((a, b) => a + b),
        ]);
        const counts = groups(data[0].flat()).map(([key, all]): [Row, number] => [key, all.length]);
        const sums: Sides = [[totals], data[1]];
        expect(pairs(before)).toEqual(pairs(joined(sums, HOW.fullJoin)));
        const turned = joined(sums, HOW.rightJoin).map(([key, sides]): [Row, unknown] => {
          const [sum, own] = sides as [number | undefined, string];
          return [key, [own, sum]];
        });
        expect(pairs(after)).toEqual(pairs(turned));
        const sorted = several.map(([key, [a, b]]): [Row, unknown] => [key, [a, [...b].sort()]]);
        const expected = cogroups(counts, data[1].flat()).map(([key, [a, b]]): [Row, unknown] => [
          key,
          [a, b.sort()],
        ]);
        expect(pairs(sorted)).toEqual(pairs(expected));
      },
      { every: 3 },
    ));

  test("a join of what is partitioned alike already, and of a dataset with itself, loses nothing", () =>
    grid.holds(
      (shards) => anyKind.chain((key) => sides(shards, key)),
      async ({ cluster, data }) => {
        const { placed, self } = await cluster.collectAll((f) => {
          const left = datasetOf(f, data[0]);
          const sums = left.reduceByKey((a, b) => a + b);
          return {
            placed: left.partitionByKey(4).join(datasetOf(f, data[1]).partitionByKey(4)),
            self: sums.join(sums),
          };
        });
        expect(pairs(placed)).toEqual(pairs(joined(data, HOW.join)));
        const sums = cogroups(data[0].flat(), []).map(
          ([key, [values]]) => [key, values.reduce((a, b) => a + b)] as const,
        );
        expect(pairs(self)).toEqual(pairs(sums.map(([key, sum]) => [key, [sum, sum]])));
      },
      { every: 3 },
    ));
});
