/**
 * Steps that only pick or pair columns, done for a whole batch without making a row.
 *
 * It knows which shapes a step can be done for; all others go through the generated loop, which means the same.
 */
import type { Batch, Column } from "../batch/column.ts";
import { tupleBatch } from "../batch/make.ts";
import type { NodeSpec } from "../graph/node.ts";

/** What a step makes of a batch; undefined when it must be done row by row. */
export function columnStep(spec: NodeSpec, { rows, column }: Batch): Batch | undefined {
  switch (spec.kind) {
    case "keys":
    case "values": {
      if (!isPlainPair(column)) return undefined;
      return { rows, column: column.columns[spec.kind === "keys" ? 0 : 1] };
    }
    case "keyBy": {
      const key = spec.field === undefined ? undefined : fieldColumn(column, spec.field);
      return key === undefined ? undefined : tupleBatch([key, column], rows);
    }
    case "mapValues": {
      if (spec.field === undefined || !isPlainPair(column)) return undefined;
      const [keys, values] = column.columns;
      const field = fieldColumn(values, spec.field);
      return field === undefined ? undefined : tupleBatch([keys, field], rows);
    }
    default:
      return undefined;
  }
}

/** Tells whether rows are pairs that lie in two columns. */
export function isPlainPair(column: Column): column is Column & { readonly kind: "tuple" } {
  return column.kind === "tuple" && column.columns.length === 2 && column.validity === undefined;
}

function fieldColumn(column: Column, field: string | number): Column | undefined {
  if (column.kind !== "tuple" && column.kind !== "object") return undefined;
  if (column.validity !== undefined) return undefined;
  if (column.kind === "object") return column.columns[column.names.indexOf(String(field))];
  // Of an array a name is no place: "" is a property like others.
  return typeof field === "number" ? column.columns[field] : undefined;
}
