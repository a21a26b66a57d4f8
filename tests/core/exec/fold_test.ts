import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createFold } from "../../../core/exec/fold.ts";
import type { NodeSpec } from "../../../core/graph/node.ts";
import { compareValues } from "../../../core/key/compare.ts";
import type { Phase } from "../../../core/plan/physical.ts";
import { Collector, feed, graphOf, MemoryPorts, memoryScope } from "./memory_ports.ts";

async function fold(
  spec: NodeSpec,
  phase: Phase,
  rows: readonly unknown[],
  how: "rows" | "batches" = "batches",
) {
  const scope = memoryScope({ graph: graphOf(spec), ports: new MemoryPorts() });
  const out = new Collector();
  await feed(createFold(scope, { op: "fold", node: 0, phase }, out), rows, how, 7);
  expect(out.isFinished).toBe(true);
  return out.rows;
}

/** Some partial tasks, then one that merges. */
async function sharded(
  spec: NodeSpec,
  rows: readonly unknown[],
  shards: number,
  how: "rows" | "batches" = "batches",
) {
  const partial: unknown[] = [];
  for (let shard = 0; shard < shards; shard++) {
    partial.push(
      ...(await fold(
        spec,
        "partial",
        rows.filter((_, i) => i % shards === shard),
        how,
      )),
    );
  }
  return fold(spec, "merge", partial);
}

describe("createFold()", () => {
  for (const how of ["rows", "batches"] as const) {
    test(`createFold() agrees with plain loops when fed ${how}`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 60 }),
          fc.integer({ min: 1, max: 5 }),
          async (rows, shards) => {
            const sum = rows.reduce((a, b) => a + b, 0);
            const mean = sum / rows.length;
            const variance = rows.reduce((a, b) => a + (b - mean) ** 2, 0) / rows.length;
            expect(await sharded({ kind: "count" }, rows, shards, how)).toEqual([rows.length]);
            expect(await sharded({ kind: "sum" }, rows, shards, how)).toEqual([sum]);
            expect(await sharded({ kind: "mean" }, rows, shards, how)).toEqual([mean]);
            expect(await sharded({ kind: "min" }, rows, shards, how)).toEqual([Math.min(...rows)]);
            expect(await sharded({ kind: "max" }, rows, shards, how)).toEqual([Math.max(...rows)]);
            const [stats] = (await sharded({ kind: "stats" }, rows, shards, how)) as Record<string, number>[];
            expect(stats).toMatchObject({
              count: rows.length,
              sum,
              mean,
              min: Math.min(...rows),
              max: Math.max(...rows),
            });
            expect(stats.variance).toBeCloseTo(variance, 6);
            expect(stats.stddev).toBeCloseTo(Math.sqrt(variance), 6);
          },
        ),
        { numRuns: 40 },
      );
    });

    test(`min and max follow the order of values when fed ${how}`, async () => {
      for (const rows of [
        [3, Number.NaN, 1],
        [Number.NaN, 3, 1],
        ["b", "ab", "é"],
        [undefined, 5, null],
        [5, "a", undefined, true],
        [1, 2, 3, 4, 5, 6, 7, undefined, 0],
      ]) {
        const ordered = [...rows].sort((a, b) => compareValues(a, b));
        // Array.prototype.sort puts undefined last whatever the comparison says.
        const first = rows.includes(undefined) ? undefined : ordered[0];
        expect(await sharded({ kind: "min" }, rows, 2, how)).toEqual([first]);
        expect(await sharded({ kind: "max" }, rows, 2, how)).toEqual([
          ordered.filter((v) => v !== undefined).at(-1),
        ]);
      }
    });
  }

  test("sum keeps small terms beside large ones, whatever the number of shards", async () => {
    const rows = [1e16, 1, -1e16, 1, 1e17, 3.5, -1e17];
    for (const shards of [1, 2, 3, 7]) {
      expect(await sharded({ kind: "sum" }, rows, shards), `${shards} shards`).toEqual([5.5]);
    }
    expect(await sharded({ kind: "sum" }, [Number.POSITIVE_INFINITY, 1], 1)).toEqual([
      Number.POSITIVE_INFINITY,
    ]);
    expect(await sharded({ kind: "sum" }, [1, Number.NaN], 1)).toEqual([Number.NaN]);
  });

  test("createFold() tells the result of no rows", async () => {
    expect(await sharded({ kind: "count" }, [], 2)).toEqual([0]);
    expect(await sharded({ kind: "sum" }, [], 2)).toEqual([0]);
    expect(await sharded({ kind: "mean" }, [], 2)).toEqual([]);
    expect(await sharded({ kind: "min" }, [], 2)).toEqual([]);
    expect(await sharded({ kind: "reduce", fn: (a, b) => a + b }, [], 2)).toEqual([]);
    const spec: NodeSpec = { kind: "aggregate", zero: () => "zero", add: (a) => a, merge: (a) => a };
    expect(await sharded(spec, [], 2)).toEqual(["zero"]);
    expect(await fold(spec, "complete", [])).toEqual(["zero"]);
  });

  test("createFold() runs closures when the node has them", async () => {
    expect(
      await sharded({ kind: "reduce", fn: (a: string, b: string) => (a > b ? a : b) }, ["a", "c", "b"], 2),
    ).toEqual(["c"]);
    const spec: NodeSpec = {
      kind: "aggregate",
      zero: () => new Set(),
      add: (set: Set<number>, n: number) => set.add(n),
      merge: (a: Set<number>, b: Set<number>) => new Set([...a, ...b]),
    };
    expect(await sharded(spec, [1, 2, 1, 3], 2)).toEqual([new Set([1, 2, 3])].map((set) => set));
  });

  test("createFold() names the step and the row when a value is no number or a closure throws", () => {
    expect(fold({ kind: "sum" }, "partial", [1, "x"])).rejects.toThrow(
      "Cannot run sum at /home/user/job.ts:10: shard 0, row 1: Cannot take the sum of a string",
    );
    const boom = () => {
      throw new Error("boom");
    };
    expect(fold({ kind: "reduce", fn: boom }, "partial", [1, 2, 3])).rejects.toThrow(
      "shard 0, row 1: Error: boom",
    );
  });
});
