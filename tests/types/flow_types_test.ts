/** Types of flows and datasets, checked by the compiler: a wrong use is an error, a right one infers exactly. */
import { expect, test } from "bun:test";
import { buildGraph } from "../../core/graph/build.ts";
import type { FlowBuilder } from "../../core/graph/builder.ts";
import type { Dataset, Sink } from "../../core/graph/dataset.ts";
import type { Stats } from "../../core/graph/row_types.ts";
import type { DatasetInput, DatasetRef } from "../../core/program/dataset_ref.ts";
import { type Flow, flow } from "../../core/program/flow.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only when the type of the value is exactly `Dataset<T>`. */
function is<T>() {
  return <D>(_: D, ..._proof: Equal<D, Dataset<T>> extends true ? [] : [error: { got: D }]): void => {};
}

/** Never runs: only the compiler looks at it. */
export function types(f: FlowBuilder, ref: DatasetRef<[string, Date]>): void {
  const words = f.text("in");
  const pairs = f.values([
    ["a", 1],
    ["b", 2],
  ]);
  const people = f.csv("in", { columns: ["name", "age", "born"], types: { age: "number", born: "date" } });
  rows(f, words, pairs);
  keyed(pairs, ref, f);
  wholes(words, pairs, people);

  is<{ name: string; age: number; born: Date }>()(people);
  is<Record<string, string>>()(f.csv("in"));
  is<number>()(f.csv("in", { types: { age: "number" } }).map((row) => row.age));
  is<[string, Date]>()(f.from(ref));
  is<{ id: number }>()(f.jsonl<{ id: number }>("in"));
  is<number>()(
    f.generate(2, async function* (shard) {
      yield shard;
    }),
  );
  is<unknown>()(f.binary("in"));
  is<Date>()(f.binary<Date>("in"));
  // @ts-expect-error there is no such column
  people.map((row) => row.nme);
  // @ts-expect-error a type is none of the four
  f.csv("in", { types: { age: "int" } });
  // @ts-expect-error no such option
  f.text("in", { shard: 2 });
  // @ts-expect-error not a handle
  f.from({ id: "x" });
}

function rows(f: FlowBuilder, words: Dataset<string>, pairs: Dataset<[string, number]>): void {
  is<number>()(words.map((word) => word.length));
  is<[string, number]>()(words.map((word) => [word, 1]));
  // An array within a row stays a list, so that lists can be concatenated.
  is<[string, string[]]>()(words.map((word) => [word, [word]]).reduceByKey((a, b) => a.concat(b)));
  is<string | null>()(words.map((word) => (word === "" ? null : word)));
  is<[number, string]>()(words.keyBy((word) => word.length));
  is<string>()(words.flatMap((word) => word.split("")));
  is<[string, number]>()(words.flatMap((word) => [[word, 1]]));
  is<"a">()(words.filter((word) => word === "a"));
  is<[string, string]>()(f.files("in").lines({ withPath: true }));
  is<string>()(f.files("in").lines());
  is<number>()(words.map((word, ctx) => word.length + ctx.side[0], { with: f.range(3).broadcast() }));
  is<[string, boolean]>()(pairs.mapValues((n) => n > 1));
  is<string>()(pairs.keys());
  is<number>()(pairs.values());
  is<string>()(
    words.mapShards(async function* (shard, ctx) {
      for await (const word of shard) yield word + ctx.shard;
    }),
  );
  // @ts-expect-error a string has no toFixed
  words.map((word) => word.toFixed());
  // @ts-expect-error the side holds numbers
  words.map((word, ctx) => word + ctx.side[0].trim(), { with: f.range(3).broadcast() });
  // @ts-expect-error without { with } there is no side
  words.map((_, ctx) => ctx.side);
  // @ts-expect-error only pairs have values
  words.mapValues((word) => word);
  // @ts-expect-error only lines of text have words
  f.range(3).words();
  // @ts-expect-error a union is of the same kind of rows
  words.union(f.range(3));
}

