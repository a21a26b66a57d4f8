/**
 * Makes rows of columns without generated code: one closure for each column of a shape.
 *
 * The general way behind row_reader.ts; both give the same rows.
 */
import { type Column, isPresent } from "./column.ts";
import { decodeRow } from "./text.ts";

/** Returns the function that makes row i of a column. */
export function plainReader(column: Column): (i: number) => unknown {
  if (column.kind === "null") {
    const absent = column.absent === "null" ? null : undefined;
    return () => absent;
  }
  const read = presentReader(column);
  if (column.validity === undefined) return read;
  const absent = column.absent === "null" ? null : undefined;
  return (i) => (isPresent(column, i) ? read(i) : absent);
}

function presentReader(column: Exclude<Column, { kind: "null" }>): (i: number) => unknown {
  switch (column.kind) {
    case "number":
    case "any":
      return (i) => column.values[i];
    case "date":
      return (i) => new Date(column.values[i]);
    case "boolean":
      return (i) => (column.bits[i >> 3] & (1 << (i & 7))) !== 0;
    case "string":
      return (i) => decodeRow(column, i);
    case "bytes":
      return (i) => column.bytes.slice(column.offsets[i], column.offsets[i + 1]);
    case "tuple": {
      const readers = column.columns.map(plainReader);
      return (i) => readers.map((read) => read(i));
    }
    case "object": {
      const readers = column.columns.map(plainReader);
      return (i) => Object.fromEntries(column.names.map((name, k) => [name, readers[k](i)]));
    }
    case "list": {
      const read = plainReader(column.items);
      const { offsets } = column;
      return (i) => Array.from({ length: offsets[i + 1] - offsets[i] }, (_, k) => read(offsets[i] + k));
    }
  }
}
