/**
 * Compares rows of columns without making values where it can; agrees with compareValues.
 *
 * Strings are compared as their UTF-8 bytes, whose order is that of the code points.
 */
import { type Column, isPresent } from "../batch/column.ts";
import { rowReader } from "../batch/row_reader.ts";
import { compareNumbers, compareValues, RANK, sortedNames } from "./compare.ts";
import { sortRows } from "./sort_column.ts";

type RowComparator = (i: number, j: number) => number;

/** Numbers of the rows in order; equal rows keep theirs, also when descending. */
export function sortIndices(column: Column, descending: boolean): Uint32Array {
  const order = new Uint32Array(column.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  sortRows(column, order, descending, columnComparator);
  return order;
}

/** Compares row i of a with row j of b. */
export function columnComparator(a: Column, b: Column): RowComparator {
  if (a.kind === "any" || b.kind === "any") return comparatorOfValues(a, b);
  const present = presentComparator(a, b);
  if (a.kind !== "null" && b.kind !== "null" && a.validity === undefined && b.validity === undefined)
    return present;
  const absentA = rankOfAbsent(a);
  const absentB = rankOfAbsent(b);
  return (i, j) => {
    const rankA = isPresent(a, i) ? RANK.boolean : absentA;
    const rankB = isPresent(b, j) ? RANK.boolean : absentB;
    return rankA === RANK.boolean && rankB === RANK.boolean ? present(i, j) : rankA - rankB;
  };
}

function rankOfAbsent(column: Column): number {
  return column.absent === "null" ? RANK.null : RANK.undefined;
}

function comparatorOfValues(a: Column, b: Column): RowComparator {
  const readA = rowReader(a);
  const readB = rowReader(b);
  return (i, j) => compareValues(readA(i), readB(j));
}

/** Compares rows that are both present. */
function presentComparator(a: Column, b: Column): RowComparator {
  if ((a.kind === "number" && b.kind === "number") || (a.kind === "date" && b.kind === "date")) {
    const x = a.values;
    const y = b.values;
    return (i, j) => compareNumbers(x[i], y[j]);
  }
  if (a.kind === "boolean" && b.kind === "boolean") {
    const x = a.bits;
    const y = b.bits;
    return (i, j) => ((x[i >> 3] >> (i & 7)) & 1) - ((y[j >> 3] >> (j & 7)) & 1);
  }
  if ((a.kind === "string" && b.kind === "string") || (a.kind === "bytes" && b.kind === "bytes")) {
    const { bytes: x, offsets: from } = a;
    const { bytes: y, offsets: to } = b;
    return (i, j) => compareRuns(x, from[i], from[i + 1], y, to[j], to[j + 1]);
  }
  if (a.kind === "tuple" && b.kind === "tuple") return comparatorOfTuples(a.columns, b.columns);
  if (a.kind === "list" && b.kind === "list") {
    const items = columnComparator(a.items, b.items);
    return comparatorOfLists(items, a.offsets, b.offsets);
  }
  if (a.kind === "object" && b.kind === "object") {
    const names = sortedNames(a.names);
    if (sortedNames(b.names).every((name, k) => name === names[k]) && names.length === b.names.length) {
      const ofName = (side: typeof a) => names.map((name) => side.columns[side.names.indexOf(name)]);
      return comparatorOfTuples(ofName(a), ofName(b));
    }
  }
  return comparatorOfValues(a, b);
}

/** Compares bytes [from, to) of two sources. */
function compareRuns(
  a: Uint8Array,
  fromA: number,
  toA: number,
  b: Uint8Array,
  fromB: number,
  toB: number,
): number {
  const length = Math.min(toA - fromA, toB - fromB);
  for (let k = 0; k < length; k++) {
    const order = a[fromA + k] - b[fromB + k];
    if (order !== 0) return order;
  }
  return toA - fromA - (toB - fromB);
}

function comparatorOfTuples(a: readonly Column[], b: readonly Column[]): RowComparator {
  const places = Math.min(a.length, b.length);
  const comparators = Array.from({ length: places }, (_, k) => columnComparator(a[k], b[k]));
  const rest = a.length - b.length;
  return (i, j) => {
    for (let k = 0; k < places; k++) {
      const order = comparators[k](i, j);
      if (order !== 0) return order;
    }
    return rest;
  };
}

function comparatorOfLists(items: RowComparator, a: Uint32Array, b: Uint32Array): RowComparator {
  return (i, j) => {
    const lengthA = a[i + 1] - a[i];
    const lengthB = b[j + 1] - b[j];
    for (let k = 0; k < lengthA && k < lengthB; k++) {
      const order = items(a[i] + k, b[j] + k);
      if (order !== 0) return order;
    }
    return lengthA - lengthB;
  };
}
