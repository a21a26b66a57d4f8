import { describe, expect, test } from "bun:test";
import { crc32 } from "node:zlib";
import { decode } from "cbor-x";
import fc from "fast-check";
import {
  batchChecksum,
  decodeItem,
  encodeBatch,
  encodeTrailer,
  itemLength,
} from "../../../core/batch/codec.ts";
import type { Batch, Column } from "../../../core/batch/column.ts";
import { sliceColumn } from "../../../core/batch/gather.ts";
import { columnOf } from "../../../core/batch/make.ts";
import { ProtocolError } from "../../../core/errors.ts";
import { arbitraryRows, batchesOf, exactly, PORTS, rowsOf } from "./values.ts";

function decodeBatch(item: Uint8Array): Batch {
  const decoded = decodeItem(item, PORTS);
  if (decoded.kind !== "batch") throw new Error("no batch");
  return decoded.batch;
}

function batchOf(values: readonly unknown[]): Batch {
  return { rows: values.length, column: columnOf(values) };
}

/** The same bytes at an odd place of a buffer. */
function unaligned(item: Uint8Array): Uint8Array {
  const copy = new Uint8Array(item.length + 3);
  copy.set(item, 3);
  return copy.subarray(3);
}

/** Puts another byte in and makes the checksum fit again. */
function altered(item: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = item.slice();
  copy[at] = byte;
  new DataView(copy.buffer).setUint32(12, crc32(copy.subarray(16)));
  return copy;
}

/** What decoding gives: rows, or the protocol error; anything else is thrown. */
function outcome(item: Uint8Array): string {
  try {
    const decoded = decodeItem(item, PORTS);
    return decoded.kind === "batch" ? exactly(rowsOf(decoded.batch)) : "trailer";
  } catch (error) {
    if (error instanceof ProtocolError) return "refused";
    throw error;
  }
}

describe("codec", () => {
  test("decodeItem() gives back every row when the bytes are aligned or not", () => {
    fc.assert(
      fc.property(arbitraryRows, (rows) => {
        const items = batchesOf(rows).map((batch) => encodeBatch(batch, PORTS));
        const expected = rows.map(exactly);
        expect(items.flatMap((item) => rowsOf(decodeBatch(item))).map(exactly)).toEqual(expected);
        expect(items.flatMap((item) => rowsOf(decodeBatch(unaligned(item)))).map(exactly)).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test("decodeItem() gives back a part of a batch when a slice was encoded", () => {
    fc.assert(
      fc.property(arbitraryRows, fc.nat(40), fc.nat(40), (rows, a, b) => {
        const [from, to] = [a, b].map((n) => Math.min(n, rows.length)).sort((x, y) => x - y);
        const column = sliceColumn(columnOf(rows), from, to);
        const batch = decodeBatch(encodeBatch({ rows: to - from, column }, PORTS));
        expect(rowsOf(batch).map(exactly)).toEqual(rows.slice(from, to).map(exactly));
      }),
    );
  });

  test("decodeItem() makes views when the item is aligned", () => {
    const item = encodeBatch(
      batchOf([
        ["a", 1],
        ["b", 2],
      ]),
      PORTS,
    );
    const { column } = decodeBatch(item);
    if (
      column.kind !== "tuple" ||
      column.columns[0].kind !== "string" ||
      column.columns[1].kind !== "number"
    ) {
      throw new Error("another shape");
    }
    expect(column.columns[1].values.buffer).toBe(item.buffer);
    expect(column.columns[0].offsets.buffer).toBe(item.buffer);
    expect(column.columns[0].bytes.buffer).toBe(item.buffer);
  });

  test("encodeBatch() writes CBOR with typed arrays that another decoder reads", () => {
    const item = encodeBatch(
      batchOf([
        ["a", 1.5],
        ["bé", null],
      ]),
      PORTS,
    );
    const [length, rows, checksum, column, padding] = decode(item);
    expect(length).toBe(item.length);
    expect(rows).toBe(2);
    expect(checksum).toBe(crc32(item.subarray(16)));
    expect(batchChecksum(item)).toBe(checksum);
    expect(padding.every((byte: number) => byte === 0)).toBe(true);
    expect(column.slice(0, 3)).toEqual(["tuple", 2, 0]);
    const [names, numbers] = column[3];
    expect(names[4]).toEqual(Uint32Array.of(0, 1, 4));
    expect(Uint8Array.from(names[5])).toEqual(new TextEncoder().encode("abé"));
    expect(numbers[2]).toEqual(["null", Uint8Array.of(1)]);
    expect(numbers[4]).toEqual(Float64Array.of(1.5, 0));
  });

  test("itemLength() cuts a sequence of items, from any number of bytes on", () => {
    const items = [
      encodeBatch(batchOf(["a", "bcd"]), PORTS),
      encodeBatch(batchOf([{ x: [1n] }]), PORTS),
      encodeTrailer({ batches: 2, rows: 2 ** 40 + 3, checksum: 0xffffffff }),
    ];
    const sequence = Buffer.concat(items);
    let position = 0;
    for (const item of items) {
      for (let have = 0; have < 6; have++) {
        expect(itemLength(sequence.subarray(0, position + have), position)).toBeUndefined();
      }
      expect(itemLength(sequence.subarray(0, position + 6), position)).toBe(item.length);
      expect(item.length % 8).toBe(0);
      position += item.length;
    }
    expect(decodeItem(items[2], PORTS)).toEqual({
      kind: "trailer",
      trailer: { batches: 2, rows: 2 ** 40 + 3, checksum: 0xffffffff },
    });
    expect(decode(items[2]).slice(0, 3)).toEqual([items[2].length, "end", 2]);
    expect(() => itemLength(new Uint8Array(8), 0)).toThrow(ProtocolError);
    expect(() => itemLength(Uint8Array.of(0x85, 0x1a, 255, 255, 255, 248), 0)).toThrow(ProtocolError);
  });

  test("decodeItem() refuses bytes when one bit of them is flipped", () => {
    const item = encodeBatch(
      batchOf([
        ["a", 1, [true]],
        ["b", null, []],
      ]),
      PORTS,
    );
    for (let bit = 0; bit < 8 * item.length; bit++) {
      const broken = item.slice();
      broken[bit >> 3] ^= 1 << (bit & 7);
      expect(outcome(broken)).toBe("refused");
    }
  });

  test("decodeItem() refuses or reads, and never fails otherwise, when bytes are altered under a right checksum", () => {
    fc.assert(
      fc.property(arbitraryRows, fc.nat(), fc.nat(255), (rows, at, byte) => {
        for (const batch of batchesOf(rows)) {
          const item = encodeBatch(batch, PORTS);
          expect(typeof outcome(altered(item, 16 + (at % (item.length - 16)), byte))).toBe("string");
          expect(outcome(item.subarray(0, at % item.length))).toBe("refused");
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("decodeItem() refuses columns nested too deep", () => {
    let column: Column = columnOf([1]);
    for (let i = 0; i < 1000; i++) column = { kind: "tuple", length: 1, columns: [column] };
    expect(outcome(encodeBatch({ rows: 1, column }, PORTS))).toBe("refused");
  });

  test("decodeItem() refuses more rows than any batch has", () => {
    const column: Column = { kind: "null", length: 0xffffffff, absent: "null" };
    expect(outcome(encodeBatch({ rows: column.length, column }, PORTS))).toBe("refused");
  });
});
