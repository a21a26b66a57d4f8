import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { StringColumn } from "../../../core/batch/column.ts";
import { columnOf } from "../../../core/batch/make.ts";
import { rowReader } from "../../../core/batch/row_reader.ts";
import { compareValues, equalValues } from "../../../core/key/compare.ts";
import { hashColumn, hashValue } from "../../../core/key/hash.ts";
import { KeyTable } from "../../../core/key/key_table.ts";
import { TextKeys } from "../../../core/key/text_keys.ts";
import { TextRuns } from "../../../core/key/text_runs.ts";
import { arbitraryKey, exactly } from "../batch/values.ts";

/** Blocks of keys: strings, numbers or anything, so that tables change their form on the way. */
const block = fc.oneof(
  fc.array(fc.string({ maxLength: 2 })),
  fc.array(fc.string({ unit: "binary", maxLength: 3 })),
  fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(0, -0, Number.NaN, 0.5))),
  fc.array(fc.option(fc.constantFrom("a", "b"))),
  fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.option(fc.integer({ min: 0, max: 3 })))),
  fc.array(
    fc.oneof(
      fc.record({ a: fc.constantFrom(1, 2), b: fc.constantFrom(1, 2) }),
      fc.record({ b: fc.constantFrom(1, 2), a: fc.constantFrom(1, 2) }),
    ),
  ),
  fc.array(arbitraryKey, { maxLength: 12 }),
);

/** Strings that begin neither at the first byte of their column nor at that of its memory. */
function shifted(texts: readonly string[]): StringColumn {
  const encoder = new TextEncoder();
  const offsets = new Uint32Array(texts.length + 1).fill(3);
  texts.forEach((text, i) => {
    offsets[i + 1] = offsets[i] + encoder.encode(text).length;
  });
  const bytes = encoder.encode(`_____${texts.join("")}`).subarray(2);
  return { kind: "string", length: texts.length, offsets, bytes };
}

/** The oracle: keys in order of first insertion. */
function entryOf(keys: unknown[], key: unknown): number {
  const found = keys.findIndex((other) => equalValues(other, key));
  return found >= 0 ? found : keys.push(key) - 1;
}

