import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BatchBuilder } from "../../../core/batch/batch_builder.ts";
import type { Batch } from "../../../core/batch/column.ts";
import { LucioleError } from "../../../core/errors.ts";
import { arbitraryRows, batchesOf, exactly, rowsOf } from "./values.ts";

const kindsOf = (batches: readonly Batch[]) => batches.map(({ column }) => column.kind);

function refusalOf(row: unknown): string {
  try {
    batchesOf([["a", 1], row]);
  } catch (error) {
    if (error instanceof LucioleError) return `${error.code}: ${error.message}`;
  }
  return "stored";
}

describe("BatchBuilder", () => {
  test("append() keeps the row as it is when its owner changes it afterwards, whatever its shape", () => {
    const map = new Map<string, unknown>();
    const object: Record<string, unknown> = { nested: [new Set([0])] };
    const batches: Batch[] = [];
    const maps = new BatchBuilder({ onBatch: (batch) => batches.push(batch) });
    const mixed = new BatchBuilder({ onBatch: (batch) => batches.push(batch) });
    for (let i = 0; i < 3; i++) {
      map.set("at", [i]);
      maps.append(map);
      object[`field${i}`] = i;
      (object.nested as Set<number>[])[0].add(i);
      mixed.append(object);
    }
    maps.flush();
    mixed.flush();
    expect(batches.flatMap(rowsOf)).toEqual([
      new Map([["at", [0]]]),
      new Map([["at", [1]]]),
      new Map([["at", [2]]]),
      { nested: [new Set([0])], field0: 0 },
      { nested: [new Set([0, 1])], field0: 0, field1: 1 },
      { nested: [new Set([0, 1, 2])], field0: 0, field1: 1, field2: 2 },
    ]);
  });

  test("append() gives back every row as it was when rows have any mixture of shapes", () => {
    fc.assert(
      fc.property(arbitraryRows, fc.constantFrom(1, 3, 65536), (rows, maxRows) => {
        const batches = batchesOf(rows, maxRows);
        expect(batches.flatMap(rowsOf).map(exactly)).toEqual(rows.map(exactly));
        for (const { rows: count, column } of batches) {
          expect(column.length).toBe(count);
          expect(count).toBeLessThanOrEqual(maxRows);
        }
      }),
      { numRuns: 1500 },
    );
  });

  test("append() keeps columns when the shapes can be joined", () => {
    expect(kindsOf(batchesOf([1, 2, 3]))).toEqual(["number"]);
    expect(
      kindsOf(
        batchesOf([
          ["a", 1],
          ["b", null],
          [undefined, 3],
        ]),
      ),
    ).toEqual(["tuple"]);
    expect(kindsOf(batchesOf([[1], [1, 2], []]))).toEqual(["list"]);
    expect(kindsOf(batchesOf([{ a: 1 }, null, { a: 2 }]))).toEqual(["object"]);
    expect(kindsOf(batchesOf([null, undefined]))).toEqual(["any"]);
    expect(kindsOf(batchesOf([{ a: 1 }, { b: 1 }]))).toEqual(["any"]);
    expect(
      kindsOf(
        batchesOf([
          { a: 1, b: 2 },
          { b: 1, a: 2 },
        ]),
      ),
    ).toEqual(["any"]);
    expect(kindsOf(batchesOf([1, 1n]))).toEqual(["any"]);
    expect(kindsOf(batchesOf(["a", "\ud800"]))).toEqual(["any"]);
  });

  test("append() emits what is held when many rows came before one of another shape", () => {
    const rows = [...Array.from({ length: 5000 }, (_, i) => i), "text", 7];
    const batches = batchesOf(rows);
    expect(batches.map(({ rows: count, column }) => [count, column.kind])).toEqual([
      [5000, "number"],
      [2, "any"],
    ]);
    expect(batches.flatMap(rowsOf)).toEqual(rows);
  });

  test("append() emits a batch when it has maxRows rows or maxBytes bytes", () => {
    const sizes: number[] = [];
    const onBatch = (batch: Batch) => void sizes.push(batch.rows);
    const byRows = new BatchBuilder({ maxRows: 10, onBatch });
    for (let i = 0; i < 25; i++) byRows.append(i);
    expect(byRows.rows).toBe(5);
    const byBytes = new BatchBuilder({ maxBytes: 1000, onBatch });
    for (let i = 0; i < 3; i++) byBytes.append("x".repeat(600));
    expect(sizes).toEqual([10, 10, 2]);
    expect(byBytes.rows).toBe(1);
    expect(byBytes.sizeBytes).toBeGreaterThanOrEqual(600);
    byBytes.flush();
    expect([byBytes.rows, byBytes.sizeBytes]).toEqual([0, 0]);
    byBytes.flush();
    expect(sizes).toEqual([10, 10, 2, 1]);
  });

  test("append() refuses what cannot be stored, and names its place", () => {
    const cyclic: unknown[] = [];
    cyclic.push({ cyclic });
    let deep: unknown = 1;
    for (let i = 0; i < 300; i++) deep = [deep];
    const start = "not-serialisable: Cannot store a row: ";
    expect(refusalOf({ f: () => 1 })).toBe(`${start}its property "f" is a function`);
    expect(refusalOf(["a", Symbol("s")])).toBe(`${start}its item [1] is a symbol`);
    expect(refusalOf({ a: [1, { b: Promise.resolve() }] })).toBe(
      `${start}its property "a[1].b" is a promise; use mapShards for asynchronous work`,
    );
    expect(refusalOf(() => 1)).toBe(`${start}it is a function`);
    expect(refusalOf(new Map([[1, new (class Point {})()]]))).toBe(
      `${start}its item [0] is an instance of Point`,
    );
    expect(refusalOf(new Float64Array(1))).toBe(`${start}it is an instance of Float64Array`);
    expect(refusalOf(new (class Day extends Date {})())).toBe(`${start}it is an instance of Day`);
    expect(refusalOf(cyclic)).toBe(`${start}its item [0].cyclic is an object that contains itself`);
    expect(refusalOf(deep)).toContain("nested deeper than 200 levels");
  });

  test("append() goes on when a row was refused half-way", () => {
    const batches: Batch[] = [];
    const builder = new BatchBuilder({ onBatch: (batch) => batches.push(batch) });
    builder.append(["a", [1], "x"]);
    expect(() => builder.append(["bbb", [2, 3], () => 1])).toThrow(LucioleError);
    builder.append(["c", [4], "y"]);
    builder.flush();
    expect(batches.flatMap(rowsOf)).toEqual([
      ["a", [1], "x"],
      ["c", [4], "y"],
    ]);
    expect(kindsOf(batches)).toEqual(["tuple"]);
  });

  test("append() takes strings of any length when they grow the buffers", () => {
    const rows = Array.from({ length: 200 }, (_, i) => "aé€😀".repeat(i));
    expect(batchesOf(rows).flatMap(rowsOf)).toEqual(rows);
  });

  test("append() never runs names of properties as code", () => {
    const name = '"]; throw new Error("ran"); //`\u2028';
    const rows = [{ [name]: 1 }, { [name]: 2 }];
    expect(batchesOf(rows).flatMap(rowsOf)).toEqual(rows);
  });
});
