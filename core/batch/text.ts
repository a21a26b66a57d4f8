/**
 * The text of string columns: decoded once for a column, then cut by position.
 *
 * Bytes that are not UTF-8 give what TextDecoder makes of each row on its own.
 */
import type { Column, StringColumn } from "./column.ts";

interface ColumnText {
  /** Text of all rows; missing when the rows must be decoded one by one. */
  readonly text: string | undefined;
  /** Row i is text.substring(starts[i] - base, starts[i + 1] - base). */
  readonly starts: Uint32Array;
  readonly base: number;
}

/** The longest range that is decoded at once; longer ones would press against the engine's limit. */
const MAX_RANGE = 1 << 28;
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });
const TEXTS = new WeakMap<StringColumn, ColumnText>();

/** Decodes a column; a second call is free. */
export function columnText(column: StringColumn): ColumnText {
  let text = TEXTS.get(column);
  if (text === undefined) {
    text = decodeColumn(column);
    TEXTS.set(column, text);
  }
  return text;
}

/** Decodes row i alone. */
export function decodeRow(column: StringColumn, i: number): string {
  return textOf(column.bytes, column.offsets[i], column.offsets[i + 1]);
}

/** Decodes bytes [from, to). */
export function textOf(bytes: Uint8Array, from: number, to: number): string {
  return LENIENT.decode(bytes.subarray(from, to));
}

/** A copy of a string: a substring would keep the whole text alive that it was cut from. */
export function detached(text: string): string {
  return text.isWellFormed() ? LENIENT.decode(ENCODER.encode(text)) : JSON.parse(JSON.stringify(text));
}

/**
 * The same column with its strings as they are read: bytes that are not UTF-8 are replaced in all places of it.
 * Those of files may be any; the order of such bytes is not that of the texts that are read of them.
 */
export function wellFormed(column: Column): Column {
  switch (column.kind) {
    case "string":
      return isUtf8(column) ? column : reencoded(column);
    case "tuple":
    case "object": {
      const columns = column.columns.map(wellFormed);
      return columns.every((each, k) => each === column.columns[k]) ? column : { ...column, columns };
    }
    case "list": {
      const items = wellFormed(column.items);
      return items === column.items ? column : { ...column, items };
    }
    default:
      return column;
  }
}

function isUtf8(column: StringColumn): boolean {
  const { offsets, bytes, length } = column;
  const end = offsets[length];
  let at = offsets[0];
  while (at < end && bytes[at] < 0x80) at++;
  if (at === end) return true;
  if (end - at > MAX_RANGE || decodeStrictly(bytes.subarray(at, end)) === undefined) return false;
  for (let i = 0; i < length; i++) {
    if (offsets[i] < offsets[i + 1] && (bytes[offsets[i]] & 0xc0) === 0x80) return false;
  }
  return true;
}

function reencoded(column: StringColumn): StringColumn {
  const { length } = column;
  const texts = Array.from({ length }, (_, i) => ENCODER.encode(decodeRow(column, i)));
  const offsets = new Uint32Array(length + 1);
  for (let i = 0; i < length; i++) offsets[i + 1] = offsets[i] + texts[i].length;
  const bytes = new Uint8Array(offsets[length]);
  for (let i = 0; i < length; i++) bytes.set(texts[i], offsets[i]);
  return { ...column, offsets, bytes };
}

function decodeColumn(column: StringColumn): ColumnText {
  const { offsets, bytes, length } = column;
  const base = offsets[0];
  const range = bytes.subarray(base, offsets[length]);
  const text = range.length > MAX_RANGE ? undefined : decodeStrictly(range);
  if (text === undefined) return { text, starts: offsets, base };
  if (text.length === range.length) return { text, starts: offsets, base };
  const starts = unitStarts(column);
  return starts === undefined ? { text: undefined, starts: offsets, base } : { text, starts, base: 0 };
}

function decodeStrictly(range: Uint8Array): string | undefined {
  try {
    return STRICT.decode(range);
  } catch {
    return undefined;
  }
}

/** Positions of the rows in UTF-16 units; undefined when a row begins inside of a character. */
function unitStarts({ offsets, bytes, length }: StringColumn): Uint32Array | undefined {
  const starts = new Uint32Array(length + 1);
  let units = 0;
  let position = offsets[0];
  for (let i = 0; i < length; i++) {
    const end = offsets[i + 1];
    if (position < end && (bytes[position] & 0xc0) === 0x80) return undefined;
    for (; position < end; position++) {
      const byte = bytes[position];
      if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    starts[i + 1] = units;
  }
  return starts;
}