describe("KeyTable", () => {
  test("keeps fractions apart from the whole numbers that they are near to", () => {
    for (const keys of [
      [-5e-324, 0, -1, 1e-300],
      [1, 1e-20, 0, -1e-20, -3],
      [4, 2 ** 32 + 4, 4 - 2 ** 32, 4.5],
    ]) {
      const column = columnOf(keys);
      const entries = new Uint32Array(keys.length);
      const table = new KeyTable();
      table.addColumn(column, entries);
      expect([...entries]).toEqual(keys.map((_, i) => i));
      expect(keys.map((key) => table.find(key))).toEqual(keys.map((_, i) => i));
      const whole = new KeyTable();
      whole.addColumn(columnOf([-1, 0, 1]), entries);
      expect(whole.find(1e-20)).toBe(-1);
      whole.findColumn(columnOf([0, 1e-20, 1]), entries);
      expect([...entries.subarray(0, 3)]).toEqual([2, 0, 3]);
    }
  });

  test("add() and addAt() number keys of any types as a list of distinct keys does", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(block, fc.boolean()), { maxLength: 5 }), (blocks) => {
        const table = new KeyTable();
        const keys: unknown[] = [];
        for (const [values, isColumn] of blocks) {
          const column = columnOf(values);
          const hashes = hashColumn(column);
          values.forEach((value, i) => {
            const known = keys.findIndex((other) => equalValues(other, value));
            expect(table.find(value)).toBe(known);
            expect(table.findAt(column, i, hashes[i])).toBe(known);
            const entry = isColumn ? table.addAt(column, i, hashes[i]) : table.add(value);
            expect(entry).toBe(entryOf(keys, value));
            expect(table.size).toBe(keys.length);
          });
        }
        expectKeys(table, keys);
      }),
      { numRuns: 1000 },
    );
  });

  test("add() and addAt() take -0 for 0, whatever it lies in, and give 0 back", () => {
    const kinds: ((n: number) => unknown)[] = [(n) => n, (n) => [n, "a"], (n) => ({ n }), (n) => [[n]]];
    for (const key of kinds) {
      for (const [first, second] of [
        [key(-0), key(0)],
        [key(0), key(-0)],
      ] as const) {
        for (const isColumn of [false, true]) {
          const table = new KeyTable();
          const column = columnOf([first, second, key(Number.NaN), key(Number.NaN)]);
          const hashes = hashColumn(column);
          const read = rowReader(column);
          const entries = Array.from({ length: 4 }, (_, i) =>
            isColumn ? table.addAt(column, i, hashes[i]) : table.add(read(i)),
          );
          expect(entries).toEqual([0, 0, 1, 1]);
          expect(exactly(table.key(0))).toEqual(exactly(key(0)));
        }
      }
    }
  });

  test("addColumn() gives the entries that addAt() gives for each row", () => {
    const texts = Array.from({ length: 2000 }, (_, i) => `é${(i * 7919) % 300}`);
    const numbers = texts.map((_, i) => (i * 31) % 700);
    const pairs = texts.map((text, i) => (i % 5 === 0 ? null : [text, i % 3]));
    for (const blocks of [
      [texts, numbers, pairs],
      [numbers, texts],
      [pairs, numbers],
      [[], texts, texts],
    ]) {
      const table = new KeyTable();
      const single = new KeyTable();
      for (const values of blocks) {
        const column = columnOf(values);
        const hashes = hashColumn(column);
        const entries = new Uint32Array(values.length);
        table.addColumn(column, entries);
        expect(entries).toEqual(hashes.map((hash, i) => single.addAt(column, i, hash)));
      }
      expect(table.size).toBe(single.size);
    }
  });

  test("TextKeys compares every byte of strings of all lengths whose hashes are equal", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "é", "\0"), maxLength: 13 });
    fc.assert(
      fc.property(
        fc.array(fc.array(text, { maxLength: 60 }), { maxLength: 4 }),
        fc.boolean(),
        (blocks, same) => {
          const keys = new TextKeys();
          const runs = new TextRuns();
          const numbers = new Map<string, number>();
          for (const texts of blocks) {
            const column = shifted(texts);
            runs.fill(column, 0, texts.length);
            expect([...runs.hashes.subarray(0, texts.length)]).toEqual(texts.map((key) => hashValue(key)));
            if (same) runs.hashes.fill(7);
            const before = new Uint32Array(texts.length);
            keys.find(runs, before, 0);
            expect([...before]).toEqual(texts.map((key) => (numbers.get(key) ?? -1) + 1));
            const entries = new Uint32Array(texts.length);
            keys.enter(runs, entries, 0);
            for (const key of texts) if (!numbers.has(key)) numbers.set(key, numbers.size);
            expect([...entries]).toEqual(texts.map((key) => numbers.get(key) ?? -1));
            if (!same) for (const key of texts) expect(keys.text(key, false)).toBe(numbers.get(key) ?? -1);
          }
          const all = rowReader(keys.column(Uint32Array.from(numbers.values())));
          expect(Array.from(numbers.values(), (entry) => all(entry))).toEqual([...numbers.keys()]);
        },
      ),
    );
  });

  test("TextKeys tells bytes apart that a head could be taken for", () => {
    const runsOfBytes = [
      [],
      [0],
      [0, 0],
      [97],
      [97, 0],
      [97, 98, 99, 100],
      [97, 98, 99, 100, 0],
      [97, 98, 99, 100, 255, 255, 255, 255],
      [97, 98, 99, 100, 255, 255, 255, 255, 255],
      [97, 98, 99, 100, 101, 102, 103, 104, 105],
      [97, 98, 99, 100, 101, 102, 103, 104],
      [97, 98, 99, 100, 0, 0, 0, 0],
    ];
    const bytes = Uint8Array.from(runsOfBytes.flat());
    const offsets = new Uint32Array(runsOfBytes.length + 1);
    runsOfBytes.forEach((run, i) => {
      offsets[i + 1] = offsets[i] + run.length;
    });
    const runs = new TextRuns();
    runs.fill({ kind: "string", length: runsOfBytes.length, offsets, bytes }, 0, runsOfBytes.length);
    runs.hashes.fill(1);
    const keys = new TextKeys();
    const entries = new Uint32Array(runsOfBytes.length);
    keys.enter(runs, entries, 0);
    expect([...entries]).toEqual(runsOfBytes.map((_, i) => i));
    keys.enter(runs, entries, 0);
    expect([...entries]).toEqual(runsOfBytes.map((_, i) => i));
  });

  test("addColumn() and findColumn() number whole numbers, close together or not, as a map does", () => {
    const run = fc.record({
      from: fc.oneof(
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: -1e6, max: 1e6 }),
        fc.constant(2 ** 53 - 5000),
      ),
      step: fc.constantFrom(1, 1, 3, 17, 100, 4096, 0.5),
      repeats: fc.constantFrom(1, 1, 2, 50),
      rows: fc.constantFrom(1, 5, 300, 4200, 9000),
    });
    const odd = fc.constantFrom(
      Number.NaN,
      -0,
      0.5,
      -5e-324,
      1e-200,
      1e300,
      Number.POSITIVE_INFINITY,
      -(2 ** 31),
      2 ** 32,
    );
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 3, arbitrary: run }, odd), { maxLength: 7 }), (blocks) => {
        const table = new KeyTable();
        const known = new Map<number, number>();
        for (const each of blocks) {
          const values =
            typeof each === "number"
              ? Float64Array.of(each, 7, each)
              : Float64Array.from(
                  { length: each.rows },
                  (_, i) =>
                    each.from + (((i * 7919) % each.rows) % Math.ceil(each.rows / each.repeats)) * each.step,
                );
          const column = { kind: "number", length: values.length, values } as const;
          const found = new Uint32Array(values.length);
          table.findColumn(column, found);
          expect(found).toEqual(Uint32Array.from(values, (value) => (known.get(value) ?? -1) + 1));
          const entries = new Uint32Array(values.length);
          table.addColumn(column, entries);
          for (const value of values) if (!known.has(value)) known.set(value, known.size);
          expect(entries).toEqual(Uint32Array.from(values, (value) => known.get(value) ?? -1));
          expect(table.size).toBe(known.size);
          expect(table.find(values[0])).toBe(known.get(values[0]) ?? -2);
          expect(table.add(values[0])).toBe(known.get(values[0]) ?? -2);
        }
        const hashes = [...known.keys()].map(hashValue);
        expect(hashes.map((_, entry) => table.hash(entry))).toEqual(hashes);
        // A key of another type moves all of them.
        expect(table.add("a")).toBe(known.size);
        expect([...known.keys()].map((key) => table.find(key))).toEqual([...known.values()]);
      }),
      { numRuns: 150 },
    );
  });

  test("whole numbers that go on and on have their memory made anew seldom", () => {
    const orders: Readonly<Record<string, (i: number) => number>> = {
      up: (i) => i,
      down: (i) => -i,
      outwards: (i) => (i % 2 === 0 ? i : -i),
      "in steps": (i) => 7 * i,
      "in steps that are nearly too long": (i) => 15 * i,
      "in steps that are too long": (i) => 16 * i,
    };
    const [rows, blockRows] = [300_000, 300];
    for (const [name, key] of Object.entries(orders)) {
      const [table, single] = [new KeyTable(), new KeyTable()];
      const entries = new Uint32Array(blockRows);
      const made = { table: 0, single: 0 };
      for (let from = 0; from < rows; from += blockRows) {
        const before = [table.sizeBytes, single.sizeBytes];
        const keys = Float64Array.from({ length: blockRows }, (_, i) => key(from + i));
        table.addColumn({ kind: "number", length: blockRows, values: keys }, entries);
        expect(entries[blockRows - 1]).toBe(from + blockRows - 1);
        for (const each of keys) single.add(each);
        if (table.sizeBytes !== before[0]) made.table++;
        if (single.sizeBytes !== before[1]) made.single++;
      }
      expect([name, table.size, single.size]).toEqual([name, rows, rows]);
      expect([name, made.table < 100, made.single < 100]).toEqual([name, true, true]);
      for (let i = 0; i < rows; i += 977) expect([table.find(key(i)), single.find(key(i))]).toEqual([i, i]);
    }
  });

  test("keyColumn() gives the keys that are asked for, in that order", () => {
    for (const keys of [
      ["a", "é", ""],
      [1, Number.NaN, 0],
      [["a", 1], null, { z: 1, a: "\ud800" }],
    ]) {
      const table = new KeyTable();
      for (const key of keys) table.add(key);
      const column = table.keyColumn(Uint32Array.of(2, 0, 2));
      const read = rowReader(column);
      expect([0, 1, 2].map(read).map(exactly)).toEqual([keys[2], keys[0], keys[2]].map(exactly));
    }
    expect(new KeyTable().keyColumn(new Uint32Array(0)).length).toBe(0);
  });

  test("key() keeps the order of an object's properties as it came first", () => {
    const table = new KeyTable();
    table.add({ z: 1, a: 2 });
    expect(table.add({ a: 2, z: 1 })).toBe(0);
    expect(Object.keys(table.key(0) as object)).toEqual(["z", "a"]);
  });

  test("key() gives what was added even when the user changes the object later", () => {
    const table = new KeyTable();
    const key = ["a", { n: [1] }];
    table.add(key);
    key[0] = "b";
    expect(table.key(0)).toEqual(["a", { n: [1] }]);
    expect(table.find(key)).toBe(-1);
  });

  test("add() agrees with a Map when there are a million keys", () => {
    const table = new KeyTable();
    const entries = new Map<string, number>();
    const words = Array.from(
      { length: 1_000_000 },
      (_, i) => `w${(Math.imul(i, 2_654_435_761) >>> 0) % 700_000}`,
    );
    const column = columnOf(words);
    const hashes = hashColumn(column);
    for (let i = 0; i < words.length; i++) {
      const entry = table.addAt(column, i, hashes[i]);
      const known = entries.get(words[i]) ?? entries.size;
      entries.set(words[i], known);
      if (entry !== known) throw new Error(`${words[i]}: entry ${entry} instead of ${known}`);
    }
    expect(table.size).toBe(entries.size);
    expect(table.sizeBytes).toBeGreaterThan(entries.size * 10);
    table.add(7);
    expect(table.find(words[12_345])).toBe(entries.get(words[12_345]) ?? -1);
    expect(table.key(entries.get(words[99]) ?? -1)).toBe(words[99]);
  });

  test("clear() forgets the keys and gives the memory back", () => {
    const table = new KeyTable();
    const empty = table.sizeBytes;
    for (let i = 0; i < 10_000; i++) table.add(`key ${i}`);
    expect(table.sizeBytes).toBeGreaterThan(100_000);
    table.clear();
    expect([table.size, table.find("key 1"), table.sizeBytes]).toEqual([0, -1, empty]);
    expect(table.add(1)).toBe(0);
    expect(table.key(0)).toBe(1);
  });

  test("add() refuses what is no key and goes on", () => {
    const table = new KeyTable();
    table.add("a");
    expect(() => table.add(new Map())).toThrow(TypeError);
    expect(() => table.add(["x", () => 1])).toThrow(TypeError);
    expect(table.add("b")).toBe(1);
    expect([table.key(0), table.key(1)]).toEqual(["a", "b"]);
  });
});

function expectKeys(table: KeyTable, keys: readonly unknown[]): void {
  const all = rowReader(table.keyColumn(Uint32Array.from(keys.keys())));
  keys.forEach((key, entry) => {
    expect(compareValues(table.key(entry), key)).toBe(0);
    expect(compareValues(all(entry), key)).toBe(0);
    expect(table.hash(entry)).toBe(hashValue(key));
  });
}
