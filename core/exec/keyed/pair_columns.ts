/**
 * Keys and values of [key, value] rows as two columns.
 *
 * Costs nothing when the batch is columnar already; other batches are read once.
 */
import type { Batch, Column } from "../../batch/column.ts";
import { columnOf } from "../../batch/make.ts";
import { rowReader } from "../../batch/row_reader.ts";

export interface PairColumns {
  readonly keys: Column;
  readonly values: Column;
}

/** @throws {TypeError} If a row is not a [key, value] pair. */
export function pairColumns(batch: Batch): PairColumns {
  const { column, rows } = batch;
  if (column.kind === "tuple" && column.columns.length === 2 && column.validity === undefined) {
    return { keys: column.columns[0], values: column.columns[1] };
  }
  const read = rowReader(column);
  const keys = new Array<unknown>(rows);
  const values = new Array<unknown>(rows);
  for (let i = 0; i < rows; i++) {
    const row = pairOf(read(i));
    keys[i] = row[0];
    values[i] = row[1];
  }
  return { keys: columnOf(keys), values: columnOf(values) };
}

/** @throws {TypeError} If the row is not a [key, value] pair. */
export function pairOf(row: unknown): readonly unknown[] {
  if (Array.isArray(row) && row.length === 2) return row;
  const what = Array.isArray(row) ? `an array of ${row.length}` : row === null ? "null" : typeof row;
  throw new TypeError(`Cannot take the key of a row: it must be a [key, value] pair: got ${what}`);
}
