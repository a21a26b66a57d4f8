/** How sorts and joins are lowered, and which exchanges are left out. */
import { describe, expect, test } from "bun:test";
import type { FlowBuilder } from "../../../core/graph/builder.ts";
import type { GraphNode } from "../../../core/graph/node.ts";
import type { DatasetFacts } from "../../../core/plan/facts.ts";
import { DatasetRef } from "../../../core/program/dataset_ref.ts";
import { MIB, planned } from "./planned.ts";

const pairs = (f: FlowBuilder, shards = 3) =>
  f.values(
    [
      ["a", 1],
      ["b", 2],
    ],
    { shards },
  );
const add = (a: number, b: number) => a + b;
const shapeOf = (builder: (f: FlowBuilder) => unknown, bytes?: number | ((node: GraphNode) => number)) =>
  planned(builder, { bytes }).shape;
/** `keys` is the side of two bytes a row, `rows` the large one. */
const sized = (small: number, large: number) => (node: GraphNode) =>
  node.spec.kind === "array" ? small : large;

describe("sorts", () => {
  test("make runs and merge one range in each task", () => {
    const { plan, shape } = planned((f) =>
      f.text("in").sortBy((line) => line.length, { descending: true, shards: 5 }),
    );
    expect(shape).toEqual(["source | runs ×3", "merge range | store ×5"]);
    expect(plan.groups[0].tail).toEqual({
      kind: "runs",
      order: { node: 1, by: "key", descending: true },
      hasKeyColumn: true,
    });
    expect(plan.groups[1].needsCommittedInput).toBe(true);
  });

  test("keep no key column when the row or its first place is the key", () => {
    const orders = (builder: (f: FlowBuilder) => unknown) => planned(builder).plan.groups[0].tail;
    expect(orders((f) => f.text("in").sort())).toMatchObject({ hasKeyColumn: false, order: { by: "row" } });
    expect(orders((f) => f.text("in").sort(() => 0))).toMatchObject({
      hasKeyColumn: false,
      order: { by: "compare" },
    });
    expect(orders((f) => pairs(f).sortByKey())).toMatchObject({
      hasKeyColumn: false,
      order: { by: "pairKey" },
    });
    expect(orders((f) => pairs(f).sortBy(0))).toMatchObject({
      hasKeyColumn: false,
      order: { by: "pairKey" },
    });
    expect(orders((f) => pairs(f).sortBy(1))).toMatchObject({ hasKeyColumn: true, order: { by: "key" } });
  });

  test("of one small shard run in place", () => {
    expect(shapeOf((f) => pairs(f, 1).sortByKey().sortBy(1), 100)).toEqual(["source | sort sort | store ×1"]);
  });

  test("bring equal rows together by value, but not by a closure, which may give equal rows other keys", () => {
    const ends = (builder: (f: FlowBuilder) => unknown) => planned(builder).shape.at(-1);
    expect(ends((f) => f.text("in").sort().distinct())).toBe("merge range | combine:complete | store ×4");
    expect(ends((f) => pairs(f).sortBy(1, { shards: 4 }).distinct())).toBe(
      "merge range | combine:complete | store ×4",
    );
    expect(ends((f) => f.text("in").sortBy(Math.random, { shards: 4 }).distinct())).toBe(
      "read partition | combine:merge | store ×4",
    );
  });

  test("are left out when the rows are in that order already", () => {
    const once = ["source | runs ×3", "merge range | filter mapValues | store ×4"];
    const twice = (f: FlowBuilder) =>
      pairs(f)
        .sortByKey()
        .filter(() => true)
        .mapValues((n) => n)
        .sortBy(0);
    expect(shapeOf(twice)).toEqual(once);
    const local = (f: FlowBuilder) => f.text("in").sort().localSort();
    expect(shapeOf(local)).toEqual(["source | runs ×3", "merge range | store ×4"]);
  });

  test("are not left out when order, key, shards or rows differ", () => {
    const key = (pair: [string, number]) => pair[1];
    const last = (builder: (f: FlowBuilder) => unknown) => shapeOf(builder).length;
    expect(last((f) => pairs(f).sortByKey().sortByKey({ descending: true }))).toBe(3);
    expect(
      last((f) =>
        pairs(f)
          .sortBy(key)
          .sortBy((pair) => pair[1]),
      ),
    ).toBe(3);
    expect(last((f) => pairs(f).sortByKey().sortByKey({ shards: 9 }))).toBe(3);
    expect(
      last((f) =>
        pairs(f)
          .sortByKey()
          .map((pair) => pair)
          .sortByKey(),
      ),
    ).toBe(3);
    expect(
      last((f) =>
        pairs(f)
          .sortBy(key)
          .mapValues((n) => -n)
          .sortBy(key),
      ),
    ).toBe(3);
    expect(last((f) => pairs(f).localSort().sort())).toBe(2);
    expect(last((f) => pairs(f).sortBy(key).sortBy(key))).toBe(2);
  });

  test("within shards are merged by mergeSorted, into one or several tasks", () => {
    const { plan, shape } = planned((f) => f.range(9, { shards: 21 }).localSort().mergeSorted());
    expect(shape).toEqual(["source | sort | store ×21", "merge all | store ×1"]);
    expect(plan.groups[1].head).toMatchObject({ hasKeyColumn: false, order: { by: "row" } });
    expect(shapeOf((f) => f.range(9, { shards: 4 }).mergeSorted(undefined, { shards: 2 }))).toEqual([
      "source | store ×4",
      "merge spread | store ×2",
    ]);
    expect(shapeOf((f) => f.range(9, { shards: 1 }).mergeSorted())).toEqual(["source | store ×1"]);
  });
});

