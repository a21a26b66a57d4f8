import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { StringColumn } from "../../../core/batch/column.ts";
import { rowReader } from "../../../core/batch/row_reader.ts";

function stringColumn(rows: readonly Uint8Array[], skipped: number): StringColumn {
  const offsets = Uint32Array.of(skipped, ...rows.map(() => 0));
  for (let i = 0; i < rows.length; i++) offsets[i + 1] = offsets[i] + rows[i].length;
  const bytes = new Uint8Array(offsets[rows.length] + 2).fill(0xff);
  for (let i = 0; i < rows.length; i++) bytes.set(rows[i], offsets[i]);
  return { kind: "string", length: rows.length, offsets, bytes };
}

function expectEachDecoded(rows: readonly Uint8Array[], skipped: number): void {
  const read = rowReader(stringColumn(rows, skipped));
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let i = 0; i < rows.length; i++) expect(read(i)).toBe(decoder.decode(rows[i]));
}

/** Bytes that often are parts of characters, so that rows cut them anywhere. */
const piece = fc.constantFrom(
  ...[
    [0x61],
    [0xc3],
    [0xa9],
    [0xc3, 0xa9],
    [0xe2, 0x82],
    [0xe2, 0x82, 0xac],
    [0xac],
    [0xf0, 0x9f, 0x98, 0x80],
  ],
  ...[[0xf0, 0x9f], [0xed, 0xa0, 0x80], [0xef, 0xbb, 0xbf], [0xff], [0x00]],
);
const row = fc.array(piece, { maxLength: 4 }).map((pieces) => Uint8Array.from(pieces.flat()));

describe("rowReader", () => {
  test("rowReader() gives what TextDecoder gives for each row when bytes are any", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), fc.nat(3), (rows, skipped) =>
        expectEachDecoded(rows, skipped),
      ),
      { numRuns: 2000 },
    );
  });

  test("rowReader() gives each row when the text is not ASCII", () => {
    const rows = ["é", "", "a😀b", "€€", "\ufeff", "z"].map((text) => new TextEncoder().encode(text));
    expectEachDecoded(rows, 0);
    expectEachDecoded(rows, 2);
  });

  test("rowReader() never joins characters that are cut between rows", () => {
    expectEachDecoded([Uint8Array.of(0xc3), Uint8Array.of(0xa9)], 0);
    expectEachDecoded([Uint8Array.of(0xff), Uint8Array.of(0xfe)], 0);
  });
});
