/** What each operation is lowered to, and where chains are cut. */
import { describe, expect, test } from "bun:test";
import type { FlowBuilder } from "../../../core/graph/builder.ts";
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

function shapeOf(builder: (f: FlowBuilder) => unknown, bytes = 40 * MIB, slots = 4): readonly string[] {
  return planned(builder, { bytes, slots }).shape;
}

describe("planGraph() fuses", () => {
  test("a chain over N shards into N tasks of one group", () => {
    const chain = (f: FlowBuilder) =>
      f
        .text("in", { shards: 5 })
        .flatMap((line) => line.split(" "))
        .filter((word) => word !== "")
        .map((word) => word.length)
        .tap(() => {})
        .sample(0.5)
        .keyBy((n) => n)
        .mapValues((n) => n + 1)
        .values();
    expect(shapeOf(chain)).toEqual([
      "source | flatMap filter map tap sample keyBy mapValues values | store ×5",
    ]);
  });

  test("words, keys, pipe, mapShards, lines and a sink", () => {
    expect(shapeOf((f) => f.text("in").words().pipe("cat").writeText("out"))).toEqual([
      "source | words pipe toSink | sink ×3",
    ]);
    expect(
      shapeOf((f) =>
        // biome-ignore lint/complexity/noForEach: the operation of a dataset, not of an array
        f
          .files("in")
          .lines()
          .mapShards((rows) => rows)
          .forEach(() => {}),
      ),
    ).toEqual(["source | lines mapShards forEach | discard ×3"]);
    expect(shapeOf((f) => pairs(f).keys())).toEqual(["source | keys | store ×3"]);
  });

  test("but not past a dataset with two readers", () => {
    const fork = (f: FlowBuilder) => {
      const base = f.range(9, { shards: 3 }).map((n) => n + 1);
      return [base.map((n) => n), base.filter(() => true)];
    };
    expect(shapeOf(fork)).toEqual([
      "source | map | store ×3",
      "read forward | map | store ×3",
      "read forward | filter | store ×3",
    ]);
  });

  test("but not past an output that is read on", () => {
    const both = (f: FlowBuilder) => {
      const base = f.range(9, { shards: 2 });
      return { base, more: base.map((n) => n) };
    };
    const { plan, shape } = planned(both);
    expect(shape).toEqual(["source | store ×2", "read forward | map | store ×2"]);
    expect(plan.outputs.map(({ group }) => group)).toEqual([0, 1]);
  });

  test("but not past cache and checkpoint, and past name, hint, onDisk and inMemory", () => {
    const kept = ["source | store ×3", "read forward | map | store ×3"];
    const through = ["source | map | store ×3"];
    expect(
      shapeOf((f) =>
        f
          .text("in")
          .cache()
          .map((n) => n),
      ),
    ).toEqual(kept);
    expect(
      shapeOf((f) =>
        f
          .text("in")
          .checkpoint()
          .map((n) => n),
      ),
    ).toEqual(kept);
    expect(
      shapeOf((f) =>
        f
          .text("in")
          .name("x")
          .onDisk()
          .inMemory()
          .hint({ rows: 1 })
          .map((n) => n),
      ),
    ).toEqual(through);
  });

  test("and resolves an output that is a mark to its input's group", () => {
    const { plan, graph } = planned((f) =>
      f
        .text("in")
        .map((line) => line)
        .name("x")
        .cache(),
    );
    expect(plan.outputs).toEqual([{ node: graph.nodes.length - 1, group: 0, kind: "dataset" }]);
  });

  test("and leaves out what no output needs", () => {
    const unused = (f: FlowBuilder) => {
      f.text("other").countByValue();
      return f.text("in");
    };
    expect(shapeOf(unused)).toEqual(["source | store ×3"]);
  });
});

