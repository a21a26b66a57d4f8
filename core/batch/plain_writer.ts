/**
 * Writes values into columns of one shape without generated code: rows are kept as copies until the end.
 *
 * The general way behind column_writer.ts; both give the same columns.
 */
import { packBits } from "./bitmap.ts";
import type { Absent, Column } from "./column.ts";
import { copyValue, isDate, measureValue } from "./serialisable.ts";
import { isPlainObject, type Shape } from "./shape.ts";

/** What stands in for the items of a row whose parent is absent. */
const SKIPPED = Symbol("skipped");
const ENCODER = new TextEncoder();

export class PlainWriter {
  readonly #shape: Shape;
  readonly #rows: unknown[] = [];

  constructor(shape: Shape) {
    this.#shape = shape;
  }

  write(value: unknown, n: number): number {
    const size = sizeIn(this.#shape, value);
    if (size >= 0) this.#rows[n] = copyValue(value);
    return size;
  }

  finish(n: number): Column {
    return columnOfRows(this.#shape, this.#rows.splice(0, n));
  }
}

/** About how many bytes a value takes in a shape; -1 when it does not fit. */
function sizeIn(shape: Shape, x: unknown): number {
  if (shape.kind === "none") return -1;
  if (shape.kind === "null") return isAbsent(x, shape.absent) ? 0 : -1;
  if (shape.absent !== undefined && isAbsent(x, shape.absent)) return 1;
  switch (shape.kind) {
    case "number":
      return typeof x === "number" ? 8 : -1;
    case "date":
      return isDate(x) ? 8 : -1;
    case "boolean":
      return typeof x === "boolean" ? 1 : -1;
    case "string":
      return typeof x === "string" && x.isWellFormed() ? 4 + ENCODER.encode(x).length : -1;
    case "bytes":
      return x instanceof Uint8Array ? 4 + x.length : -1;
    case "any":
      return measureValue(x);
    case "list":
      return Array.isArray(x) ? sum(4, x, () => shape.item) : -1;
    case "tuple":
      return Array.isArray(x) && x.length === shape.items.length ? sum(0, x, (k) => shape.items[k]) : -1;
    case "object": {
      if (!isPlainObject(x)) return -1;
      const names = Object.keys(x);
      if (names.length !== shape.names.length || names.some((name, k) => name !== shape.names[k])) return -1;
      return sum(
        0,
        names.map((name) => x[name]),
        (k) => shape.items[k],
      );
    }
  }
}

function sum(start: number, items: readonly unknown[], shapeAt: (k: number) => Shape): number {
  let size = start;
  for (let k = 0; k < items.length; k++) {
    const own = sizeIn(shapeAt(k), items[k]);
    if (own < 0) return -1;
    size += own;
  }
  return size;
}

function isAbsent(x: unknown, absent: Absent): boolean {
  return absent === "null" ? x === null : x === undefined;
}

type Present = Exclude<Shape, { kind: "none" | "null" }>;

function columnOfRows(shape: Shape, rows: readonly unknown[]): Column {
  const length = rows.length;
  if (shape.kind === "none" || shape.kind === "null") {
    return { kind: "null", length, absent: shape.kind === "null" ? shape.absent : "null" };
  }
  const { absent } = shape;
  if (absent === undefined) return presentColumn(shape, rows);
  const flags = Uint8Array.from(rows, (row) => (row === SKIPPED || isAbsent(row, absent) ? 0 : 1));
  const column = presentColumn(
    shape,
    rows.map((row, i) => (flags[i] === 1 ? row : SKIPPED)),
  );
  return flags.includes(0) ? { ...column, validity: packBits(flags, length), absent } : column;
}

function presentColumn(shape: Present, rows: readonly unknown[]): Column {
  const length = rows.length;
  switch (shape.kind) {
    case "number":
    case "date":
      return { kind: shape.kind, length, values: Float64Array.from(rows, numberOf) };
    case "boolean":
      return {
        kind: "boolean",
        length,
        bits: packBits(
          Uint8Array.from(rows, (row) => (row === true ? 1 : 0)),
          length,
        ),
      };
    case "any":
      return { kind: "any", length, values: rows.map((row) => (row === SKIPPED ? undefined : row)) };
    case "string":
    case "bytes": {
      const runs = rows.map(bytesOf);
      const offsets = offsetsOf(runs);
      const bytes = new Uint8Array(offsets[length]);
      runs.forEach((run, i) => {
        bytes.set(run, offsets[i]);
      });
      return { kind: shape.kind, length, offsets, bytes };
    }
    case "list": {
      const lists = rows.map((row) => (Array.isArray(row) ? row : []));
      return {
        kind: "list",
        length,
        offsets: offsetsOf(lists),
        items: columnOfRows(shape.item, lists.flat(1)),
      };
    }
    case "tuple":
      return {
        kind: "tuple",
        length,
        columns: shape.items.map((item, k) => columnOfRows(item, itemsOf(rows, k))),
      };
    case "object": {
      const { names } = shape;
      const columns = shape.items.map((item, k) => columnOfRows(item, itemsOf(rows, names[k])));
      return { kind: "object", length, names, columns };
    }
  }
}

function numberOf(row: unknown): number {
  if (row instanceof Date) return row.getTime();
  return typeof row === "number" ? row : 0;
}

const NO_BYTES = new Uint8Array(0);

function bytesOf(row: unknown): Uint8Array {
  if (typeof row === "string") return ENCODER.encode(row);
  return row instanceof Uint8Array ? row : NO_BYTES;
}

function itemsOf(rows: readonly unknown[], key: number | string): unknown[] {
  return rows.map((row) =>
    row === SKIPPED ? SKIPPED : (row as Readonly<Record<number | string, unknown>>)[key],
  );
}

function offsetsOf(runs: readonly ArrayLike<unknown>[]): Uint32Array {
  const offsets = new Uint32Array(runs.length + 1);
  for (let i = 0; i < runs.length; i++) offsets[i + 1] = offsets[i] + runs[i].length;
  return offsets;
}
