import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Column } from "../../../core/batch/column.ts";
import { columnOf } from "../../../core/batch/make.ts";
import { rowReader } from "../../../core/batch/row_reader.ts";
import { hashColumn, hashNumber, hashValue } from "../../../core/key/hash.ts";
import { hashBytes, hashString } from "../../../core/key/murmur.ts";
import { arbitraryKey } from "../batch/values.ts";

const UTF8 = new TextEncoder();

describe("murmur", () => {
  test("hashBytes() gives the published values of murmur3_x86_32", () => {
    const vectors: readonly (readonly [string, number, number])[] = [
      ["", 0, 0],
      ["", 1, 0x514e28b7],
      ["", 0xffffffff, 0x81f16f39],
      ["\xff\xff\xff\xff", 0, 0x76293b50],
      ["!Ce\x87", 0, 0xf55b516b],
      ["!Ce\x87", 0x5082edee, 0x2362f9de],
      ["!Ce", 0, 0x7e4a8634],
      ["!C", 0, 0xa0f7b07a],
      ["!", 0, 0x72661cf4],
      ["\0\0\0\0", 0, 0x2362f9de],
      ["\0\0\0", 0, 0x85f0b427],
      ["\0\0", 0, 0x30f4c306],
      ["\0", 0, 0x514e28b7],
      ["aaaa", 0x9747b28c, 0x5a97808a],
      ["aaa", 0x9747b28c, 0x283e0130],
      ["aa", 0x9747b28c, 0x5d211726],
      ["a", 0x9747b28c, 0x7fa09ea6],
      ["abcd", 0x9747b28c, 0xf0478627],
      ["abc", 0x9747b28c, 0xc84a62dd],
      ["ab", 0x9747b28c, 0x74875592],
      ["Hello, world!", 0x9747b28c, 0x24884cba],
      ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
    ];
    for (const [text, seed, expected] of vectors) {
      const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
      expect(`${text} ${hashBytes(bytes, 0, bytes.length, seed)}`).toBe(`${text} ${expected}`);
    }
    expect(hashString("ππππππππ", 0x9747b28c)).toBe(0xd58063c1);
  });

  test("hashString() gives what the UTF-8 bytes give", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), fc.nat(), (text, seed) => {
        const bytes = UTF8.encode(`#${text}`);
        expect(hashString(text, seed)).toBe(hashBytes(bytes, 1, bytes.length, seed));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("hashValue", () => {
  test("hashValue() never changes: keys of stored shards lie where they hash to", () => {
    const values: readonly unknown[] = [
      ...["", "word", "é😀", 0, 1, -1.5, Number.NaN, 10n, true, false, null, undefined],
      ...[new Date(0), Uint8Array.of(1, 2, 3), [], ["a", 1], {}, { b: 1, a: [null] }, "\ud800"],
    ];
    expect(values.map((value) => hashValue(value).toString(16))).toEqual([
      ...[
        "0",
        "c64ad4a0",
        "dba66b08",
        "ea95647d",
        "41554a0c",
        "1efacf06",
        "4b734f30",
        "2dc32e16",
        "f39cc060",
        "5ced1a5d",
        "7f4a7c15",
        "9e3779b9",
      ],
      ...["b2ce147f", "2e22c58d", "cc0d53cd", "54b76b36", "5ceb4d08", "c6d7349f", "b622c94e"],
    ]);
  });

  test("hashValue() tells lone surrogates apart", () => {
    expect(hashValue("\ud800")).not.toBe(hashValue("\ud801"));
    expect(hashValue("\ud800")).not.toBe(hashValue("\ufffd"));
  });

  test("hashValue() spreads keys of every type evenly over partitions", () => {
    const makers: readonly ((i: number) => unknown)[] = [
      (i) => i,
      (i) => i / 1000,
      (i) => `key ${i}`,
      (i) => BigInt(i),
      (i) => new Date(i * 86_400_000),
      (i) => [i % 100, Math.floor(i / 100)],
      (i) => ({ a: i }),
    ];
    for (const make of makers) {
      const counts = new Uint32Array(64);
      for (let i = 0; i < 64_000; i++) counts[hashValue(make(i)) % 64]++;
      expect(Math.max(...counts)).toBeLessThan(1200);
      expect(Math.min(...counts)).toBeGreaterThan(800);
    }
  });
});

describe("hashColumn", () => {
  test("hashColumn() gives the hash of each row, whatever column it lies in", () => {
    fc.assert(
      fc.property(fc.array(arbitraryKey, { maxLength: 20 }), (values) => {
        const expected = values.map(hashValue);
        const any: Column = { kind: "any", length: values.length, values };
        expect([...hashColumn(columnOf(values))]).toEqual(expected);
        expect([...hashColumn(any)]).toEqual(expected);
        const pairs = columnOf(values.map((value, i) => (i % 3 === 0 ? null : { b: [value, i], a: value })));
        const read = rowReader(pairs);
        expect([...hashColumn(pairs)]).toEqual(values.map((_, i) => hashValue(read(i))));
      }),
      { numRuns: 1000 },
    );
  });

  test("hashColumn() writes into the array that it is given", () => {
    const out = new Uint32Array(4).fill(7);
    expect(hashColumn(columnOf([1, null, -0]), out)).toBe(out);
    expect([...out]).toEqual([hashNumber(1), hashValue(null), hashNumber(0), 7]);
  });
});
