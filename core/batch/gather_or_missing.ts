/**
 * Owns `gatherOrMissing`, the gather of outer joins; it knows nothing of joins themselves.
 */
import type { Column } from "./column.ts";
import { concatColumns, gather } from "./gather.ts";

/** Rows of a column in the order of `indices`; undefined where one is the number of the row after the last. */
export function gatherOrMissing(column: Column, indices: Uint32Array): Column {
  const { length } = column;
  let missing = 0;
  for (let i = 0; i < indices.length; i++) if (indices[i] === length) missing++;
  if (missing === 0) return gather(column, indices);
  const none: Column = { kind: "null", length: 1, absent: "undefined" };
  if (missing === indices.length) return { ...none, length: missing };
  const isPlain = column.kind === "number" || column.kind === "date";
  if (!isPlain || column.validity !== undefined) return gather(concatColumns([column, none]), indices);
  const values = new Float64Array(indices.length);
  const validity = new Uint8Array((indices.length + 7) >> 3);
  for (let i = 0; i < indices.length; i++) {
    if (indices[i] === length) continue;
    values[i] = column.values[indices[i]];
    validity[i >> 3] |= 1 << (i & 7);
  }
  return { kind: column.kind, length: indices.length, values, validity, absent: "undefined" };
}