describe("joins", () => {
  test("bring both sides to equal partitions", () => {
    const { plan, shape } = planned((f) => pairs(f).join(pairs(f, 2), { strategy: "sort-merge" }));
    expect(shape).toEqual([
      "source | hash 5 ×3",
      "source | hash 5 ×2",
      "join partition+partition | store ×5",
    ]);
    expect(plan.groups[2].head).toMatchObject({ how: "inner", strategy: "sort-merge" });
    expect(shapeOf((f) => pairs(f).cogroup(pairs(f)))[2]).toBe("join partition+partition | store ×5");
  });

  test("of a dataset with itself move its rows once", () => {
    const self = (f: FlowBuilder) => {
      const base = pairs(f).mapValues((n) => n);
      return base.fullJoin(base);
    };
    const { plan, shape } = planned(self);
    expect(shape).toEqual([
      "source | mapValues | store ×3",
      "read forward | hash 5 ×3",
      "join partition+partition | store ×5",
    ]);
    expect(plan.groups[2].head).toMatchObject({
      left: { from: { group: 1 } },
      right: { from: { group: 1 } },
    });
  });

  test("broadcast a side that is small enough", () => {
    const join = (f: FlowBuilder) =>
      f
        .text("in")
        .keyBy((line) => line)
        .leftJoin(f.values([["a", 1]]));
    const { plan, shape } = planned(join, { bytes: sized(100, 500 * MIB) });
    expect(shape).toEqual(["source | store ×3", "source | keyBy broadcastJoin | store ×3"]);
    expect(plan.groups[1].steps[1]).toMatchObject({ how: "left", streamed: "left", side: { mode: "all" } });
  });

  test("exchange when the small side must be kept, or is not small, or the user says so", () => {
    const text = (f: FlowBuilder) => f.text("in").keyBy((line) => line);
    const small = (f: FlowBuilder) => f.values([["a", 1]]);
    const bytes = sized(100, 500 * MIB);
    expect(shapeOf((f) => text(f).rightJoin(small(f)), bytes)).toHaveLength(3);
    expect(shapeOf((f) => text(f).fullJoin(small(f)), bytes)).toHaveLength(3);
    expect(shapeOf((f) => text(f).join(small(f), { strategy: "hash" }), bytes)).toHaveLength(3);
    expect(shapeOf((f) => text(f).join(small(f)), sized(40 * MIB, 5000 * MIB))).toHaveLength(3);
    expect(shapeOf((f) => text(f).join(small(f)), sized(40 * MIB, 5000 * MIB))).toHaveLength(3);
  });

  test("broadcast the right side when the user says so and the left is streamed", () => {
    const how = (builder: (f: FlowBuilder) => unknown) => planned(builder).plan.groups[1].steps.at(-1);
    const options = { strategy: "broadcast" } as const;
    expect(how((f) => pairs(f).leftJoin(pairs(f), options))).toMatchObject({ streamed: "left", how: "left" });
    expect(how((f) => pairs(f).rightJoin(pairs(f), options))).toMatchObject({
      streamed: "right",
      how: "right",
    });
  });
});

