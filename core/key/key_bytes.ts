/**
 * Keys of every type as bytes: a tag, then the content; equal bytes are equal keys.
 *
 * Equal keys have equal bytes, too, but for objects whose properties are in another order:
 * the order is kept. The bytes never leave the process, so they may change at any time.
 */
import type { ByteSink } from "../batch/byte_sink.ts";
import { type Column, isPresent } from "../batch/column.ts";
import { textOf } from "../batch/text.ts";
import { rankOf } from "./compare.ts";

const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  number: 4,
  bigint: 5,
  string: 6,
  /** A string with lone surrogates, as JSON. */
  odd: 7,
  date: 8,
  bytes: 9,
  array: 10,
  object: 11,
} as const;

const FLOAT = new Float64Array(1);
const FLOAT_BYTES = new Uint8Array(FLOAT.buffer);

/** Writes a key and tells the position after it. @throws {TypeError} If it is no key. */
export function writeKey(sink: ByteSink, value: unknown, at: number): number {
  switch (typeof value) {
    case "string":
      return writeText(sink, value, at);
    case "number":
      return writeDouble(sink, TAG.number, value, at);
    case "boolean":
      return writeTag(sink, value ? TAG.true : TAG.false, at);
    case "undefined":
      return writeTag(sink, TAG.undefined, at);
    case "bigint":
      return finishRun(sink, TAG.bigint, at, sink.writeString(value.toString(), at + 5));
    default:
      return value === null ? writeTag(sink, TAG.null, at) : writeObject(sink, value, at);
  }
}

function writeObject(sink: ByteSink, value: unknown, at: number): number {
  rankOf(value);
  if (value instanceof Date) return writeDouble(sink, TAG.date, value.getTime(), at);
  if (value instanceof Uint8Array) {
    return finishRun(sink, TAG.bytes, at, sink.writeBytes(value, 0, value.length, at + 5));
  }
  if (Array.isArray(value)) {
    let end = writeCount(sink, TAG.array, value.length, at);
    for (let i = 0; i < value.length; i++) end = writeKey(sink, value[i], end);
    return end;
  }
  const entries = Object.entries(value as object);
  let end = writeCount(sink, TAG.object, entries.length, at);
  for (const [name, item] of entries) end = writeKey(sink, item, writeText(sink, name, end));
  return end;
}

/** Writes row i of a column, as writeKey writes its value. */
export function writeKeyAt(sink: ByteSink, column: Column, i: number, at: number): number {
  if (!isPresent(column, i)) return writeTag(sink, column.absent === "null" ? TAG.null : TAG.undefined, at);
  switch (column.kind) {
    case "null":
      return at;
    case "number":
    case "date":
      return writeDouble(sink, TAG[column.kind], column.values[i], at);
    case "boolean":
      return writeTag(sink, (column.bits[i >> 3] & (1 << (i & 7))) !== 0 ? TAG.true : TAG.false, at);
    case "string":
    case "bytes": {
      const end = sink.writeBytes(column.bytes, column.offsets[i], column.offsets[i + 1], at + 5);
      return finishRun(sink, TAG[column.kind], at, end);
    }
    case "any":
      return writeKey(sink, column.values[i], at);
    case "list": {
      const from = column.offsets[i];
      const to = column.offsets[i + 1];
      let end = writeCount(sink, TAG.array, to - from, at);
      for (let k = from; k < to; k++) end = writeKeyAt(sink, column.items, k, end);
      return end;
    }
    case "tuple": {
      let end = writeCount(sink, TAG.array, column.columns.length, at);
      for (const each of column.columns) end = writeKeyAt(sink, each, i, end);
      return end;
    }
    case "object": {
      let end = writeCount(sink, TAG.object, column.columns.length, at);
      for (let k = 0; k < column.columns.length; k++) {
        end = writeKeyAt(sink, column.columns[k], i, writeText(sink, column.names[k], end));
      }
      return end;
    }
  }
}

function writeTag(sink: ByteSink, tag: number, at: number): number {
  sink.reserve(at, at + 1);
  sink.bytes[at] = tag;
  return at + 1;
}

function writeDouble(sink: ByteSink, tag: number, value: number, at: number): number {
  FLOAT[0] = Number.isNaN(value) ? Number.NaN : value + 0;
  writeTag(sink, tag, at);
  return sink.writeBytes(FLOAT_BYTES, 0, 8, at + 1);
}

function writeText(sink: ByteSink, text: string, at: number): number {
  const end = sink.writeString(text, at + 5);
  if (end >= 0) return finishRun(sink, TAG.string, at, end);
  return finishRun(sink, TAG.odd, at, sink.writeString(JSON.stringify(text), at + 5));
}

/** Sets tag and length of the bytes that were written from at + 5 to end. */
function finishRun(sink: ByteSink, tag: number, at: number, end: number): number {
  writeCount(sink, tag, end - at - 5, at);
  return end;
}

function writeCount(sink: ByteSink, tag: number, count: number, at: number): number {
  sink.reserve(at, at + 5);
  const bytes = sink.bytes;
  bytes[at] = tag;
  bytes[at + 1] = count;
  bytes[at + 2] = count >>> 8;
  bytes[at + 3] = count >>> 16;
  bytes[at + 4] = count >>> 24;
  return at + 5;
}

/** Makes the key again that was written at a position. */
export function readKey(bytes: Uint8Array, at: number): unknown {
  return readItem({ bytes, at });
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

function readItem(cursor: Cursor): unknown {
  const tag = cursor.bytes[cursor.at++];
  switch (tag) {
    case TAG.undefined:
      return undefined;
    case TAG.null:
      return null;
    case TAG.false:
    case TAG.true:
      return tag === TAG.true;
    case TAG.number:
      return readDouble(cursor);
    case TAG.date:
      return new Date(readDouble(cursor));
    case TAG.array:
      return readArray(cursor);
    case TAG.object:
      return readObject(cursor);
    default:
      return readRun(cursor, tag);
  }
}

function readRun(cursor: Cursor, tag: number): unknown {
  const length = readCount(cursor);
  const from = cursor.at;
  cursor.at += length;
  if (tag === TAG.bytes) return Uint8Array.from(cursor.bytes.subarray(from, cursor.at));
  const text = textOf(cursor.bytes, from, cursor.at);
  if (tag === TAG.bigint) return BigInt(text);
  return tag === TAG.odd ? JSON.parse(text) : text;
}

function readArray(cursor: Cursor): unknown[] {
  const array: unknown[] = [];
  for (let left = readCount(cursor); left > 0; left--) array.push(readItem(cursor));
  return array;
}

function readObject(cursor: Cursor): object {
  const entries: [string, unknown][] = [];
  for (let left = readCount(cursor); left > 0; left--) {
    entries.push([String(readItem(cursor)), readItem(cursor)]);
  }
  return Object.fromEntries(entries);
}

function readCount(cursor: Cursor): number {
  const { bytes, at } = cursor;
  cursor.at += 4;
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

function readDouble(cursor: Cursor): number {
  for (let i = 0; i < 8; i++) FLOAT_BYTES[i] = cursor.bytes[cursor.at++];
  return FLOAT[0];
}
