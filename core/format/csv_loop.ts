/**
 * Parses plain CSV records into the buffers of one batch, by generated code.
 *
 * Owns the buffers and the compiled loops. A record that the loop does not take is
 * read by its owner, who adds its columns here, so that rows stay in order.
 */
import type { Column } from "../batch/column.ts";
import { CodeCache, compileFunction, wantsGeneratedCode } from "../generated_code.ts";
import { type CsvLoopShape, csvLoopSource } from "./csv_loop_source.ts";
import { parseBoolean, parseNumber } from "./csv_values.ts";
import { parseDate } from "./date_values.ts";
import { decimalOf, POWERS } from "./decimal.ts";
import { type LoopBuffer, loopBuffer } from "./loop_buffers.ts";

interface Rows {
  count: number;
  end: number;
  isOdd: boolean;
}

type Parse = (
  bytes: Uint8Array,
  from: number,
  limit: number,
  rows: Rows,
  buffers: readonly LoopBuffer[],
) => number;

const TOOLS = {
  number: parseNumber,
  decimal: decimalOf,
  date: parseDate,
  boolean: parseBoolean,
  powers: POWERS,
};
/** The text for more wanted columns is so long that the engine compiles it late or badly: the general way is as fast. */
export const MAX_FIELDS = 20;
const FIRST_ROWS = 256;
/** Columns of so many rows, or of so many bytes of a file, stay in cache until they are used. */
export const MAX_ROWS = 16_384;
export const MAX_BYTES = 1 << 20;
const loops = new CodeCache<Parse>();

export class CsvLoop {
  readonly #parse: Parse;
  readonly #buffers: readonly LoopBuffer[];
  readonly #rows: Rows = { count: 0, end: 0, isOdd: false };
  #capacity = 0;
  /** Bytes that were read for the rows that are held. */
  #bytes = 0;

  /** undefined when there are too many columns for it, or none, or no generated code is wanted. */
  static of(shape: CsvLoopShape): CsvLoop | undefined {
    const wanted = shape.fields.filter((field) => field !== undefined);
    const isFitting = shape.fields.length > 0 && wanted.length <= MAX_FIELDS;
    return isFitting && wantsGeneratedCode() ? new CsvLoop(shape) : undefined;
  }

  private constructor(shape: CsvLoopShape) {
    this.#parse = compiled(shape);
    const wanted = shape.fields.filter((field) => field !== undefined);
    this.#buffers = wanted.toSorted((a, b) => a.slot - b.slot).map(({ type }) => loopBuffer(type));
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
  read(bytes: Uint8Array, from: number, limit: number): number {
    const rows = this.#rows;
    let at = from;
    do {
      if (rows.count === this.#capacity)
        this.#reserve(Math.min(MAX_ROWS, Math.max(FIRST_ROWS, rows.count * 4)));
      rows.end = this.#capacity;
      for (const buffer of this.#buffers) buffer.reserveBytes(limit - at);
      at = this.#parse(bytes, at, limit, rows, this.#buffers);
    } while (rows.count === this.#capacity && rows.count < MAX_ROWS);
    this.#bytes += at - from;
    return at;
  }

  /** Adds rows that were read in another way, of so many bytes of the file; there must be room for them. */
  add(columns: readonly Column[], length: number, sizeBytes: number): void {
    const { count } = this.#rows;
    if (count + length > this.#capacity) this.#reserve(Math.min(MAX_ROWS, 2 * (count + length)));
    this.#buffers.forEach((buffer, slot) => {
      buffer.add(columns[slot], count);
    });
    this.#rows.count = count + length;
    this.#bytes += sizeBytes;
  }

  /** Gives the rows that are held as columns, and is empty then. */
  take(): Column[] {
    const { count } = this.#rows;
    this.#rows.count = 0;
    this.#bytes = 0;
    return this.#buffers.map((buffer) => buffer.take(count));
  }

  #reserve(rows: number): void {
    this.#capacity = rows;
    for (const buffer of this.#buffers) buffer.reserveRows(rows);
  }
}

function compiled(shape: CsvLoopShape): Parse {
  return loops.get(JSON.stringify(shape), () => {
    const make = compileFunction(["tools"], csvLoopSource(shape)) as (tools: typeof TOOLS) => unknown;
    return make(TOOLS) as Parse;
  });
}
