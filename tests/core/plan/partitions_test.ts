/** Partition counts, estimates and broadcasts at their bounds. */
import { describe, expect, test } from "bun:test";
import { broadcastSide } from "../../../core/plan/broadcast.ts";
import { choosePartitions } from "../../../core/plan/partitions.ts";
import { MIB, planned } from "./planned.ts";

describe("choosePartitions()", () => {
  test.each([
    [0, 8, 1],
    [4 * MIB, 8, 1],
    [4 * MIB + 1, 8, 8],
    [16 * MIB * 8, 8, 8],
    [16 * MIB * 8 + 1, 8, 9],
    [1024 * MIB, 8, 64],
    [4 * 1024 * MIB, 8, 128],
    [1e15, 8, 1024],
    [Number.POSITIVE_INFINITY, 3, 3],
    [100 * MIB, 5000, 1024],
    [100 * MIB, 0, 7],
  ])("of %d bytes on %d slots is %d", (bytes, slots, partitions) => {
    expect(choosePartitions(bytes, slots)).toBe(partitions);
  });
});

describe("estimates", () => {
  const written = (plan: ReturnType<typeof planned>) => plan.plan.groups.map((group) => group.estimatedBytes);

  test("flow through steps and decide partitions", () => {
    const { plan } = planned(
      (f) =>
        f
          .text("in")
          .filter(() => true)
          .countByValue(),
      { bytes: 1024 * MIB },
    );
    expect(plan.groups[0].estimatedBytes).toBe(256 * MIB);
    expect(plan.groups[1].tasks).toBe(16);
    const large = planned(
      (f) =>
        f
          .text("in")
          .keyBy((line) => line)
          .groupByKey(),
      {
        bytes: 1024 * MIB,
      },
    );
    expect(large.plan.groups[1].tasks).toBe(79);
  });

  test("give way to hints, the last of which counts", () => {
    const hinted = (bytes: number) =>
      planned((f) => f.text("in").hint({ bytes: 5 }).hint({ bytes }).distinct(), { slots: 2 });
    expect(hinted(1024 * MIB).plan.groups[1].tasks).toBe(32);
    expect(hinted(100).plan.groups[1].tasks).toBe(1);
    expect(written(planned((f) => f.text("in").hint({ rows: 10 })))).toEqual([640]);
  });

  test("of limits and folds are small", () => {
    expect(written(planned((f) => f.text("in").limit(3)))).toEqual([192, 192]);
    expect(written(planned((f) => f.text("in").count()))).toEqual([64, 64]);
  });
});

describe("broadcastSide()", () => {
  const small = { bytes: 2 * MIB, tasks: 1 };
  const large = { bytes: 1024 * MIB, tasks: 16 };

  test.each([
    ["inner", "auto", small, large, "left"],
    ["inner", "auto", large, small, "right"],
    ["left", "auto", large, small, "right"],
    ["left", "auto", small, large, undefined],
    ["right", "auto", small, large, "left"],
    ["right", "auto", large, small, undefined],
    ["full", "auto", large, small, undefined],
    ["inner", "hash", large, small, undefined],
    ["inner", "sort-merge", large, small, undefined],
    ["inner", "broadcast", large, large, "right"],
    ["left", "broadcast", small, large, "right"],
    ["right", "broadcast", large, small, "left"],
  ] as const)("of a %s join with strategy %s", (how, strategy, left, right, side) => {
    expect(broadcastSide({ how, strategy, left, right })).toBe(side);
  });

  test("is none when sizes are unknown, too large, or every task would read too much", () => {
    const choose = (bytes: number, tasks: number, other = 1024 * MIB) =>
      broadcastSide({
        how: "left",
        strategy: "auto",
        left: { bytes: other, tasks },
        right: { bytes, tasks: 1 },
      });
    expect(choose(Number.POSITIVE_INFINITY, 4, Number.POSITIVE_INFINITY)).toBeUndefined();
    expect(choose(32 * MIB, 4)).toBe("right");
    expect(choose(32 * MIB + 1, 4)).toBeUndefined();
    expect(choose(32 * MIB, 100)).toBeUndefined();
    expect(choose(MIB, 1000)).toBe("right");
  });
});

