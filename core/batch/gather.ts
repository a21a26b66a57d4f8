/**
 * Takes rows of columns by number or by range, and joins columns end to end.
 *
 * Values are copied as bytes; only columns of different shapes are read and written again.
 */
import { LucioleError } from "../errors.ts";
import { copyBits, gatherBits } from "./bitmap.ts";
import type { Absent, BytesColumn, Column, ListColumn, StringColumn } from "./column.ts";
import { columnWriter } from "./column_writer.ts";
import { ByteCopier } from "./copy_bytes.ts";
import { columnOf } from "./make.ts";
import { rowReader } from "./row_reader.ts";
import { measureValue } from "./serialisable.ts";
import { NONE, shapeOfColumn, widen } from "./shape.ts";

const MAX_OFFSET = 2 ** 32 - 1;

interface Presence {
  readonly validity?: Uint8Array;
  readonly absent?: Absent;
}

/** Rows of a column in the order of `indices`. */
export function gather(column: Column, indices: Uint32Array): Column {
  const length = indices.length;
  if (column.kind === "null") return { ...column, length };
  const presence: Presence =
    column.validity === undefined
      ? {}
      : { validity: gatherBits(column.validity, indices), absent: column.absent };
  switch (column.kind) {
    case "number":
    case "date":
      return { kind: column.kind, length, ...presence, values: gatherNumbers(column.values, indices) };
    case "boolean":
      return { kind: "boolean", length, ...presence, bits: gatherBits(column.bits, indices) };
    case "string":
    case "bytes":
      return { kind: column.kind, length, ...presence, ...gatherBytes(column, indices) };
    case "any":
      return { kind: "any", length, ...presence, values: Array.from(indices, (i) => column.values[i]) };
    case "tuple":
      return { ...column, length, ...presence, columns: column.columns.map((each) => gather(each, indices)) };
    case "object":
      return { ...column, length, ...presence, columns: column.columns.map((each) => gather(each, indices)) };
    case "list":
      return { kind: "list", length, ...presence, ...gatherLists(column, indices) };
  }
}

function gatherNumbers(values: Float64Array, indices: Uint32Array): Float64Array {
  const out = new Float64Array(indices.length);
  for (let i = 0; i < indices.length; i++) out[i] = values[indices[i]];
  return out;
}

/** Offsets of the gathered rows, from 0. */
function gatherOffsets(offsets: Uint32Array, indices: Uint32Array): Uint32Array {
  const out = new Uint32Array(indices.length + 1);
  let position = 0;
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i];
    position += offsets[from + 1] - offsets[from];
    out[i + 1] = position;
  }
  checkOffset(position);
  return out;
}

/** Offsets are 32-bit: a larger column would hold other rows than it should. */
export function checkOffset(end: number): void {
  if (end <= MAX_OFFSET) return;
  throw new LucioleError(
    "batch-too-large",
    `Cannot make a column: it would have ${end} bytes or items, at most ${MAX_OFFSET}`,
  );
}

function gatherBytes(column: StringColumn | BytesColumn, indices: Uint32Array) {
  const { offsets: from, bytes: source } = column;
  const offsets = gatherOffsets(from, indices);
  const bytes = new Uint8Array(offsets[indices.length]);
  const copier = new ByteCopier(source, bytes);
  for (let i = 0; i < indices.length; i++) copier.copy(from[indices[i]], from[indices[i] + 1], offsets[i]);
  return { offsets, bytes };
}

function gatherLists(column: ListColumn, indices: Uint32Array) {
  const offsets = gatherOffsets(column.offsets, indices);
  const places = new Uint32Array(offsets[indices.length]);
  for (let i = 0; i < indices.length; i++) {
    let from = column.offsets[indices[i]];
    for (let k = offsets[i]; k < offsets[i + 1]; k++) places[k] = from++;
  }
  return { offsets, items: gather(column.items, places) };
}

