/** Keys of several items: by columns, one by one and mixed with others they are numbered as a map numbers them. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { columnOf } from "../../../core/batch/make.ts";
import { rowReader } from "../../../core/batch/row_reader.ts";
import { hashValue } from "../../../core/key/hash.ts";
import { KeyTable } from "../../../core/key/key_table.ts";
import { PairNumbers } from "../../../core/key/pair_numbers.ts";

const item = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.constantFrom("a", "b", "longer than eight bytes", ""),
  fc.constantFrom(null, 1.5, -0, 0, true),
);
const small = fc.integer({ min: 0, max: 30 });
const block = fc.oneof(
  fc.array(fc.tuple(small, fc.constantFrom("x", "y", "z"))),
  fc.array(fc.tuple(small, small, small)),
  fc.array(fc.tuple(fc.integer(), fc.string())),
  fc.array(fc.tuple(item, item)),
  fc.array(fc.option(fc.tuple(small, item))),
  fc.array(fc.array(small, { maxLength: 3 })),
  fc.array(fc.tuple(fc.tuple(small, small), item)),
  fc.array(fc.oneof(small, fc.tuple(small, small))),
);

const textOf = (key: unknown): string => JSON.stringify(key);

describe("KeyTable with arrays as keys", () => {
  test("numbers them as a map does, by columns or one by one", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(block, fc.boolean()), { maxLength: 5 }), (blocks) => {
        const table = new KeyTable();
        const numbers = new Map<string, number>();
        for (const [keys, isColumn] of blocks) {
          const column = columnOf(keys);
          const found = new Uint32Array(keys.length);
          table.findColumn(column, found);
          const before = keys.map((key) => (numbers.get(textOf(key)) ?? -1) + 1);
          expect([...found]).toEqual(before);
          expect(keys.map((key) => table.find(key) + 1)).toEqual(before);
          const entries = new Uint32Array(keys.length);
          if (isColumn) table.addColumn(column, entries);
          else entries.set(keys.map((key) => table.add(key)));
          for (const key of keys) if (!numbers.has(textOf(key))) numbers.set(textOf(key), numbers.size);
          expect([...entries]).toEqual(keys.map((key) => numbers.get(textOf(key)) ?? -1));
        }
        expect(table.size).toBe(numbers.size);
        const all = [...numbers.keys()].map((text): unknown => JSON.parse(text));
        const read = rowReader(table.keyColumn(Uint32Array.from(all.keys())));
        expect(all.map((_, i) => textOf(read(i)))).toEqual([...numbers.keys()]);
        all.forEach((key, i) => {
          expect(textOf(table.key(i))).toBe(textOf(key));
          expect(table.hash(i)).toBe(hashValue(key));
        });
        table.clear();
        expect(table.find([1, 2])).toBe(-1);
      }),
      { numRuns: 600 },
    );
  });

  test("refuses what is no key in an item", () => {
    for (const rows of [
      [[1, new Map()]],
      [
        [1, 2],
        [1, () => 0],
      ],
    ] as unknown[][][]) {
      const table = new KeyTable();
      expect(() => rows.map((row) => table.add(row))).toThrow(TypeError);
    }
  });
});

describe("PairNumbers", () => {
  test.each([4, 100, 400, 5000])(
    "numbers pairs of numbers below %d as a map does, also past its places",
    (limit) => {
      fc.assert(
        fc.property(
          fc.array(fc.array(fc.nat(2 ** 30), { minLength: 1, maxLength: 500 }), { maxLength: 4 }),
          (blocks) => {
            const pairs = new PairNumbers();
            const numbers = new Map<string, number>();
            for (const values of blocks) {
              const firsts = Uint32Array.from(values, (value) => (value % limit) % (limit / 2 + 1));
              const seconds = Uint32Array.from(values, (value) => Math.floor(value / limit) % limit);
              const names = Array.from(firsts, (first, i) => `${first} ${seconds[i]}`);
              const out = new Uint32Array(values.length);
              pairs.findAll(
                firsts.map((first) => first + 1),
                seconds.map((second) => second + 1),
                values.length,
                out,
              );
              expect([...out]).toEqual(names.map((name) => (numbers.get(name) ?? -1) + 1));
              pairs.addAll(firsts, seconds, values.length, out);
              for (const name of names) if (!numbers.has(name)) numbers.set(name, numbers.size);
              expect([...out]).toEqual(names.map((name) => numbers.get(name) ?? -1));
              names.forEach((name, i) => {
                expect(pairs.find(firsts[i], seconds[i])).toBe(numbers.get(name) ?? -1);
                expect(pairs.add(firsts[i], seconds[i])).toBe(numbers.get(name) ?? -1);
              });
            }
            for (const [name, pair] of numbers)
              expect(`${pairs.first(pair)} ${pairs.second(pair)}`).toBe(name);
            expect(pairs.size).toBe(numbers.size);
          },
        ),
        { numRuns: 50 },
      );
    },
  );
});