describe("exchanges are left out", () => {
  test("before a keyed step when the pairs lie by key", () => {
    const byKey = ["source | combine:partial | hash 4 ×3"];
    expect(
      shapeOf((f) =>
        pairs(f)
          .reduceByKey(add)
          .mapValues((n) => n)
          .filter(() => true)
          .groupByKey(),
      ),
    ).toEqual([...byKey, "read partition | combine:merge mapValues filter group | store ×4"]);
    expect(shapeOf((f) => pairs(f).partitionByKey(7).groupByKey())).toEqual([
      "source | hash 7 ×3",
      "read partition | group | store ×7",
    ]);
    expect(shapeOf((f) => pairs(f).reduceByKey(add).keys().distinct())).toEqual([
      ...byKey,
      "read partition | combine:merge keys combine:complete | store ×4",
    ]);
    expect(shapeOf((f) => f.text("in").countByValue().reduceByKey(add))).toEqual([
      ...byKey,
      "read partition | combine:merge combine:complete | store ×4",
    ]);
  });

  test("but not after steps that may change keys", () => {
    const reduced = (f: FlowBuilder) => pairs(f).reduceByKey(add);
    expect(
      shapeOf((f) =>
        reduced(f)
          .map((pair) => pair)
          .groupByKey(),
      ),
    ).toHaveLength(3);
    expect(
      shapeOf((f) =>
        reduced(f)
          .flatMap((pair) => [pair])
          .groupByKey(),
      ),
    ).toHaveLength(3);
    expect(
      shapeOf((f) =>
        reduced(f)
          .keyBy(([k]) => k)
          .groupByKey(),
      ),
    ).toHaveLength(3);
    expect(shapeOf((f) => reduced(f).repartition(4).groupByKey())).toHaveLength(4);
    expect(
      shapeOf((f) =>
        f
          .text("in")
          .distinct()
          .keyBy((line) => line)
          .groupByKey(),
      ),
    ).toHaveLength(3);
    expect(shapeOf((f) => reduced(f).union(reduced(f)).groupByKey())).toHaveLength(6);
    expect(
      shapeOf((f) =>
        reduced(f)
          .mapShards((rows) => rows)
          .groupByKey(),
      ),
    ).toHaveLength(3);
  });

  test("for a side of a join that lies by key with the same count", () => {
    const { shape, plan } = planned((f) => pairs(f).partitionByKey(6).join(pairs(f), { strategy: "hash" }));
    expect(shape).toEqual([
      "source | hash 6 ×3",
      "read partition | store ×6",
      "source | hash 6 ×3",
      "join forward+partition | store ×6",
    ]);
    expect(plan.groups[3].notes).toEqual([
      "no exchange of the left side: it lies by key in 6 shards already",
    ]);
    expect(shapeOf((f) => pairs(f).reduceByKey(add).join(pairs(f).countByKey())).at(-1)).toBe(
      "join forward+forward | store ×4",
    );
  });

  test("for datasets of earlier executions that lie by key with the same count", () => {
    const ref = (id: string) => new DatasetRef<[number, number]>({ id, shards: 5, rows: 1e6, bytes: 16e6 });
    const { plan } = planned((f) => ({ out: pairs(f).partitionByKey(5).countByKey() }));
    const [{ placement }] = plan.outputs;
    expect(placement).toEqual({ how: "hash", key: "pair", partitions: 5 });
    const facts = { shards: 5, rows: 1e6, bytes: 16e6 };
    const join = (f: FlowBuilder) => f.from(ref("a")).join(f.from(ref("b")));
    const known = new Map([
      ["a", { ...facts, placement }],
      ["b", { ...facts, placement }],
    ]);
    expect(planned(join, { datasets: known }).shape).toEqual(["join forward+forward | store ×5"]);
    const unknown = new Map<string, DatasetFacts>([
      ["a", { ...facts, placement }],
      ["b", facts],
    ]);
    expect(planned(join, { datasets: unknown }).shape).toEqual([
      "read forward | hash 5 ×5",
      "join forward+partition | store ×5",
    ]);
  });

  test("for what is aggregated and then joined with what lies by key, whichever comes first", () => {
    const placed = (f: FlowBuilder) => pairs(f).partitionByKey(8);
    const sums = (f: FlowBuilder) => pairs(f).sumByKey();
    const last = (builder: (f: FlowBuilder) => unknown) => shapeOf(builder).slice(-2);
    const merged = "read partition | combine:merge | store ×8";
    const joined = "join forward+forward | store ×8";
    expect(last((f) => placed(f).leftJoin(sums(f)))).toEqual([merged, joined]);
    expect(shapeOf((f) => sums(f).leftJoin(placed(f))).at(-1)).toBe(joined);
    const kept = (f: FlowBuilder) =>
      pairs(f)
        .groupByKey()
        .filter(() => true)
        .name("few")
        .mapValues((values) => values.length);
    expect(shapeOf((f) => kept(f).cogroup(placed(f).mapValues((n) => n))).at(-1)).toBe(joined);
    const moved = (f: FlowBuilder) => sums(f).map(([k, n]): [string, number] => [k, n]);
    expect(shapeOf((f) => placed(f).leftJoin(moved(f)))).toContain(
      "read partition | combine:merge map | hash 8 ×4",
    );
    const many = (f: FlowBuilder) => placed(f).partitionByKey(100).leftJoin(sums(f));
    expect(shapeOf(many)).toContain("read partition | combine:merge | hash 100 ×4");
  });

  test("but not when the sides lie in different numbers of shards", () => {
    expect(
      shapeOf((f) => pairs(f).partitionByKey(6).join(pairs(f).partitionByKey(4), { strategy: "hash" })),
    ).toEqual([
      "source | hash 6 ×3",
      "source | hash 4 ×3",
      "read partition | store ×6",
      "read partition | hash 6 ×4",
      "join forward+partition | store ×6",
    ]);
  });

  test("and a large side is never brought to the one shard of a small one", () => {
    const small = (f: FlowBuilder) => f.values([["a", 1]], { shards: 1 }).reduceByKey(add);
    const join = (f: FlowBuilder) =>
      f
        .text("in")
        .keyBy((line) => line)
        .fullJoin(small(f));
    expect(shapeOf(join, sized(100, 5000 * MIB)).at(-1)).toMatch(/^join partition\+partition \| store ×174$/);
  });

  test("after a join by its key, and after a sort within ranges of keys", () => {
    expect(shapeOf((f) => pairs(f).join(pairs(f), { strategy: "hash" }).groupByKey()).at(-1)).toBe(
      "join partition+partition | group | store ×5",
    );
    expect(shapeOf((f) => pairs(f).sortByKey().groupByKey())).toEqual([
      "source | runs ×3",
      "merge range | group | store ×4",
    ]);
    expect(shapeOf((f) => pairs(f).sortBy(1).groupByKey())).toHaveLength(3);
    expect(shapeOf((f) => f.text("in").sort().distinct())).toHaveLength(2);
    // Of a compare function nobody knows that equal rows compare as equal.
    expect(
      shapeOf((f) =>
        f
          .text("in")
          .sort(() => 0)
          .distinct(),
      ),
    ).toHaveLength(3);
    // Sorted ranges are no hash partitions: a join cannot use them.
    expect(shapeOf((f) => pairs(f).sortByKey().join(pairs(f), { strategy: "hash" })).at(-1)).toBe(
      "join partition+partition | store ×5",
    );
  });
});
