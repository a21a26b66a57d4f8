/**
 * Columns: how the values of a batch lie in memory and on the wire.
 *
 * Buffers are laid out as Arrow lays them out (little-endian values, n + 1
 * offsets, validity bitmaps with 1 = present), so export needs no copy. A column
 * knows nothing of files or keys. Columns are never changed after they are made.
 */

/** Which absent value a cleared validity bit stands for; a column never mixes the two. */
export type Absent = "null" | "undefined";

interface ColumnBase {
  readonly length: number;
  /** Arrow validity bitmap, least significant bit first, 1 = present. Missing when every row is present. */
  readonly validity?: Uint8Array;
  /** What a cleared bit means. Set exactly when `validity` is. */
  readonly absent?: Absent;
}

/** Every row is the same absent value. */
export interface NullColumn extends ColumnBase {
  readonly kind: "null";
  readonly absent: Absent;
}
export interface NumberColumn extends ColumnBase {
  readonly kind: "number";
  readonly values: Float64Array;
}
/** Milliseconds since the epoch; an invalid date is NaN. */
export interface DateColumn extends ColumnBase {
  readonly kind: "date";
  readonly values: Float64Array;
}
export interface BooleanColumn extends ColumnBase {
  readonly kind: "boolean";
  /** Bitmap, least significant bit first. */
  readonly bits: Uint8Array;
}
export interface StringColumn extends ColumnBase {
  readonly kind: "string";
  /** length + 1 positions in `bytes`; offsets[0] need not be 0. */
  readonly offsets: Uint32Array;
  /** UTF-8. */
  readonly bytes: Uint8Array;
}
export interface BytesColumn extends ColumnBase {
  readonly kind: "bytes";
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}
/** Arrays of one fixed length (1 … 16): one column for each place. */
export interface TupleColumn extends ColumnBase {
  readonly kind: "tuple";
  readonly columns: readonly Column[];
}
/** Plain objects with the same property names in the same order: one column for each property. */
export interface ObjectColumn extends ColumnBase {
  readonly kind: "object";
  readonly names: readonly string[];
  readonly columns: readonly Column[];
}
/** Arrays of any length: row i holds items[offsets[i] … offsets[i + 1]). */
export interface ListColumn extends ColumnBase {
  readonly kind: "list";
  readonly offsets: Uint32Array;
  readonly items: Column;
}
/** Anything else: plain values in memory, CBOR values on the wire. */
export interface AnyColumn extends ColumnBase {
  readonly kind: "any";
  readonly values: readonly unknown[];
}

export type Column =
  | NullColumn
  | NumberColumn
  | DateColumn
  | BooleanColumn
  | StringColumn
  | BytesColumn
  | TupleColumn
  | ObjectColumn
  | ListColumn
  | AnyColumn;

/** Some rows of a shard. Row i is row i of the one column. */
export interface Batch {
  readonly rows: number;
  readonly column: Column;
}

/** Tells whether row i of a column is present. */
export function isPresent(column: Column, i: number): boolean {
  if (column.kind === "null") return false;
  const validity = column.validity;
  return validity === undefined || (validity[i >> 3] & (1 << (i & 7))) !== 0;
}
