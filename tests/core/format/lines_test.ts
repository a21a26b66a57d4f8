/** Cutting bytes into lines: the same lines come out however the bytes are cut. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { StringColumn } from "../../../core/batch/column.ts";
import { LineSplitter } from "../../../core/format/lines.ts";

function texts(column: StringColumn): string[] {
  return Array.from({ length: column.length }, (_, i) =>
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      column.bytes.subarray(column.offsets[i], column.offsets[i + 1]),
    ),
  );
}

function split(pieces: Uint8Array[], options: { maxRows?: number; maxBytes?: number } = {}): string[][] {
  const batches: string[][] = [];
  const splitter = new LineSplitter({ ...options, onBatch: (batch) => batches.push(texts(batch.column)) });
  for (const piece of pieces) splitter.push(piece);
  splitter.endFile();
  splitter.flush();
  return batches;
}

function plainLines(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  const last = lines.pop();
  const rows = lines.map((line) => line.replace(/\r$/, ""));
  return last === "" || last === undefined ? rows : [...rows, last];
}

function cut(bytes: Uint8Array, sizes: number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length]);
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

describe("LineSplitter", () => {
  test("gives the lines of the text when the pieces are random", () => {
    const text = fc
      .array(fc.constantFrom("a", "é", "\n", "\r", "\r\n", "long line ", "\uFEFF", "🙂"), { maxLength: 80 })
      .map((parts) => parts.join(""));
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(text, sizes, fc.integer({ min: 1, max: 5 }), (source, pieceSizes, maxRows) => {
        const pieces = cut(new TextEncoder().encode(source), pieceSizes);
        expect(split(pieces, { maxRows, maxBytes: 16 }).flat()).toEqual(plainLines(source));
      }),
      { numRuns: 1000 },
    );
  });

  test("ends the line at the end of a file when the next file follows", () => {
    const batches: string[][] = [];
    const splitter = new LineSplitter({ onBatch: (batch) => batches.push(texts(batch.column)) });
    for (const file of ["\uFEFFa\nb", "\uFEFFc\n", "", "d"]) {
      splitter.push(new TextEncoder().encode(file));
      splitter.endFile();
    }
    splitter.flush();
    expect(batches).toEqual([["a", "b", "c", "d"]]);
  });

  test("gives at most 65,536 rows a batch when lines are short", () => {
    const sizes = split([new Uint8Array(200_000).fill(10)]).map((rows) => rows.length);
    expect(sizes).toEqual([65_536, 65_536, 65_536, 3_392]);
  });

  test("keeps a line of 64 MiB whole when it comes in pieces of 1 MiB", () => {
    const piece = new Uint8Array(1 << 20).fill(120);
    let bytes = 0;
    let rows = 0;
    const splitter = new LineSplitter({
      onBatch: ({ column }) => {
        rows += column.length;
        bytes += column.offsets[column.length] - column.offsets[0];
      },
    });
    splitter.push(new TextEncoder().encode("first\n"));
    for (let i = 0; i < 64; i++) splitter.push(piece);
    splitter.push(new TextEncoder().encode("\nlast"));
    splitter.endFile();
    splitter.flush();
    expect({ rows, bytes }).toEqual({ rows: 3, bytes: 64 * (1 << 20) + 9 });
  });
});