describe("wantedColumns()", () => {
  const columns = (builder: Parameters<typeof planned>[0]) => {
    const { head } = planned(builder).plan.groups[0];
    return head.kind === "source" ? head.columns : undefined;
  };
  const declared = ["a", "b", "c"] as const;

  test("are those of sorts and sinks when nothing else looks at the rows", () => {
    expect(
      columns((f) =>
        f
          .csv("in")
          .sortBy("a")
          .writeCsv("out", { columns: ["c"] }),
      ),
    ).toEqual(["c", "a"]);
    expect(columns((f) => f.csv("in", { columns: declared }).keyBy("a").mapValues("c").maxByKey())).toEqual([
      "a",
      "c",
    ]);
    expect(columns((f) => f.csv("in", { columns: declared }).keyBy("a").groupByKey())).toBeUndefined();
    expect(
      columns((f) =>
        f
          .csv("in", { columns: declared })
          .keyBy("a")
          .mapValues("c")
          .mapValues((c) => c.length),
      ),
    ).toEqual(["a", "c"]);
    expect(
      columns((f) =>
        f
          .csv("in", { columns: declared })
          .limit(3)
          .writeCsv("out", { columns: ["c", "a"] }),
      ),
    ).toEqual(["a", "c"]);
    expect(
      columns((f) =>
        f
          .jsonl<{ a: 1; b: 2 }>("in")
          .sample(0.1)
          .writeCsv("out", { columns: ["b"] }),
      ),
    ).toEqual(["b"]);
  });

  test("are those of picked fields, and none at all, when rows are only counted", () => {
    expect(columns((f) => f.csv("in").count())).toEqual([]);
    expect(columns((f) => f.jsonl<{ a: 1; b: 2 }>("in").keyBy("b").countByKey())).toEqual(["b"]);
    expect(columns((f) => f.csv("in").keyBy("b").keys())).toEqual(["b"]);
    expect(
      columns((f) =>
        f
          .csv("in")
          .keyBy("b")
          .values()
          .writeCsv("out", { columns: ["a"] }),
      ),
    ).toEqual(["a", "b"]);
    expect(columns((f) => f.csv("in").keyBy("b").values())).toBeUndefined();
    expect(
      columns((f) =>
        f
          .csv("in")
          .keyBy("b")
          .values()
          .keyBy((row) => row.a)
          .countByKey(),
      ),
    ).toBeUndefined();
  });

  test("are all when a closure, an output or another sink looks at the rows", () => {
    const sink = { columns: ["a"] };
    const bare = { columns: declared, header: false };
    expect(columns((f) => f.csv("in", bare).writeCsv("out", sink))).toBeUndefined();
    expect(
      columns((f) =>
        f
          .csv("in")
          .filter(() => true)
          .writeCsv("out", sink),
      ),
    ).toBeUndefined();
    expect(
      columns((f) =>
        f
          .csv("in")
          .sortBy((row) => row.b)
          .writeCsv("out", sink),
      ),
    ).toBeUndefined();
    expect(columns((f) => f.csv("in").writeCsv("out"))).toBeUndefined();
    expect(columns((f) => f.csv("in").writeJsonl("out"))).toBeUndefined();
    expect(
      columns((f) => f.csv("in", { columns: declared }).writeCsv("out", { columns: declared })),
    ).toBeUndefined();
    expect(columns((f) => f.csv("in").distinct().writeCsv("out", sink))).toBeUndefined();
    const read = (f: Parameters<Parameters<typeof planned>[0]>[0]) => {
      const rows = f.csv("in");
      rows.writeCsv("out", sink);
      return rows;
    };
    expect(columns(read)).toBeUndefined();
  });

  test("are those of all readers together", () => {
    const two = (f: Parameters<Parameters<typeof planned>[0]>[0]) => {
      const rows = f.csv("in");
      return [rows.writeCsv("x", { columns: ["a"] }), rows.writeCsv("y", { columns: ["b"] })];
    };
    expect(columns(two)?.toSorted()).toEqual(["a", "b"]);
  });
});
