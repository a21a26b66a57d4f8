/**
 * Columns as CBOR arrays: [kind, length, presence, …].
 *
 * presence is 0 when every row is present, else [absent, validity]. Then follow, by kind:
 * number, date: pad, float64s · boolean: bits · string, bytes: pad, offsets from 0, bytes ·
 * tuple: columns · object: names, columns · list: pad, offsets from 0, column ·
 * any: 1 when its strings are escaped (escape.ts), values as CBOR in a byte string.
 */
import type { CborWriter } from "./cbor_writer.ts";
import { TAG } from "./cbor_writer.ts";
import type { Absent, AnyColumn, Column } from "./column.ts";
import { escapeStrings, needsEscape } from "./escape.ts";
import { usedItems } from "./gather.ts";
import type { ValueCodec } from "./ports.ts";

/** Number of items in the array of each kind. */
export const ITEMS = {
  null: 3,
  number: 5,
  date: 5,
  boolean: 4,
  string: 6,
  bytes: 6,
  tuple: 4,
  object: 5,
  list: 6,
  any: 5,
} as const;

/** Writes a column and all that is in it. */
export function encodeColumn(writer: CborWriter, column: Column, values: ValueCodec): void {
  writer.array(ITEMS[column.kind]);
  writer.text(column.kind);
  writer.uint(column.length);
  encodePresence(writer, column);
  switch (column.kind) {
    case "null":
      return;
    case "number":
    case "date":
      writer.typed(TAG.float64, column.values.subarray(0, column.length), 8);
      return;
    case "boolean":
      writer.typed(TAG.uint8, bitsOf(column.bits, column.length), 1);
      return;
    case "string":
    case "bytes":
      writer.typed(TAG.uint32, fromZero(column), 4);
      writer.typed(TAG.uint8, column.bytes.subarray(column.offsets[0], column.offsets[column.length]), 1);
      return;
    case "tuple":
      encodeColumns(writer, column.columns, values);
      return;
    case "object":
      writer.array(column.names.length);
      for (const name of column.names) writer.text(name);
      encodeColumns(writer, column.columns, values);
      return;
    case "list":
      writer.typed(TAG.uint32, fromZero(column), 4);
      encodeColumn(writer, usedItems(column), values);
      return;
    case "any":
      encodeAny(writer, column, values);
  }
}

function encodeColumns(writer: CborWriter, columns: readonly Column[], values: ValueCodec): void {
  writer.array(columns.length);
  for (const column of columns) encodeColumn(writer, column, values);
}

function encodePresence(writer: CborWriter, column: Column): void {
  if (column.kind === "null") {
    writer.text(column.absent);
  } else if (column.validity === undefined) {
    writer.uint(0);
  } else {
    writer.array(2);
    writer.text(column.absent satisfies Absent | undefined as Absent);
    writer.typed(TAG.uint8, bitsOf(column.validity, column.length), 1);
  }
}

/** Buffers may be longer than the rows need. */
function bitsOf(bits: Uint8Array, length: number): Uint8Array {
  return bits.subarray(0, (length + 7) >> 3);
}

function fromZero(column: { readonly offsets: Uint32Array; readonly length: number }): Uint32Array {
  const offsets = column.offsets.subarray(0, column.length + 1);
  const first = offsets[0];
  return first === 0 ? offsets : offsets.map((offset) => offset - first);
}

function encodeAny(writer: CborWriter, column: AnyColumn, codec: ValueCodec): void {
  const isEscaped = needsEscape(column.values);
  writer.uint(isEscaped ? 1 : 0);
  writer.blob(codec.encode(isEscaped ? escapeStrings(column.values) : column.values));
}
