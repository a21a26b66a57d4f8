/**
 * Runs a generated loop over the bytes of records, into the buffers of one batch.
 *
 * Owns the buffers and what is held in them. What a record looks like is known to the
 * generated function alone.
 */
import type { LoopBuffer } from "./loop_buffers.ts";

interface Rows {
  count: number;
  /** The function stops before this row. */
  end: number;
  /** Place of the next record. */
  at: number;
  /** True when the record there is unusual. */
  isOdd: boolean;
}

export type ParseFunction = (
  bytes: Uint8Array,
  view: DataView,
  limit: number,
  rows: Rows,
  buffers: readonly LoopBuffer[],
) => void;

/** More calls in one text are compiled late or badly: the general way is as fast. */
export const MAX_FIELDS = 40;
const FIRST_ROWS = 256;
/** Columns of so many rows, or of so many bytes of a file, stay in cache until they are used. */
export const MAX_ROWS = 16_384;
const MAX_BYTES = 1 << 20;

export class ParseLoop {
  readonly #parse: ParseFunction;
  protected readonly buffers: readonly LoopBuffer[];
  readonly #rows: Rows = { count: 0, end: 0, at: 0, isOdd: false };
  #capacity = 0;
  /** Bytes that were read for the rows that are held. */
  #bytes = 0;

  protected constructor(parse: ParseFunction, buffers: readonly LoopBuffer[]) {
    this.#parse = parse;
    this.buffers = buffers;
  }

  /** Rows that are held. */
  get rows(): number {
    return this.#rows.count;
  }

  get isFull(): boolean {
    return this.#rows.count >= MAX_ROWS || this.#bytes >= MAX_BYTES;
  }

  /** True when an unusual record made the last `read` stop. */
  get isAtOdd(): boolean {
    return this.#rows.isOdd;
  }

  /** Reads records of [from, limit), whose last byte is a line end, and returns where it stopped. */
  read(bytes: Uint8Array, view: DataView, from: number, limit: number): number {
    const rows = this.#rows;
    rows.at = from;
    do {
      this.makeRoom(1);
      rows.end = this.#capacity;
      for (const buffer of this.buffers) buffer.reserveBytes(limit - rows.at);
      this.#parse(bytes, view, limit, rows, this.buffers);
    } while (rows.count === this.#capacity && rows.count < MAX_ROWS);
    if (rows.isOdd) for (const buffer of this.buffers) buffer.undo(rows.count);
    this.#bytes += rows.at - from;
    return rows.at;
  }

  /** Makes room for rows beside those that are held; at most MAX_ROWS in all. */
  protected makeRoom(rows: number): void {
    const { count } = this.#rows;
    if (count + rows <= this.#capacity || count >= MAX_ROWS) return;
    this.#capacity = Math.min(MAX_ROWS, Math.max(FIRST_ROWS, 4 * count, 2 * (count + rows)));
    for (const buffer of this.buffers) buffer.reserveRows(this.#capacity);
  }

  /** Counts rows that were written by other means. */
  protected addRows(rows: number, sizeBytes: number): void {
    this.#rows.count += rows;
    this.#bytes += sizeBytes;
  }

  /** Tells how many rows were held; the buffers are to be emptied then. */
  protected takeRows(): number {
    const { count } = this.#rows;
    this.#rows.count = 0;
    this.#bytes = 0;
    return count;
  }
}
