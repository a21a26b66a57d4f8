/**
 * Columns of the bytes that encode_column.ts writes; trusts nothing in them.
 */
import type { CborReader } from "./cbor_reader.ts";
import type { Absent, Column } from "./column.ts";
import { ITEMS } from "./encode_column.ts";
import { unescapeStrings } from "./escape.ts";
import type { ValueCodec } from "./ports.ts";

const MAX_DEPTH = 64;
/** Code is generated for each of them. */
const MAX_COLUMNS = 65_536;

interface Presence {
  readonly validity?: Uint8Array;
  readonly absent?: Absent;
}

/** Reads a column of `length` rows. @throws {ProtocolError} If the bytes are malformed. */
export function decodeColumn(reader: CborReader, length: number, codec: ValueCodec, depth = 0): Column {
  if (depth > MAX_DEPTH) reader.fail(`columns nested deeper than ${MAX_DEPTH} levels`);
  const items = reader.array();
  const kind = kindOf(reader, reader.text());
  if (items !== ITEMS[kind]) reader.fail(`${items} items for a column "${kind}"`);
  const claimed = reader.uint();
  if (claimed !== length) reader.fail(`a column of ${claimed} rows where ${length} are due`);
  if (kind === "null") return { kind, length, absent: absentOf(reader, reader.text()) };
  const presence = decodePresence(reader, length);
  switch (kind) {
    case "number":
    case "date":
      return { kind, length, ...presence, values: reader.float64s(length) };
    case "boolean":
      return { kind, length, ...presence, bits: decodeBits(reader, length) };
    case "string":
    case "bytes":
      return { kind, length, ...presence, ...decodeRuns(reader, length) };
    case "tuple":
      return { kind, length, ...presence, columns: decodeColumns(reader, length, codec, depth) };
    case "object":
      return { kind, length, ...presence, ...decodeObject(reader, length, codec, depth) };
    case "list": {
      const offsets = decodeOffsets(reader, length);
      return {
        kind,
        length,
        ...presence,
        offsets,
        items: decodeColumn(reader, offsets[length], codec, depth + 1),
      };
    }
    case "any":
      return { kind, length, ...presence, values: decodeAny(reader, length, codec) };
  }
}

function kindOf(reader: CborReader, text: string): Column["kind"] {
  return Object.hasOwn(ITEMS, text)
    ? (text as Column["kind"])
    : reader.fail(`unknown column "${text.slice(0, 40)}"`);
}

function absentOf(reader: CborReader, text: string): Absent {
  return text === "null" || text === "undefined"
    ? text
    : reader.fail(`unknown absence "${text.slice(0, 40)}"`);
}

function decodePresence(reader: CborReader, length: number): Presence {
  if (reader.isUint()) return reader.uint() === 0 ? {} : reader.fail("unknown presence");
  if (reader.array() !== 2) reader.fail("unknown presence");
  const absent = absentOf(reader, reader.text());
  return { validity: decodeBits(reader, length), absent };
}

function decodeBits(reader: CborReader, length: number): Uint8Array {
  const bits = reader.bytes();
  return bits.length === (length + 7) >> 3 ? bits : reader.fail(`${bits.length} bytes for ${length} bits`);
}

function decodeOffsets(reader: CborReader, length: number): Uint32Array {
  const offsets = reader.uint32s(length + 1);
  let last = 0;
  let isRising = offsets[0] === 0;
  for (let i = 0; i <= length; i++) {
    if (offsets[i] < last) isRising = false;
    last = offsets[i];
  }
  return isRising ? offsets : reader.fail("offsets that do not rise from 0");
}

function decodeRuns(reader: CborReader, length: number): { offsets: Uint32Array; bytes: Uint8Array } {
  const offsets = decodeOffsets(reader, length);
  const bytes = reader.bytes();
  if (bytes.length !== offsets[length])
    reader.fail(`${bytes.length} bytes where the offsets end at ${offsets[length]}`);
  return { offsets, bytes };
}

function decodeColumns(reader: CborReader, length: number, codec: ValueCodec, depth: number): Column[] {
  const count = reader.array();
  if (count > MAX_COLUMNS) reader.fail(`${count} columns`);
  const columns: Column[] = [];
  for (let i = 0; i < count; i++) columns.push(decodeColumn(reader, length, codec, depth + 1));
  return columns;
}

function decodeObject(reader: CborReader, length: number, codec: ValueCodec, depth: number) {
  const count = reader.array();
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(reader.text());
  const columns = decodeColumns(reader, length, codec, depth);
  if (columns.length !== count || new Set(names).size !== count)
    reader.fail(`${columns.length} columns for ${count} names`);
  return { names, columns };
}

function decodeAny(reader: CborReader, length: number, codec: ValueCodec): readonly unknown[] {
  const isEscaped = reader.uint() === 1;
  const bytes = reader.blob();
  let values: unknown;
  try {
    values = codec.decode(bytes);
  } catch (error) {
    reader.fail(`values that cannot be decoded (${String(error)})`);
  }
  if (!Array.isArray(values) || values.length !== length) reader.fail(`no array of ${length} values`);
  return isEscaped ? values.map(unescapeStrings) : values;
}
