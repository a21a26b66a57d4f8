/**
 * Compares and sorts rows of columns without making values where it can.
 */
import type { Column } from "../batch/column.ts";
import { rowReader } from "../batch/row_reader.ts";
import { compareValues } from "./compare.ts";

/** Compares row i of a with row j of b; agrees with compareValues. */
export function columnComparator(a: Column, b: Column): (i: number, j: number) => number {
  const readA = rowReader(a);
  const readB = a === b ? readA : rowReader(b);
  return (i, j) => compareValues(readA(i), readB(j));
}

/** Numbers of the rows in order; equal rows keep theirs, also when descending. */
export function sortIndices(column: Column, descending: boolean): Uint32Array {
  const compare = columnComparator(column, column);
  const indices = Uint32Array.from({ length: column.length }, (_, i) => i);
  return indices.sort(descending ? (i, j) => compare(j, i) || i - j : (i, j) => compare(i, j) || i - j);
}