function keyed(pairs: Dataset<[string, number]>, ref: DatasetRef<[string, Date]>, f: FlowBuilder): void {
  const dates = f.from(ref);
  is<[string, number]>()(pairs.reduceByKey((a, b) => a + b));
  is<[string, number[]]>()(pairs.groupByKey());
  is<[string, Set<number>]>()(
    pairs.aggregateByKey({ zero: () => new Set<number>(), add: (set, n) => set.add(n), merge: (a) => a }),
  );
  is<[string, [number, Date]]>()(pairs.join(dates));
  is<[string, [number, Date | undefined]]>()(pairs.leftJoin(dates, { strategy: "broadcast" }));
  is<[string, [number | undefined, Date]]>()(pairs.rightJoin(dates));
  is<[string, [number | undefined, Date | undefined]]>()(pairs.fullJoin(dates));
  is<[string, [number[], Date[]]]>()(pairs.cogroup(dates));
  // @ts-expect-error keys of different types
  pairs.join(f.range(3).keyBy((n) => n));
  // @ts-expect-error the right value may be missing
  pairs.leftJoin(dates).mapValues(([, date]) => date.getTime());
  // @ts-expect-error numbers are no pairs
  f.range(3).groupByKey();
  // @ts-expect-error the reducer returns the values' type
  pairs.reduceByKey((a, b) => `${a}${b}`);
  // @ts-expect-error no such strategy
  pairs.join(dates, { strategy: "hsh" });
}

function wholes(
  words: Dataset<string>,
  pairs: Dataset<[string, number]>,
  people: Dataset<{ name: string; age: number }>,
): void {
  is<[string, number]>()(words.countByValue());
  is<number>()(words.count());
  is<string>()(words.min());
  is<Stats>()(pairs.values().stats());
  is<[string, number]>()(pairs.sortBy(1));
  is<[number, { name: string; age: number }]>()(people.keyBy("age"));
  is<[number, string]>()(people.keyBy("age").mapValues("name"));
  is<[number, string]>()(pairs.keyBy(1).mapValues(0));
  is<[string, number]>()(pairs.sumByKey());
  is<[string, number]>()(pairs.minByKey());
  // @ts-expect-error no such property
  people.keyBy("agee");
  // @ts-expect-error no such property
  people.keyBy("age").mapValues("nam");
  // @ts-expect-error strings have no sum
  people.keyBy("age").mapValues("name").sumByKey();
  is<[string, number]>()(words.zipWithIndex());
  is<{ name: string; age: number }>()(people.sortBy("age", { descending: true }));
  // @ts-expect-error strings have no sum
  words.sum();
  // @ts-expect-error no such property
  people.sortBy("agee");
  // @ts-expect-error a pair has no third place
  pairs.sortBy(2);
  // @ts-expect-error strings have no fields to sort by
  words.sortBy("length");
  // @ts-expect-error a line is a string
  words.writeText("out", (word) => word.length);
}

test("flow() infers parameters and outputs", () => {
  const plain = flow("types-plain", (f) => f.range(3));
  const flowIs =
    <F>() =>
    <G>(_: G, ..._proof: Equal<F, G> extends true ? [] : [error: G]): void => {};
  flowIs<Flow<void, Dataset<number>>>()(plain);
  const structured = flow("types-structured", (f, p: { rows: DatasetInput<number>; out: string }) => {
    const rows = f.from(p.rows);
    return { sum: rows.sum(), files: [rows.writeJsonl(p.out), rows] as const };
  });
  flowIs<
    Flow<
      { rows: DatasetInput<number>; out: string },
      { sum: Dataset<number>; files: readonly [Sink, Dataset<number>] }
    >
  >()(structured);
  const tuple = flow("types-tuple", (f) => [f.range(1), f.text("in")]);
  flowIs<Flow<void, [Dataset<number>, Dataset<string>]>>()(tuple);
  // @ts-expect-error an output is a dataset or a sink
  flow("types-wrong", () => 3);
  // @ts-expect-error a builder is not async
  flow("types-async", async (f) => f.range(3));
  expect(buildGraph(plain, undefined).graph.nodes).toHaveLength(1);
});
