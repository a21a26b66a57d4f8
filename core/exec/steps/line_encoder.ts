/**
 * Rows as lines of bytes for a child process.
 *
 * Columns of strings are copied as bytes. It knows nothing of processes.
 */
import type { RowGroup } from "./feed.ts";

const NEWLINE = 10;
const encoder = new TextEncoder();

/**
 * @param firstRow number of the group's first row, for the message
 * @throws {TypeError} If a row is not a string.
 */
export function encodeLines(group: RowGroup, firstRow: number): Uint8Array {
  const { column } = group;
  if (column?.kind === "string" && column.validity === undefined) {
    return joinBytes(column.bytes, column.offsets, column.length);
  }
  let text = "";
  for (let i = 0; i < group.length; i += 1) {
    const row = group.read(i);
    if (typeof row !== "string") {
      const type = row === null ? "null" : typeof row;
      throw new TypeError(`Cannot write row ${firstRow + i} as a line: it is of type ${type}, not a string`);
    }
    text += `${row}\n`;
  }
  return encoder.encode(text);
}

function joinBytes(bytes: Uint8Array, offsets: Uint32Array, rows: number): Uint8Array {
  const lines = new Uint8Array(offsets[rows] - offsets[0] + rows);
  let at = 0;
  for (let i = 0; i < rows; i += 1) {
    const end = offsets[i + 1];
    for (let k = offsets[i]; k < end; k += 1) lines[at++] = bytes[k];
    lines[at++] = NEWLINE;
  }
  return lines;
}
