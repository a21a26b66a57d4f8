import { describe, expect, test } from "bun:test";
import { TaskError } from "../../../../core/errors.ts";
import { createCombine } from "../../../../core/exec/keyed/combine.ts";
import type { NodeSpec } from "../../../../core/graph/node.ts";
import type { Phase } from "../../../../core/plan/physical.ts";
import { randomNumbers } from "../../../simulation/random.ts";
import { Collector, feed, graphOf, MemoryPorts, memoryScope } from "../memory_ports.ts";
import { groupPairs, type KeyKind, keyText, randomPairs, SEED } from "../random_rows.ts";

interface RunOptions {
  readonly spec: NodeSpec;
  readonly phase: Phase;
  readonly memoryBytes?: number;
  readonly how?: "rows" | "batches";
}

async function combine(rows: readonly unknown[], options: RunOptions) {
  const { spec, phase, memoryBytes = 64 << 20, how = "batches" } = options;
  const ports = new MemoryPorts({ memoryBytes });
  const scope = memoryScope({ graph: graphOf(spec), ports });
  const out = new Collector();
  const key = spec.kind === "distinct" || spec.kind === "countByValue" ? "row" : "pair";
  await feed(createCombine(scope, { op: "combine", node: 0, phase, key }, out), rows, how);
  expect(out.isFinished).toBe(true);
  ports.assertNoLeak();
  return { rows: out.rows, spills: ports.createdSpillFiles };
}

/** Three partial tasks, then one that merges what they made. */
async function inTwoPhases(rows: readonly unknown[], options: Omit<RunOptions, "phase">) {
  const partial: unknown[] = [];
  for (let task = 0; task < 3; task++) {
    const mine = rows.filter((_, i) => i % 3 === task);
    partial.push(...(await combine(mine, { ...options, phase: "partial" })).rows);
  }
  return combine(partial, { ...options, phase: "merge" });
}

