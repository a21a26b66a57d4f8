/**
 * Stable sort of row numbers by any column: by words where there are numbers, strings or
 * bytes, column by column from the last for tuples and objects, by comparing for the rest.
 */
import { type Column, isPresent } from "../batch/column.ts";
import { sortedNames } from "./compare.ts";
import { sortByWords } from "./radix_sort.ts";
import { sortRuns } from "./sort_strings.ts";

/** Makes the comparator of a column's rows; a parameter, as comparing knows of sorting already. */
type ComparatorOf = (a: Column, b: Column) => (i: number, j: number) => number;

/** Sorts the rows in `order`, absent ones first; descending turns it round but not ties. */
export function sortRows(
  column: Column,
  order: Uint32Array,
  descending: boolean,
  comparatorOf: ComparatorOf,
): void {
  switch (column.kind) {
    case "null":
      return;
    case "number":
    case "date":
      sortNumbers(column, (row) => column.values[row], order, descending);
      return;
    case "boolean":
      sortNumbers(column, (row) => (column.bits[row >> 3] >> (row & 7)) & 1, order, descending);
      return;
    case "string":
    case "bytes":
      sortRuns(column, order, descending);
      return;
    case "tuple":
      sortFields(column, column.columns, order, descending, comparatorOf);
      return;
    case "object": {
      const inOrder = sortedNames(column.names).map((name) => column.columns[column.names.indexOf(name)]);
      sortFields(column, inOrder, order, descending, comparatorOf);
      return;
    }
    default: {
      const compare = comparatorOf(column, column);
      order.sort(descending ? (i, j) => compare(j, i) : compare);
    }
  }
}

/** The last column first: each later sort keeps the order of what is equal in it. */
function sortFields(
  column: Column,
  columns: readonly Column[],
  order: Uint32Array,
  descending: boolean,
  comparatorOf: ComparatorOf,
): void {
  if (column.validity === undefined) {
    for (const each of columns.toReversed()) sortRows(each, order, descending, comparatorOf);
    return;
  }
  // What the fields of absent rows hold means nothing.
  const absent = order.filter((row) => !isPresent(column, row));
  const present = order.filter((row) => isPresent(column, row));
  for (const each of columns.toReversed()) sortRows(each, present, descending, comparatorOf);
  order.set(present, descending ? 0 : absent.length);
  order.set(absent, descending ? present.length : 0);
}

const FLOAT = new Float64Array(1);
const WORDS = new Uint32Array(FLOAT.buffer);

function sortNumbers(
  column: Column,
  numberAt: (row: number) => number,
  order: Uint32Array,
  descending: boolean,
): void {
  const low = new Uint32Array(order.length);
  const high = new Uint32Array(order.length);
  const flip = descending ? 0xffffffff : 0;
  for (let i = 0; i < order.length; i++) {
    const row = order[i];
    if (isPresent(column, row)) {
      const value = numberAt(row);
      FLOAT[0] = Number.isNaN(value) ? Number.NaN : value + 0;
      // As unsigned words: negative numbers with all bits turned, others above them.
      const sign = WORDS[1] >>> 31 === 1 ? 0xffffffff : 0;
      low[i] = WORDS[0] ^ sign ^ flip;
      high[i] = WORDS[1] ^ (sign | 0x80000000) ^ flip;
    } else {
      low[i] = flip;
      high[i] = flip;
    }
  }
  const keys = { rows: order.slice(), words: [low, high] };
  sortByWords(keys);
  order.set(keys.rows);
}