/** Rows [from, to) of a column; buffers are shared where they can be. */
export function sliceColumn(column: Column, from: number, to: number): Column {
  const length = to - from;
  if (from === 0 && length === column.length) return column;
  if (column.kind === "null") return { ...column, length };
  const presence: Presence =
    column.validity === undefined
      ? {}
      : { validity: sliceBits(column.validity, from, to), absent: column.absent };
  switch (column.kind) {
    case "number":
    case "date":
      return { ...column, length, ...presence, values: column.values.subarray(from, to) };
    case "boolean":
      return { ...column, length, ...presence, bits: sliceBits(column.bits, from, to) };
    case "any":
      return { ...column, length, ...presence, values: column.values.slice(from, to) };
    case "tuple":
    case "object":
      return {
        ...column,
        length,
        ...presence,
        columns: column.columns.map((each) => sliceColumn(each, from, to)),
      };
    default:
      return { ...column, length, ...presence, offsets: column.offsets.subarray(from, to + 1) };
  }
}

function sliceBits(bits: Uint8Array, from: number, to: number): Uint8Array {
  if ((from & 7) === 0) return bits.subarray(from >> 3, (to + 7) >> 3);
  const out = new Uint8Array((to - from + 7) >> 3);
  copyBits(bits, from, out, 0, to - from);
  return out;
}

/** Joins columns end to end, in the narrowest shape that holds them all. */
export function concatColumns(columns: readonly Column[]): Column {
  const parts = columns.filter((column) => column.length > 0);
  if (parts.length === 0) return columns[0] ?? { kind: "null", length: 0, absent: "null" };
  if (parts.length === 1) return parts[0];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return concatAlike(parts, length) ?? rewrite(parts, length);
}

/** Columns of sources may hold objects that no writer takes again as they are: names that are numbers, out of order. */
function rewrite(parts: readonly Column[], length: number): Column {
  const writer = columnWriter(parts.map(shapeOfColumn).reduce(widen, NONE));
  let n = 0;
  for (const part of parts) {
    const read = rowReader(part);
    for (let i = 0; i < part.length; i++) {
      if (writer.write(read(i), n++) < 0) return columnOf(parts.flatMap(valuesOf));
    }
  }
  return writer.finish(length);
}

function valuesOf(column: Column): unknown[] {
  const read = rowReader(column);
  return Array.from({ length: column.length }, (_, i) => read(i));
}

/** Joins columns of one kind; undefined when they do not fit together as they are. */
function concatAlike(parts: readonly Column[], length: number): Column | undefined {
  const first = parts[0];
  const absent = parts.find((part) => part.absent !== undefined)?.absent;
  if (parts.some((part) => part.kind !== first.kind || (part.absent ?? absent) !== absent)) return undefined;
  if (first.kind === "null") return { ...first, length };
  const presence: Presence =
    absent === undefined ? {} : { validity: joinBits(parts, length, validityOf), absent };
  switch (first.kind) {
    case "number":
    case "date":
      return {
        kind: first.kind,
        length,
        ...presence,
        values: joinNumbers(ofKind(parts, first.kind), length),
      };
    case "boolean": {
      const bits = joinBits(ofKind(parts, "boolean"), length, (part) => part.bits);
      return { kind: "boolean", length, ...presence, bits };
    }
    case "any":
      return {
        kind: "any",
        length,
        ...presence,
        values: ofKind(parts, "any").flatMap((part) => part.values),
      };
    case "string":
    case "bytes":
      return { kind: first.kind, length, ...presence, ...joinBytes(ofKind(parts, first.kind), length) };
    case "list":
      return { kind: "list", length, ...presence, ...joinLists(ofKind(parts, "list"), length) };
    default: {
      const fields = ofKind(parts, first.kind);
      if (fields.some((part) => !hasSameFields(first, part))) return undefined;
      const columns = first.columns.map((_, k) => concatColumns(fields.map((part) => part.columns[k])));
      return { ...first, length, ...presence, columns };
    }
  }
}

function joinLists(parts: readonly ListColumn[], length: number): { offsets: Uint32Array; items: Column } {
  return { offsets: joinOffsets(parts, length), items: concatColumns(parts.map(usedItems)) };
}

function ofKind<K extends Column["kind"]>(parts: readonly Column[], kind: K): Extract<Column, { kind: K }>[] {
  return parts.filter((part): part is Extract<Column, { kind: K }> => part.kind === kind);
}

