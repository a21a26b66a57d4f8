/**
 * Parses plain JSON lines of one shape into the buffers of one batch, by generated code.
 *
 * Owns the buffers and the compiled loops. A line that the loop does not take is read
 * by its owner, who may write its row here if it fits, so that rows stay in order.
 */
import type { Batch, Column } from "../batch/column.ts";
import { CodeCache, compileFunction } from "../generated_code.ts";
import { MAX_BYTES, MAX_FIELDS, MAX_ROWS } from "./csv_loop.ts";
import { jsonlBuffer } from "./jsonl_buffers.ts";
import { JSONL_TOOLS } from "./jsonl_fields.ts";
import { jsonlLoopSource } from "./jsonl_loop_source.ts";
import {
  fitsShape,
  type JsonlField,
  type JsonlLeaf,
  type JsonlShape,
  type JsonlValue,
} from "./jsonl_shape.ts";
import type { LoopBuffer } from "./loop_buffers.ts";

interface Rows {
  count: number;
  end: number;
  at: number;
  isOdd: boolean;
}

type Parse = (
  bytes: Uint8Array,
  view: DataView,
  limit: number,
  rows: Rows,
  buffers: readonly LoopBuffer[],
) => void;

/** Names of so many properties are compared in one text. */
const MAX_NAMES = 64;
const FIRST_ROWS = 256;
const loops = new CodeCache<Parse>();

export class JsonlLoop {
  /** Two loops of one key do the same. */
  readonly key: string;
  readonly #shape: JsonlShape;
  readonly #parse: Parse;
  readonly #buffers: readonly LoopBuffer[];
  readonly #rows: Rows = { count: 0, end: 0, at: 0, isOdd: false };
  #capacity = 0;
  /** Bytes that were read for the rows that are held. */
  #bytes = 0;

  /** undefined when there are too many properties for it. */
  static of(shape: JsonlShape): JsonlLoop | undefined {
    const { names, slots } = countsOf(shape.fields);
    const isFitting = names <= MAX_NAMES && slots <= MAX_FIELDS;
    return isFitting ? new JsonlLoop(shape) : undefined;
  }

  private constructor(shape: JsonlShape) {
    this.key = JSON.stringify(shape);
    this.#shape = shape;
    this.#parse = compiled(shape.fields);
    const buffers: LoopBuffer[] = [];
    eachLeaf(shape.fields, ({ kind, slot }) => {
      buffers[slot] = jsonlBuffer(kind);
    });
    this.#buffers = buffers;
  }

  /** Rows that are held. */
  get rows(): number {
    return this.#rows.count;
  }

  get isFull(): boolean {
    return this.#rows.count >= MAX_ROWS || this.#bytes >= MAX_BYTES;
  }

  /** True when an unusual line made the last `read` stop. */
  get isAtOdd(): boolean {
    return this.#rows.isOdd;
  }

  /** Reads lines of [from, limit), whose last byte is a line end, and returns where it stopped. */
  read(bytes: Uint8Array, view: DataView, from: number, limit: number): number {
    const rows = this.#rows;
    rows.at = from;
    do {
      if (rows.count === this.#capacity) this.#reserve();
      rows.end = this.#capacity;
      for (const buffer of this.#buffers) buffer.reserveBytes(limit - rows.at);
      this.#parse(bytes, view, limit, rows, this.#buffers);
    } while (rows.count === this.#capacity && rows.count < MAX_ROWS);
    if (rows.isOdd) for (const buffer of this.#buffers) buffer.undo(rows.count);
    this.#bytes += rows.at - from;
    return rows.at;
  }

  /** Takes a row that was read in another way, if there is room and it fits; tells whether it was taken. */
  write(row: unknown): boolean {
    const { count } = this.#rows;
    if (this.isFull || !fitsShape(this.#shape, row)) return false;
    if (count === this.#capacity) this.#reserve();
    this.#writeAll(this.#shape.columns, row as Record<string, unknown>, count);
    this.#rows.count++;
    return true;
  }

  /** Gives the rows that are held, and is empty then. */
  take(): Batch {
    const { count } = this.#rows;
    this.#rows.count = 0;
    this.#bytes = 0;
    return { rows: count, column: this.#object(this.#shape.columns, count) };
  }

  #reserve(): void {
    this.#capacity = Math.min(MAX_ROWS, Math.max(FIRST_ROWS, this.#rows.count * 4));
    for (const buffer of this.#buffers) buffer.reserveRows(this.#capacity);
  }

  #writeAll(fields: JsonlShape["columns"], row: Readonly<Record<string, unknown>>, at: number): void {
    for (const { name, value } of fields) {
      if (value?.kind === "object") this.#writeAll(value.fields, row[name] as Record<string, unknown>, at);
      else if (value !== undefined && value.kind !== "skipped")
        this.#buffers[value.slot].write(row[name], at);
    }
  }

  #object(fields: JsonlShape["columns"], rows: number): Column {
    const names = fields.map(({ name }) => name);
    const columns = fields.map(({ value }) => this.#column(value, rows));
    return { kind: "object", length: rows, names, columns };
  }

  #column(value: JsonlValue | undefined, rows: number): Column {
    if (value?.kind === "object") return this.#object(value.fields, rows);
    if (value === undefined || value.kind === "skipped") {
      return { kind: "null", length: rows, absent: "undefined" };
    }
    return this.#buffers[value.slot].take(rows);
  }
}

function countsOf(fields: readonly JsonlField[]): { readonly names: number; readonly slots: number } {
  let slots = 0;
  eachLeaf(fields, () => slots++);
  const namesIn = (all: readonly JsonlField[]): number =>
    all.reduce((sum, { value }) => sum + 1 + (value.kind === "object" ? namesIn(value.fields) : 0), 0);
  return { names: namesIn(fields), slots };
}

function eachLeaf(fields: readonly JsonlField[], use: (leaf: JsonlLeaf) => void): void {
  for (const { value } of fields) {
    if (value.kind === "object") eachLeaf(value.fields, use);
    else if (value.kind !== "skipped") use(value);
  }
}

function compiled(fields: readonly JsonlField[]): Parse {
  return loops.get(JSON.stringify(fields), () => {
    const make = compileFunction(["tools"], jsonlLoopSource(fields)) as (
      tools: typeof JSONL_TOOLS,
    ) => unknown;
    return make(JSONL_TOOLS) as Parse;
  });
}
