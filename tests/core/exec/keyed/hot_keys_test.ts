/** Tests that a partial combine goes on combining hot keys while it hands other rows on. */
import { describe, expect, test } from "bun:test";
import { columnOf } from "../../../../core/batch/make.ts";
import { createCombine } from "../../../../core/exec/keyed/combine.ts";
import { HotKeys, KeySample } from "../../../../core/exec/keyed/hot_keys.ts";
import type { NodeSpec } from "../../../../core/graph/node.ts";
import { randomNumbers } from "../../../simulation/random.ts";
import { Collector, feed, graphOf, MemoryPorts, memoryScope, planOf, READ } from "../memory_ports.ts";
import { keyText, SEED } from "../random_rows.ts";

test("KeySample finds the entries that have their share of the rows, and forgets all", () => {
  const sample = new KeySample();
  sample.note(Uint32Array.from({ length: 640 }, (_, i) => (i % 40 < 10 ? 7 : i)));
  expect([...sample.take(0.2)]).toEqual([7]);
  expect([...sample.take(0)]).toEqual([]);
  sample.note(Uint32Array.of(3));
  sample.note(Uint32Array.of(3));
  sample.note(Uint32Array.of(4));
  expect([...sample.take(0.01)]).toEqual([3]);
});

test("HotKeys parts rows of any kind of key, single or in columns", () => {
  const kinds: readonly (readonly unknown[])[] = [
    [1, -0, Number.NaN, 0.5],
    ["a", "", "日本"],
    [null, 1, "a"],
    [
      ["a", 1],
      ["a", null],
    ],
    [{ b: 1, a: 2 }],
  ];
  for (const hot of kinds) {
    const found = new HotKeys(columnOf(hot));
    const rows = ["cold", ...hot, 99, null, ...hot].filter(
      (row, i) => row !== null || hot.includes(null) || i < 0,
    );
    const texts = new Set(hot.map(keyText));
    const isHot = rows.map((row) => texts.has(keyText(row)));
    const parts = found.split(columnOf(rows));
    expect([...(parts?.hot ?? [])]).toEqual([...isHot.keys()].filter((i) => isHot[i]));
    expect([...(parts?.others ?? [])]).toEqual([...isHot.keys()].filter((i) => !isHot[i]));
    for (const row of hot) if (typeof row !== "object") expect(found.has(row)).toBe(true);
    expect(found.has("cold")).toBe(false);
    expect(found.split(columnOf(["cold"]))).toBeUndefined();
  }
});

const SUM: NodeSpec = { kind: "reduceByKey", fn: (a: number, b: number) => a + b };
const PARTITIONS = 16;
/** Enough that it is seen that most keys do not repeat. */
const ROWS = 230_000;

async function partial(
  rows: readonly unknown[],
  spec: NodeSpec,
  how: "rows" | "batches",
): Promise<unknown[]> {
  const key = spec.kind === "distinct" || spec.kind === "countByValue" ? "row" : "pair";
  const step = { op: "combine", node: 0, phase: "partial", key } as const;
  const tail = { kind: "hash", partitions: PARTITIONS, key: "pair" } as const;
  const ports = new MemoryPorts();
  const scope = memoryScope({ graph: graphOf(spec), ports, plan: planOf(READ, [step], tail) });
  const out = new Collector();
  await feed(createCombine(scope, step, out), rows, how);
  ports.assertNoLeak();
  return out.rows;
}

/** A fifth of the rows has one key, the others hardly repeat. */
function keysOf(kind: "number" | "string" | "nullable" | "tuple"): unknown[] {
  const random = randomNumbers(SEED);
  const hot = { number: -1, string: "anonymous", nullable: null, tuple: ["a", 0] }[kind];
  return Array.from({ length: ROWS }, (_, i) => {
    if (random() < 0.2) return hot;
    const n = Math.floor(random() * 1e9);
    return kind === "string" ? `user ${n}` : kind === "tuple" ? ["b", n] : i % 2 === 0 ? n : n + 0.5;
  });
}

describe.each(["rows", "batches"] as const)(`a partial combine of %s, seed ${SEED}`, (how) => {
  test.each(["number", "string", "nullable", "tuple"] as const)(
    "combines a hot key of kind %s while others pass",
    async (kind) => {
      const keys = keysOf(kind);
      const hot = keyText({ number: -1, string: "anonymous", nullable: null, tuple: ["a", 0] }[kind]);
      // Single rows with objects as keys pass.
      const most = kind === "tuple" && how === "rows" ? ROWS : 8;
      const pairs = keys.map((key, i): [unknown, number] => [key, i]);
      const expected = new Map<string, number>();
      for (const [key, n] of pairs) expected.set(keyText(key), (expected.get(keyText(key)) ?? 0) + n);
      const out = (await partial(pairs, SUM, how)) as [unknown, number][];
      const sums = new Map<string, number>();
      for (const [key, n] of out) sums.set(keyText(key), (sums.get(keyText(key)) ?? 0) + n);
      expect(sums).toEqual(expected);
      expect(out.filter(([key]) => keyText(key) === hot).length).toBeLessThanOrEqual(most);
      // Twice at least, or no rows passed.
      expect(out.filter(([key]) => keyText(key) === hot).length).toBeGreaterThan(1);
    },
  );

  test("combines whole rows that are hot while others pass", async () => {
    const keys = keysOf("number");
    const counted = (await partial(keys, { kind: "countByValue" }, how)) as [unknown, number][];
    expect(counted.reduce((total, [, count]) => total + count, 0)).toBe(ROWS);
    expect(counted.filter(([key]) => key === -1).length).toBe(2);
    const distinct = await partial(keys, { kind: "distinct" }, how);
    expect(distinct.filter((key) => key === -1).length).toBe(2);
    expect(new Set(distinct)).toEqual(new Set(keys));
  });

  test.each([null, "5", 5n])("refuses to sum %p also while rows pass", async (odd) => {
    const keys = keysOf("number");
    for (const at of [ROWS - 2, keys.lastIndexOf(-1)]) {
      const rows = keys.map((key, i) => [key, i === at ? odd : i]);
      const failing = partial(rows, { kind: "sumByKey" }, how);
      await expect(failing).rejects.toThrow(`row ${at}: Cannot take the sum of a`);
    }
  });

  test("names the row when a closure throws for a hot key", async () => {
    const keys = keysOf("number");
    const at = keys.lastIndexOf(-1);
    const fn = (a: number, b: number) => {
      if (b === at) throw new Error("boom");
      return a + b;
    };
    const rows = keys.map((key, i) => [key, i]);
    const failing = partial(rows, { kind: "reduceByKey", fn }, how);
    await expect(failing).rejects.toThrow(`row ${at}: Error: boom`);
  });
});
