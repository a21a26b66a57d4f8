/**
 * Batches as CSV records without a row being made, where all fields are strings or numbers that are present.
 *
 * Says the same as csv_rows.ts, which does all other batches; strings are copied as the bytes that they are.
 */
import type { Column, StringColumn } from "../../batch/column.ts";

/** With other delimiters a number may have to be quoted. */
const PLAIN_DELIMITERS = /^[,;\t|: ]$/;
const QUOTE = 34;
const NEWLINE = 10;
const RETURN = 13;
const MINUS = 45;
const ZERO = 48;
/** Bytes that the text of a number has at most, and some to spare. */
const NUMBER_BYTES = 32;

export class CsvColumns {
  readonly #delimiter: number;
  #out = new Uint8Array(1 << 16);
  #used = 0;

  private constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** Undefined when records with this delimiter are to be written row by row. */
  static with(delimiter: string): CsvColumns | undefined {
    return PLAIN_DELIMITERS.test(delimiter) ? new CsvColumns(delimiter) : undefined;
  }

  /** The records of all rows, from the columns of their fields; undefined when there are other fields. */
  records(fields: readonly Column[], rows: number): Uint8Array | undefined {
    // A single empty field is written as "", so that the line is a record.
    if (fields.length < 2 || !fields.every(isPlain)) return undefined;
    this.#used = 0;
    for (let row = 0; row < rows; row++) {
      for (let place = 0; place < fields.length; place++) {
        const field = fields[place];
        if (field.kind === "string") this.#text(field, row);
        else if (field.kind === "number") this.#number(field.values[row]);
        this.#out[this.#used++] = this.#delimiter;
      }
      this.#out[this.#used - 1] = NEWLINE;
    }
    return this.#out.slice(0, this.#used);
  }

  #text({ bytes, offsets }: StringColumn, row: number): void {
    const from = offsets[row];
    const end = offsets[row + 1];
    // Every byte may be a quote that is doubled; two quotes around it and the delimiter behind it.
    this.#reserve(2 * (end - from) + 3);
    const out = this.#out;
    const start = this.#used;
    let to = start;
    for (let i = from; i < end; i++) {
      const byte = bytes[i];
      if (byte === QUOTE || byte === this.#delimiter || byte === NEWLINE || byte === RETURN) {
        this.#quoted(bytes, from, end);
        return;
      }
      out[to++] = byte;
    }
    this.#used = to;
  }

  #quoted(bytes: Uint8Array, from: number, end: number): void {
    const out = this.#out;
    let to = this.#used;
    out[to++] = QUOTE;
    for (let i = from; i < end; i++) {
      if (bytes[i] === QUOTE) out[to++] = QUOTE;
      out[to++] = bytes[i];
    }
    out[to++] = QUOTE;
    this.#used = to;
  }

  #number(value: number): void {
    this.#reserve(NUMBER_BYTES);
    if ((value | 0) === value) {
      this.#integer(value);
      return;
    }
    const text = String(value);
    for (let i = 0; i < text.length; i++) this.#out[this.#used++] = text.charCodeAt(i);
  }

  #integer(value: number): void {
    const out = this.#out;
    let left = Math.abs(value);
    if (value < 0) out[this.#used++] = MINUS;
    let digits = 1;
    for (let limit = 10; left >= limit; limit *= 10) digits++;
    this.#used += digits;
    for (let at = this.#used - 1; digits > 0; digits--) {
      const rest = Math.floor(left / 10);
      out[at--] = ZERO + left - rest * 10;
      left = rest;
    }
  }

  #reserve(sizeBytes: number): void {
    if (this.#used + sizeBytes <= this.#out.length) return;
    const grown = new Uint8Array(2 * (this.#used + sizeBytes));
    grown.set(this.#out.subarray(0, this.#used));
    this.#out = grown;
  }
}

function isPlain(column: Column): boolean {
  return (column.kind === "string" || column.kind === "number") && column.validity === undefined;
}
