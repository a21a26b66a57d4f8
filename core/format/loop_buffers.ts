/**
 * The buffers that a generated loop over CSV or JSON lines writes into, one of each column.
 *
 * They are used again for the next batch: what leaves is a copy of its exact size.
 * Knows nothing of bytes of files.
 */
import { packBits } from "../batch/bitmap.ts";
import { type Column, isPresent } from "../batch/column.ts";
import type { CsvType } from "./csv_columns.ts";

const encoder = new TextEncoder();

export interface LoopBuffer {
  /** Makes room for so many rows in all. */
  reserveRows(rows: number): void;
  /** Makes room for so many bytes of text beside those that are held. */
  reserveBytes(sizeBytes: number): void;
  /** Copies the rows of a column behind the `count` that are held. */
  add(column: Column, count: number): void;
  /** Writes one value behind the rows that are held: one of its type, or null. */
  write(value: unknown, row: number): void;
  /** Forgets what was written of a row behind those that are held. */
  undo(row: number): void;
  take(rows: number): Column;
}

export function loopBuffer(type: CsvType): LoopBuffer {
  if (type === "string") return new StringBuffer();
  return type === "boolean" ? new BooleanBuffer() : new NumericBuffer(type);
}

/** Which rows are present; most columns have no others. */
class Presence {
  #validity: Uint8Array | undefined;
  #rows = 0;

  reserveRows(rows: number): void {
    this.#rows = rows;
    if (this.#validity === undefined) return;
    const old = this.#validity;
    this.#validity = grown(old, (rows + 7) >> 3).fill(255, old.length);
  }

  setAbsent(row: number): void {
    this.#validity ??= new Uint8Array((this.#rows + 7) >> 3).fill(255);
    this.#validity[row >> 3] &= ~(1 << (row & 7));
  }

  undo(row: number): void {
    this.setPresent(row);
  }

  setPresent(row: number): void {
    if (this.#validity !== undefined) this.#validity[row >> 3] |= 1 << (row & 7);
  }

  protected takePresence(rows: number): { readonly validity?: Uint8Array; readonly absent?: "null" } {
    if (this.#validity === undefined) return {};
    const validity = this.#validity.slice(0, (rows + 7) >> 3);
    this.#validity = undefined;
    return { validity, absent: "null" };
  }

  protected addPresence(column: Column, count: number): void {
    if (column.validity === undefined) return;
    for (let i = 0; i < column.length; i++) if (!isPresent(column, i)) this.setAbsent(count + i);
  }
}

export class StringBuffer extends Presence implements LoopBuffer {
  offsets = new Uint32Array(1);
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  used = 0;

  override reserveRows(rows: number): void {
    super.reserveRows(rows);
    this.offsets = grown(this.offsets, rows + 1);
  }

  reserveBytes(sizeBytes: number): void {
    const needed = this.used + sizeBytes;
    if (needed <= this.bytes.length) return;
    this.bytes = grown(this.bytes, needed + (needed >> 2));
    this.view = new DataView(this.bytes.buffer);
  }

  add(column: Column, count: number): void {
    if (column.kind !== "string") throw wrongKind(column);
    const { offsets, bytes, length } = column;
    const text = bytes.subarray(offsets[0], offsets[length]);
    this.reserveBytes(text.length);
    this.bytes.set(text, this.used);
    for (let i = 0; i <= length; i++) this.offsets[count + i] = this.used + offsets[i] - offsets[0];
    this.used += text.length;
    this.addPresence(column, count);
  }

  override undo(row: number): void {
    super.undo(row);
    this.used = this.offsets[row];
  }

  write(value: unknown, row: number): void {
    if (typeof value !== "string") this.setAbsent(row);
    else {
      this.reserveBytes(3 * value.length);
      this.used += encoder.encodeInto(value, this.bytes.subarray(this.used)).written;
    }
    this.offsets[row + 1] = this.used;
  }

  take(rows: number): Column {
    const bytes = this.bytes.slice(0, this.used);
    const offsets = this.offsets.slice(0, rows + 1);
    this.used = 0;
    return { kind: "string", length: rows, offsets, bytes, ...this.takePresence(rows) };
  }
}

export class NumericBuffer extends Presence implements LoopBuffer {
  values = new Float64Array(0);
  readonly #kind: "number" | "date";

  constructor(kind: "number" | "date") {
    super();
    this.#kind = kind;
  }

  override reserveRows(rows: number): void {
    super.reserveRows(rows);
    this.values = grown(this.values, rows);
  }

  reserveBytes(): void {}

  add(column: Column, count: number): void {
    if (column.kind !== this.#kind) throw wrongKind(column);
    this.values.set(column.values, count);
    this.addPresence(column, count);
  }

  write(value: unknown, row: number): void {
    if (typeof value === "number") this.values[row] = value;
    else {
      this.values[row] = 0;
      this.setAbsent(row);
    }
  }

  take(rows: number): Column {
    const values = this.values.slice(0, rows);
    return { kind: this.#kind, length: rows, values, ...this.takePresence(rows) };
  }
}

export class BooleanBuffer extends Presence implements LoopBuffer {
  /** One byte a row. */
  flags = new Uint8Array(0);

  override reserveRows(rows: number): void {
    super.reserveRows(rows);
    this.flags = grown(this.flags, rows);
  }

  reserveBytes(): void {}

  add(column: Column, count: number): void {
    if (column.kind !== "boolean") throw wrongKind(column);
    for (let i = 0; i < column.length; i++) this.flags[count + i] = (column.bits[i >> 3] >> (i & 7)) & 1;
    this.addPresence(column, count);
  }

  write(value: unknown, row: number): void {
    this.flags[row] = value === true ? 1 : 0;
    if (typeof value !== "boolean") this.setAbsent(row);
  }

  take(rows: number): Column {
    const bits = packBits(this.flags, rows);
    return { kind: "boolean", length: rows, bits, ...this.takePresence(rows) };
  }
}

function wrongKind(column: Column): RangeError {
  return new RangeError(`Cannot add rows: they are a column of ${column.kind}`);
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(old: T, length: number): T {
  const next = new (old.constructor as new (length: number) => T)(length);
  next.set(old.subarray(0, length));
  return next;
}
