/**
 * Rows as lines of a text file. Strings in a column are copied as bytes.
 */
import type { Column, StringColumn } from "../../batch/column.ts";
import { ByteCopier } from "../../batch/copy_bytes.ts";
import { copyRuns, type Picks, pickedOffsets } from "../../batch/picks.ts";

const NEWLINE = 10;

/** The line of a row without a line function. @throws {TypeError} If the row is no string. */
export function plainLine(row: unknown): string {
  if (typeof row === "string") return row;
  const type = row === null ? "null" : Array.isArray(row) ? "an array" : `of type ${typeof row}`;
  throw new TypeError(
    `the row is ${type}, not a string; pass a function that makes its line, such as writeText(path, (row) => …)`,
  );
}

/** Each string of a column without absent rows, followed by a line end. */
export function columnLines(column: StringColumn): Uint8Array {
  const { offsets, bytes, length } = column;
  const out = new Uint8Array(offsets[length] - offsets[0] + length);
  const copier = new ByteCopier(bytes, out);
  let to = 0;
  for (let row = 0; row < length; row++) {
    to = copier.copy(offsets[row], offsets[row + 1], to);
    out[to++] = NEWLINE;
  }
  return out;
}

/** The lines of rows that are picked from columns of strings; undefined where absent rows or others may be. */
export function pickedLines({ sources, choices, rows }: Picks): Uint8Array | undefined {
  const strings = sources.filter(isPlain);
  if (strings.length < sources.length) return undefined;
  const places = new Uint32Array(rows.length + 1);
  const out = new Uint8Array(pickedOffsets(strings, choices, rows, places, 1));
  copyRuns(strings, choices, rows, out, places);
  for (let i = 1; i < places.length; i++) out[places[i] - 1] = NEWLINE;
  return out;
}

function isPlain(column: Column): column is StringColumn {
  return column.kind === "string" && column.validity === undefined;
}