describe("planGraph() lowers", () => {
  test("keyed aggregation to combine, exchange, combine", () => {
    const shape = ["source | combine:partial | hash 4 ×3", "read partition | combine:merge | store ×4"];
    expect(shapeOf((f) => pairs(f).reduceByKey((a, b) => a + b))).toEqual(shape);
    expect(shapeOf((f) => pairs(f).countByKey())).toEqual(shape);
    expect(shapeOf((f) => pairs(f).distinct())).toEqual(shape);
    expect(shapeOf((f) => pairs(f).countByValue())).toEqual(shape);
    const sum = {
      zero: () => 0,
      add: (a: number, n: number) => a + n,
      merge: (a: number, b: number) => a + b,
    };
    expect(shapeOf((f) => pairs(f).aggregateByKey(sum))).toEqual(shape);
  });

  test("the exchange of distinct by row, and of countByValue by pair", () => {
    const tails = (builder: (f: FlowBuilder) => unknown) => planned(builder).plan.groups[0].tail;
    expect(tails((f) => f.text("in").distinct())).toEqual({ kind: "hash", partitions: 4, key: "row" });
    expect(tails((f) => f.text("in").countByValue())).toEqual({ kind: "hash", partitions: 4, key: "pair" });
  });

  test("groupByKey to an exchange and a step", () => {
    expect(shapeOf((f) => pairs(f).groupByKey())).toEqual([
      "source | hash 4 ×3",
      "read partition | group | store ×4",
    ]);
  });

  test("keyed steps on one small shard in place", () => {
    expect(shapeOf((f) => pairs(f, 1).groupByKey().countByKey(), 100)).toEqual([
      "source | group combine:complete | store ×1",
    ]);
    // One shard of a large file is still exchanged.
    expect(shapeOf((f) => pairs(f, 1).groupByKey())).toHaveLength(2);
  });

  test("local forms to the step alone", () => {
    expect(
      shapeOf((f) =>
        pairs(f)
          .localReduceByKey((a) => a)
          .localGroupByKey(),
      ),
    ).toEqual(["source | combine:complete group | store ×3"]);
  });

  test("folds to a partial and a merging task", () => {
    const shape = ["source | fold:partial | store ×3", "read all | fold:merge | store ×1"];
    const numbers = (f: FlowBuilder) => f.range(9, { shards: 3 });
    for (const fold of ["count", "sum", "min", "max", "mean", "stats"] as const) {
      expect(shapeOf((f) => numbers(f)[fold]())).toEqual(shape);
    }
    expect(shapeOf((f) => numbers(f).reduce((a, b) => a + b))).toEqual(shape);
    expect(shapeOf((f) => f.range(9, { shards: 1 }).sum())).toEqual(["source | fold:complete | store ×1"]);
  });

  test("top and limit to the step in every task and in one", () => {
    expect(shapeOf((f) => f.range(9).top(2))).toEqual([
      "source | top | store ×3",
      "read all | top | store ×1",
    ]);
    expect(shapeOf((f) => f.range(9).first())).toEqual([
      "source | limit | store ×3",
      "read all | limit | store ×1",
    ]);
    expect(shapeOf((f) => f.range(9, { shards: 1 }).limit(3))).toEqual(["source | limit | store ×1"]);
  });

  test("a limit after a sort to a reading of the shards in order", () => {
    expect(shapeOf((f) => f.range(9).sort().limit(2))).toEqual([
      "source | runs ×3",
      "merge range | limit | store ×4",
      "read all | limit | store ×1",
    ]);
  });

  test("zipWithIndex to a group with committed input", () => {
    const { shape, plan } = planned((f) =>
      f
        .range(9)
        .map((n) => n)
        .zipWithIndex()
        .map(([n]) => n),
    );
    expect(shape).toEqual(["source | map | store ×3", "read forward | index map | store ×3"]);
    expect(plan.groups.map((group) => group.needsCommittedInput)).toEqual([false, true]);
  });

  test("placement", () => {
    expect(shapeOf((f) => f.range(9).repartition(5))).toEqual([
      "source | roundRobin 5 ×3",
      "read partition | store ×5",
    ]);
    expect(shapeOf((f) => f.range(9).roundRobin(2))).toEqual([
      "source | roundRobin 2 ×3",
      "read partition | store ×2",
    ]);
    expect(shapeOf((f) => f.range(9).partitionBy((n) => n, 2))).toEqual([
      "source | function 2 ×3",
      "read partition | store ×2",
    ]);
    expect(shapeOf((f) => pairs(f).partitionByKey(7))).toEqual([
      "source | hash 7 ×3",
      "read partition | store ×7",
    ]);
    expect(shapeOf((f) => f.range(9, { shards: 21 }).coalesce(2))).toEqual([
      "source | store ×21",
      "read spread | store ×2",
    ]);
    expect(
      shapeOf((f) =>
        f
          .range(9, { shards: 2 })
          .coalesce(3)
          .map((n) => n),
      ),
    ).toEqual(["source | map | store ×2"]);
  });

  test("a union to one task for each shard, and unions of unions to one", () => {
    const shape = [...Array(3).fill("source | store ×2"), "read union+union+union | map | store ×6"];
    const part = (f: FlowBuilder) => f.range(9, { shards: 2 });
    expect(
      shapeOf((f) =>
        part(f)
          .union(part(f), part(f))
          .map((n) => n),
      ),
    ).toEqual(shape);
    expect(
      shapeOf((f) =>
        part(f)
          .union(part(f))
          .union(part(f))
          .map((n) => n),
      ),
    ).toEqual([shape[0], shape[1], shape[2], shape[3]]);
  });

  test("a single sink to one task, and other sinks to one file a task", () => {
    expect(shapeOf((f) => f.text("in").writeJsonl("out", { single: true }))).toEqual([
      "source | store ×3",
      "read all | toSink | sink ×1",
    ]);
    expect(shapeOf((f) => f.range(9).sort().writeJsonl("out"))).toEqual([
      "source | runs ×3",
      "merge range | toSink | sink ×4",
    ]);
  });

  test("a broadcast side to an edge that reads all of it", () => {
    const side = (f: FlowBuilder) => {
      const small = f
        .range(2)
        .map((n) => n)
        .broadcast();
      return f.text("in").map((line, ctx) => line.length + ctx.side[0], { with: small });
    };
    const { shape, plan } = planned(side);
    expect(shape).toEqual(["source | map | store ×3", "source | map | store ×3"]);
    expect(plan.groups[1].steps[0]).toMatchObject({
      side: { from: { kind: "group", group: 0 }, mode: "all" },
    });
  });

  test("a dataset of the job to edges that read it in place, and a copy when it is an output", () => {
    const ref = { kind: "dataset", dataset: "x" };
    const input = new DatasetRef<number>({ id: "x", shards: 6, rows: 10, bytes: 100 });
    const { plan, shape } = planned((f) => {
      const rows = f.from(input);
      return [rows.map((n) => n), rows.filter(() => true), rows];
    });
    expect(shape).toEqual([
      "read forward | store ×6",
      "read forward | map | store ×6",
      "read forward | filter | store ×6",
    ]);
    expect(plan.groups[0].head).toMatchObject({ inputs: [{ from: ref }] });
    const shared = planned((f) => [f.from(input).map((n) => n), f.from(input).filter(() => true)]);
    expect(shared.plan.groups.map(({ head }) => head)).toMatchObject([
      { inputs: [{ from: ref }] },
      { inputs: [{ from: ref }] },
    ]);
  });

  test("no graph when there is no slot or a source's splits are unknown", () => {
    expect(() => planned((f) => f.range(3), { slots: 0 })).toThrow("at least 1 slot, got 0");
    // An array, as a bare call in the last place has no frame in JavaScriptCore.
    const text = (f: FlowBuilder) => [f.text("in")];
    expect(() => planned(text, { splits: 0 })).toThrow(/text at .*plan_test.ts:\d+: it has no splits/);
  });
});
