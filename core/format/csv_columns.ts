/**
 * Makes columns of indexed CSV fields, one type a column.
 *
 * An empty field is null except in a string column. A field that its type does
 * not allow makes its row a fault; what happens then is the parser's affair.
 */
import type { Column } from "../batch/column.ts";
import type { CsvOptions } from "../graph/node.ts";
import type { CsvTokenizer } from "./csv_tokenizer.ts";
import { NO_TEXT, parseBoolean, parseNumber } from "./csv_values.ts";
import { parseDate } from "./date_values.ts";

export type CsvType = "string" | "number" | "boolean" | "date";

/** The type of a column by its name, which may be that of something that every object has. */
export function csvTypeOf({ types }: CsvOptions, name: string): CsvType {
  return types !== undefined && Object.hasOwn(types, name) ? types[name] : "string";
}

export interface ColumnRequest {
  readonly bytes: Uint8Array;
  readonly index: CsvTokenizer;
  readonly slot: number;
  readonly name: string;
}

type Refuse = (row: number, reason: string) => void;

const decoder = new TextDecoder();

/** Makes one column; `refuse` is called for each row whose field is malformed. */
export function csvColumn(type: CsvType, request: ColumnRequest, refuse: Refuse): Column {
  switch (type) {
    case "string":
      return stringColumn(request);
    case "boolean":
      return booleanColumn(request, refuse);
    case "number":
    case "date":
      return numericColumn(type, request, refuse);
  }
}

function stringColumn({ bytes, index, slot }: ColumnRequest): Column {
  const { starts, ends, rows, slots } = index;
  const offsets = new Uint32Array(rows + 1);
  let total = 0;
  for (let r = 0, at = slot; r < rows; r++, at += slots) {
    total += ends[at] - starts[at];
    offsets[r + 1] = total;
  }
  const out = new Uint8Array(total);
  let to = 0;
  for (let r = 0, at = slot; r < rows; r++, at += slots) {
    const start = starts[at];
    const end = ends[at];
    if (end - start > 64) {
      out.set(bytes.subarray(start, end), to);
      to += end - start;
    } else {
      for (let i = start; i < end; i++) out[to++] = bytes[i];
    }
  }
  return { kind: "string", length: rows, offsets, bytes: out };
}

function numericColumn(kind: "number" | "date", request: ColumnRequest, refuse: Refuse): Column {
  const { bytes, index, slot, name } = request;
  const { starts, ends, rows, slots } = index;
  const values = new Float64Array(rows);
  const present = new Presence(rows);
  const parse = kind === "number" ? parseNumber : parseDate;
  for (let r = 0, at = slot; r < rows; r++, at += slots) {
    const start = starts[at];
    const end = ends[at];
    if (start === end) {
      present.clear(r);
      continue;
    }
    const value = parse(bytes, start, end);
    values[r] = value;
    if (Number.isNaN(value) && !isNaNText(kind, bytes, start, end)) {
      refuse(r, `${name} is not a ${kind}: "${excerpt(bytes, start, end)}"`);
    }
  }
  return { kind, length: rows, values, ...present.fields() };
}

function booleanColumn({ bytes, index, slot, name }: ColumnRequest, refuse: Refuse): Column {
  const { starts, ends, rows, slots } = index;
  const bits = new Uint8Array((rows + 7) >> 3);
  const present = new Presence(rows);
  for (let r = 0, at = slot; r < rows; r++, at += slots) {
    const value = parseBoolean(bytes, starts[at], ends[at]);
    if (value === NO_TEXT) present.clear(r);
    else if (value === 1) bits[r >> 3] |= 1 << (r & 7);
    else if (value < 0) {
      refuse(r, `${name} is not a boolean: "${excerpt(bytes, starts[at], ends[at])}"`);
    }
  }
  return { kind: "boolean", length: rows, bits, ...present.fields() };
}

class Presence {
  readonly #rows: number;
  #validity: Uint8Array | undefined;

  constructor(rows: number) {
    this.#rows = rows;
  }

  clear(row: number): void {
    this.#validity ??= new Uint8Array((this.#rows + 7) >> 3).fill(255);
    this.#validity[row >> 3] &= ~(1 << (row & 7));
  }

  fields(): { readonly validity?: Uint8Array; readonly absent?: "null" } {
    return this.#validity === undefined ? {} : { validity: this.#validity, absent: "null" };
  }
}

function isNaNText(kind: "number" | "date", bytes: Uint8Array, start: number, end: number): boolean {
  return kind === "number" && decoder.decode(bytes.subarray(start, end)) === "NaN";
}

function excerpt(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, Math.min(end, start + 80)));
}
