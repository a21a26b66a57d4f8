/** Random programs of keyed and ordering steps, one after the other: what the planner leaves out changes no result. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Dataset } from "../../core/graph/dataset.ts";
import type { Row } from "../../core/graph/row_types.ts";
import { Cluster } from "./cluster.ts";
import { datasetOf, KEYS, partsOf, value } from "./data.ts";
import { cogroups, compare, groups, keyText, pairs } from "./plain.ts";

type Pair = [Row, number];

/** A dataset, and the rows that it should have; `order` when they should be sorted by key. */
interface Model {
  readonly data: Dataset<Pair>;
  readonly rows: readonly Pair[];
  readonly order?: 1 | -1;
}

/** A step; `n` chooses among its forms. */
type Step = (model: Model, n: number) => Model;

const total = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0);
const isKept = ([, n]: Pair) => n % 3 !== 0;
const strategyOf = (n: number) => (["auto", "hash", "sort-merge", "broadcast"] as const)[n % 4];

/** One row for each key. */
function perKey(rows: readonly Pair[], fold: (values: number[]) => number): Pair[] {
  return groups(rows).map(([key, values]) => [key, fold(values)]);
}

const STEPS: Readonly<Record<string, Step>> = {
  filter: ({ data, rows, order }) => ({ data: data.filter(isKept), rows: rows.filter(isKept), order }),
  mapValues: ({ data, rows, order }) => ({
    data: data.mapValues((n) => n + 1),
    rows: rows.map(([key, n]) => [key, n + 1]),
    order,
  }),
  map: ({ data, rows }) => ({
    data: data.map(([key, n]): Pair => [key, n * 2]),
    rows: rows.map(([key, n]) => [key, n * 2]),
  }),
  keyBy: ({ data, rows }) => ({
    data: data.values().keyBy((n): Row => n % 7),
    rows: rows.map(([, n]) => [n % 7, n]),
  }),
  partitionByKey: ({ data, rows }, n) => ({ data: data.partitionByKey(1 + (n % 4)), rows }),
  repartition: ({ data, rows }, n) => ({ data: data.repartition(1 + (n % 4)), rows }),
  coalesce: ({ data, rows, order }, n) => ({ data: data.coalesce(1 + (n % 3)), rows, order }),
  limit: ({ data, rows, order }) => ({ data: data.limit(100_000), rows, order }),
  cache: ({ data, rows, order }) => ({ data: data.cache(), rows, order }),
  sortByKey: ({ data, rows }, n) => ({ data: data.sortByKey({ shards: 1 + (n % 3) }), rows, order: 1 }),
  "sortByKey descending": ({ data, rows }) => ({
    data: data.sortByKey({ descending: true }),
    rows,
    order: -1,
  }),
  "sortBy 0": ({ data, rows }, n) => ({
    data: data.sortBy(0, { descending: n % 2 === 0 }),
    rows,
    order: n % 2 === 0 ? -1 : 1,
  }),
  reduceByKey: ({ data, rows }) => ({ data: data.reduceByKey((a, b) => a + b), rows: perKey(rows, total) }),
  countByKey: ({ data, rows }) => ({ data: data.countByKey(), rows: perKey(rows, ({ length }) => length) }),
  groupByKey: ({ data, rows }) => ({
    data: data.groupByKey().mapValues((values) => total(values) + values.length),
    rows: perKey(rows, (values) => total(values) + values.length),
  }),
  distinct: ({ data, rows }) => ({
    data: data.mapValues((n) => n & 1).distinct(),
    rows: groups(rows.map(([key, n]): [Pair, number] => [[key, n & 1], 0])).map(([pair]) => pair),
  }),
  countByValue: ({ data, rows }) => ({
    data: data.mapValues((n) => n & 1).countByValue() as Dataset<Pair>,
    rows: perKey(
      rows.map(([key, n]): Pair => [[key, n & 1], 0]),
      ({ length }) => length,
    ),
  }),
  "keys countByValue": ({ data, rows }) => ({
    data: data.keys().countByValue(),
    rows: perKey(rows, ({ length }) => length),
  }),
  zipWithIndex: ({ data, rows }) => ({
    data: (data.zipWithIndex() as Dataset<Pair>).mapValues(() => 1),
    rows: rows.map((row) => [row, 1]),
  }),
  union: ({ data, rows }) => ({
    data: data.union(data.mapValues((n) => n + 100)),
    rows: [...rows, ...rows.map(([key, n]): Pair => [key, n + 100])],
  }),
  join: ({ data, rows }, n) => {
    const sums = new Map(groups(rows).map(([key, values]) => [keyText(key), total(values)]));
    return {
      data: data
        .join(
          data.reduceByKey((a, b) => a + b),
          { strategy: strategyOf(n) },
        )
        .mapValues(([a, b]) => a * 3 + b),
      rows: rows.map(([key, a]) => [key, a * 3 + (sums.get(keyText(key)) ?? 0)]),
    };
  },
  leftJoin: ({ data, rows }, n) => {
    const kept = new Set(rows.filter(isKept).map(([key]) => keyText(key)));
    return {
      data: data
        .leftJoin(
          data
            .filter(isKept)
            .mapValues(() => 1)
            .distinct(),
          { strategy: strategyOf(n) },
        )
        .mapValues(([a, b]) => a * 3 + (b ?? 0)),
      rows: rows.map(([key, a]) => [key, a * 3 + (kept.has(keyText(key)) ? 1 : 0)]),
    };
  },
  cogroup: ({ data, rows }) => ({
    data: data.cogroup(data.filter(isKept)).mapValues(([a, b]) => a.length * 1000 + b.length),
    rows: cogroups(rows, rows.filter(isKept)).map(([key, [a, b]]) => [key, a.length * 1000 + b.length]),
  }),
};

const program = fc.array(fc.tuple(fc.constantFrom(...Object.keys(STEPS)), fc.nat(11)), {
  minLength: 2,
  maxLength: 6,
});
const rows = fc.constantFrom(...Object.values(KEYS)).chain((key) => partsOf(fc.tuple(key, value), 3, 40));

describe("programs", () => {
  for (const [name, memoryBytes] of [
    ["in memory", 2 ** 30],
    ["with spilling", 40_000],
  ] as const) {
    test(`random programs give what plain arrays give ${name}`, async () => {
      await using cluster = await Cluster.open({ agents: 1, slots: 3, memoryBytes });
      await fc.assert(
        fc.asyncProperty(program, rows, async (steps, parts) => {
          let last: Model | undefined;
          const given = await cluster.collect((f) => {
            const data = datasetOf<Pair>(f, parts).hint({ bytes: 100_000_000 });
            const first: Model = { data, rows: parts.flat() };
            last = steps.reduce((model, [step, n]) => STEPS[step](model, n), first);
            return last.data;
          });
          expect(pairs(given)).toEqual(pairs([...(last?.rows ?? [])]));
          const order = last?.order;
          if (order === undefined) return;
          for (let i = 1; i < given.length; i++) {
            expect(order * compare(given[i - 1][0], given[i][0])).toBeLessThanOrEqual(0);
          }
        }),
        { numRuns: 40 },
      );
    }, 60_000);
  }
});
