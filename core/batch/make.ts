/**
 * Makes columns and batches of what is in memory already.
 */
import { LucioleError } from "../errors.ts";
import type { Batch, Column } from "./column.ts";
import { columnWriter } from "./column_writer.ts";
import { checkSerialisable } from "./serialisable.ts";
import { NONE, type Shape, shapeOf, widen } from "./shape.ts";

/** Makes one column of any values, in the narrowest shape that holds them all. */
export function columnOf(values: readonly unknown[]): Column {
  if (values.length === 0) return { kind: "null", length: 0, absent: "null" };
  return writeAll(values, shapeOf(values[0])) ?? writeWidest(values);
}

/** Makes a batch whose rows are arrays: one column for each place. */
export function tupleBatch(columns: readonly Column[], rows: number): Batch {
  return { rows, column: { kind: "tuple", length: rows, columns } };
}

function writeAll(values: readonly unknown[], shape: Shape): Column | undefined {
  const writer = columnWriter(shape);
  for (let i = 0; i < values.length; i++) {
    if (writer.write(values[i], i) < 0) return undefined;
  }
  return writer.finish(values.length);
}

function writeWidest(values: readonly unknown[]): Column {
  let shape = NONE;
  for (let i = 0; i < values.length; i++) {
    checkSerialisable(values[i]);
    shape = widen(shape, shapeOf(values[i]));
  }
  const column = writeAll(values, shape);
  if (column === undefined)
    throw new LucioleError(
      "not-serialisable",
      "Cannot make a column: a value is another one each time it is read",
    );
  return column;
}
