/**
 * Rows that are picked from several columns as the CBOR arrays of encode_column.ts, moved straight into them.
 *
 * It writes what encodeColumn writes of the column that the rows make.
 */
import type { CborWriter } from "./cbor_writer.ts";
import { TAG } from "./cbor_writer.ts";
import type { BytesColumn, Column, NumberColumn, StringColumn } from "./column.ts";
import { encodeColumn, ITEMS } from "./encode_column.ts";
import { canPick, copyRuns, fieldOf, gatherPicks, type Picks, pickedOffsets, pickNumbers } from "./picks.ts";
import type { ValueCodec } from "./ports.ts";

/** Writes the picked rows as one column. */
export function encodePicks(writer: CborWriter, picks: Picks, values: ValueCodec): void {
  if (canPick(picks.sources)) encodeAlike(writer, picks, values);
  else encodeColumn(writer, gatherPicks(picks), values);
}

function encodeAlike(writer: CborWriter, picks: Picks, values: ValueCodec): void {
  const [first] = picks.sources;
  switch (first.kind) {
    case "number":
    case "date":
      writeHead(writer, first, picks);
      encodeNumbers(writer, { ...picks, sources: picks.sources.filter(isNumbers) });
      return;
    case "string":
    case "bytes":
      writeHead(writer, first, picks);
      encodeRuns(writer, { ...picks, sources: picks.sources.filter(isRuns) });
      return;
    case "tuple":
    case "object":
      writeHead(writer, first, picks);
      if (first.kind === "object") {
        writer.array(first.names.length);
        for (const name of first.names) writer.text(name);
      }
      writer.array(first.columns.length);
      for (let k = 0; k < first.columns.length; k++) {
        encodeAlike(writer, { ...picks, sources: picks.sources.map((each) => fieldOf(each, k)) }, values);
      }
      return;
    default:
      encodeColumn(writer, gatherPicks(picks), values);
  }
}

/** Kind, length, and that no row is absent. */
function writeHead(writer: CborWriter, { kind }: Column, { rows }: Picks): void {
  writer.array(ITEMS[kind]);
  writer.text(kind);
  writer.uint(rows.length);
  writer.uint(0);
}

function encodeRuns(
  writer: CborWriter,
  { sources, choices, rows }: Picks & { readonly sources: readonly (StringColumn | BytesColumn)[] },
): void {
  const offsets = new Uint32Array(rows.length + 1);
  const end = pickedOffsets(sources, choices, rows, offsets, 0);
  writer.typed(TAG.uint32, offsets, 4);
  copyRuns(sources, choices, rows, writer.typedRoom(TAG.uint8, end, 1), offsets);
}

function encodeNumbers(
  writer: CborWriter,
  { sources, choices, rows }: Picks & { readonly sources: readonly NumberColumn[] },
): void {
  const { buffer, byteOffset } = writer.typedRoom(TAG.float64, 8 * rows.length, 8);
  pickNumbers(sources, choices, rows, new Float64Array(buffer, byteOffset, rows.length));
}

function isNumbers(column: Column): column is NumberColumn {
  return column.kind === "number" || column.kind === "date";
}

function isRuns(column: Column): column is StringColumn | BytesColumn {
  return column.kind === "string" || column.kind === "bytes";
}