function byKey(rows: readonly unknown[]): [string, unknown][] {
  const pairs = (rows as [unknown, unknown][]).map(([key, value]): [string, unknown] => [
    keyText(key),
    value,
  ]);
  return pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

const SUM: NodeSpec = { kind: "reduceByKey", fn: (a: number, b: number) => a + b };
const COLLECT: NodeSpec = {
  kind: "aggregateByKey",
  zero: () => [],
  add: (list: number[], value: number) => {
    list.push(value);
    return list;
  },
  merge: (a: number[], b: number[]) => [...a, ...b],
};
const KINDS: readonly KeyKind[] = ["string", "number", "tuple", "object", "mixed"];

describe("createCombine()", () => {
  test("createCombine() takes values as they are when a generator gives one object again and again", async () => {
    const spec: NodeSpec = {
      kind: "aggregateByKey",
      zero: () => 0,
      add: (sum: number, value: { readonly n: number }) => sum + value.n,
      merge: (a: number, b: number) => a + b,
    };
    const scope = memoryScope({ graph: graphOf(spec), ports: new MemoryPorts() });
    const out = new Collector();
    const step = createCombine(scope, { op: "combine", node: 0, phase: "complete", key: "pair" }, out);
    const value = { n: 0 };
    for (value.n = 1; value.n <= 10; value.n++) step.row([value.n % 2 === 0 ? "even" : "odd", value]);
    await step.finish();
    expect(out.rows).toEqual([
      ["odd", 25],
      ["even", 30],
    ]);
  });

  test("createCombine() names the row when it failed while a later row was taken", () => {
    const fn = (a: unknown) => {
      throw new Error(`bad ${a}`);
    };
    const scope = memoryScope({ graph: graphOf({ kind: "reduceByKey", fn }), ports: new MemoryPorts() });
    const step = createCombine(
      scope,
      { op: "combine", node: 0, phase: "complete", key: "pair" },
      new Collector(),
    );
    for (const row of [
      ["a", 0],
      ["b", 1],
      ["a", 2],
      ["c", 3],
    ])
      step.row(row);
    expect(() => step.row(["d", {}])).toThrow("row 2: Error: bad 0");
  });

  for (const kind of KINDS) {
    for (const [name, memoryBytes] of [
      ["in memory", 64 << 20],
      ["with spilling", 2000],
    ] as const) {
      test(`createCombine() agrees with a plain oracle for ${kind} keys ${name}`, async () => {
        const pairs = randomPairs(randomNumbers(SEED), { kind, rows: 3000, distinct: 500 });
        const groups = [...groupPairs(pairs).values()];
        const sums = byKey(groups.map(({ key, values }) => [key, values.reduce((a, b) => a + b)]));
        const counts = byKey(groups.map(({ key, values }) => [key, values.length]));
        const keys = pairs.map(([key]) => key);
        for (const how of ["rows", "batches"] as const) {
          const o = { memoryBytes, how };
          const reduced = await combine(pairs, { spec: SUM, phase: "complete", ...o });
          expect(byKey(reduced.rows), `seed ${SEED}`).toEqual(sums);
          expect(reduced.spills > 0).toBe(memoryBytes === 2000);
          expect(byKey((await inTwoPhases(pairs, { spec: SUM, ...o })).rows)).toEqual(sums);
          expect(byKey((await inTwoPhases(pairs, { spec: { kind: "countByKey" }, ...o })).rows)).toEqual(
            counts,
          );
          expect(byKey((await inTwoPhases(keys, { spec: { kind: "countByValue" }, ...o })).rows)).toEqual(
            counts,
          );
          const distinct = (await inTwoPhases(keys, { spec: { kind: "distinct" }, ...o })).rows;
          expect(distinct.map(keyText).sort()).toEqual(groups.map(({ key }) => keyText(key)).sort());
          const lists = byKey((await inTwoPhases(pairs, { spec: COLLECT, ...o })).rows);
          expect(lists.map(([key, list]): [string, unknown] => [key, (list as number[]).length])).toEqual(
            counts,
          );
        }
      });
    }
  }

  test("createCombine() gives keys in order of first appearance when nothing is put aside", async () => {
    const { rows } = await combine(["b", "a", "b", "c"], {
      spec: { kind: "countByValue" },
      phase: "complete",
    });
    expect(rows).toEqual([
      ["b", 2],
      ["a", 1],
      ["c", 1],
    ]);
  });

  test("createCombine() keeps accumulators exact when they stop being numbers half way", async () => {
    const spec: NodeSpec = { kind: "reduceByKey", fn: (a: unknown, b: unknown) => (b === "x" ? `${a}x` : b) };
    const rows = [
      ["a", 1.5],
      ["b", -0],
      ["c", Number.NaN],
      ["a", "x"],
      ["d", 10n],
      ["b", undefined],
    ];
    expect((await combine(rows, { spec, phase: "complete", how: "rows" })).rows).toEqual([
      ["a", "1.5x"],
      ["b", undefined],
      ["c", Number.NaN],
      ["d", 10n],
    ]);
  });

  test("createCombine() spills accumulators that grow although the keys are few", async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => [i % 5, i]);
    const { rows: out, spills } = await combine(rows, {
      spec: COLLECT,
      phase: "complete",
      memoryBytes: 50_000,
    });
    expect(spills).toBeGreaterThan(0);
    for (const [key, list] of out as [number, number[]][]) {
      expect(list).toEqual(rows.filter(([k]) => k === key).map(([, v]) => v));
    }
  });

  test("createCombine() splits parts again that are still too large", async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => [i % 10_000, 1]);
    const { rows: out, spills } = await combine(rows, { spec: SUM, phase: "complete", memoryBytes: 20_000 });
    expect(spills).toBeGreaterThan(1);
    expect(out.length).toBe(10_000);
    expect(new Set((out as [number, number][]).map(([, sum]) => sum))).toEqual(new Set([2]));
  });

  test("createCombine() passes rows on when keys hardly repeat", async () => {
    // The last rows repeat the first: who still combines would give fewer rows.
    const rows = Array.from({ length: 150_000 }, (_, i) => i % 120_000);
    for (const how of ["rows", "batches"] as const) {
      const counted = await combine(rows, { spec: { kind: "countByValue" }, phase: "partial", how });
      expect(counted.rows.length).toBe(150_000);
      expect(counted.rows.at(-1)).toEqual([29_999, 1]);
      const distinct = await combine(rows, { spec: { kind: "distinct" }, phase: "partial", how });
      expect(distinct.rows).toEqual(rows);
      const pairs = rows.map((n) => [n, n]);
      expect((await combine(pairs, { spec: SUM, phase: "partial", how })).rows).toEqual(pairs);
    }
  });

  test("createCombine() names the row when a closure throws or a row is no pair", async () => {
    const spec: NodeSpec = {
      kind: "reduceByKey",
      fn: () => {
        throw new Error("boom");
      },
    };
    for (const how of ["rows", "batches"] as const) {
      const rows = Array.from({ length: 3000 }, (_, i) => [i < 2500 ? i : 7, i]);
      const failing = combine(rows, { spec, phase: "complete", how });
      expect(failing).rejects.toThrow(
        "Cannot run reduceByKey at /home/user/job.ts:10: shard 0, row 2500: Error: boom",
      );
      await failing.catch(() => undefined);
      const odd = combine([["a", 1], "b"], { spec: SUM, phase: "complete", how });
      expect(odd).rejects.toBeInstanceOf(TaskError);
      await odd.catch(() => undefined);
    }
  });
});