export function hasSameFields(a: Column, b: Column): boolean {
  if (a.kind === "tuple") return b.kind === "tuple" && a.columns.length === b.columns.length;
  if (a.kind !== "object" || b.kind !== "object" || a.names.length !== b.names.length) return false;
  return a.names.every((name, i) => name === b.names[i]);
}

function validityOf(column: Column): Uint8Array | undefined {
  return column.validity;
}

function joinBits<C extends Column>(
  parts: readonly C[],
  length: number,
  bitsOf: (part: C) => Uint8Array | undefined,
): Uint8Array {
  const out = new Uint8Array((length + 7) >> 3);
  let at = 0;
  for (const part of parts) {
    copyBits(bitsOf(part), 0, out, at, part.length);
    at += part.length;
  }
  return out;
}

function joinNumbers(parts: readonly { values: Float64Array }[], length: number): Float64Array {
  const out = new Float64Array(length);
  let at = 0;
  for (const { values } of parts) {
    out.set(values, at);
    at += values.length;
  }
  return out;
}

function joinOffsets(
  parts: readonly { length: number; offsets: Uint32Array }[],
  length: number,
): Uint32Array {
  const out = new Uint32Array(length + 1);
  let n = 0;
  let end = 0;
  for (const { length: rows, offsets } of parts) {
    const shift = end - offsets[0];
    for (let i = 1; i <= rows; i++) out[++n] = offsets[i] + shift;
    end = offsets[rows] + shift;
    checkOffset(end);
  }
  return out;
}

function joinBytes(parts: readonly (StringColumn | BytesColumn)[], length: number) {
  const offsets = joinOffsets(parts, length);
  const bytes = new Uint8Array(offsets[length]);
  let at = 0;
  for (const part of parts) {
    const range = part.bytes.subarray(part.offsets[0], part.offsets[part.length]);
    bytes.set(range, at);
    at += range.length;
  }
  return { offsets, bytes };
}

/** The items that the rows of a list column hold. */
export function usedItems(column: ListColumn): Column {
  return sliceColumn(column.items, column.offsets[0], column.offsets[column.length]);
}

/** About how many bytes of memory a column takes. */
export function columnBytes(column: Column): number {
  const own = column.validity?.byteLength ?? 0;
  switch (column.kind) {
    case "null":
      return own;
    case "number":
    case "date":
      return own + column.values.byteLength;
    case "boolean":
      return own + column.bits.byteLength;
    case "string":
    case "bytes":
      return own + column.offsets.byteLength + column.offsets[column.length] - column.offsets[0];
    case "any":
      return column.values.reduce<number>((sum, value) => sum + 8 + measureValue(value), own);
    case "list":
      return own + column.offsets.byteLength + columnBytes(usedItems(column));
    default:
      return column.columns.reduce((sum, each) => sum + columnBytes(each), own);
  }
}

/** About how many bytes `gatherOrMissing` of these rows makes; items of lists count as the mean of all. */
export function gatheredBytes(column: Column, indices: Uint32Array): number {
  const rows = indices.length;
  switch (column.kind) {
    case "null":
      return 0;
    case "number":
    case "date":
      return 8 * rows;
    case "boolean":
      return rows / 8;
    case "string":
    case "bytes":
      return 4 * rows + gatheredLength(column, indices);
    case "any":
      return indices.reduce(
        (sum, i) => sum + 8 + (i < column.length ? measureValue(column.values[i]) : 0),
        0,
      );
    case "list": {
      const mean = columnBytes(column.items) / Math.max(1, column.items.length);
      return 4 * rows + mean * gatheredLength(column, indices);
    }
    default:
      return column.columns.reduce((sum, each) => sum + gatheredBytes(each, indices), 0);
  }
}

function gatheredLength(
  { offsets, length: rows }: StringColumn | BytesColumn | ListColumn,
  indices: Uint32Array,
): number {
  let length = 0;
  for (let i = 0; i < indices.length; i++) {
    if (indices[i] < rows) length += offsets[indices[i] + 1] - offsets[indices[i]];
  }
  return length;
}
