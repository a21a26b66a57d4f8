/**
 * Owns `gatherOrMissing`, the gather of outer joins; it knows nothing of joins themselves.
 *
 * The work is that of the rows that are asked for: few are taken at a time of a column that may be large.
 */
import { type Absent, type Column, isPresent } from "./column.ts";
import { concatColumns, gather } from "./gather.ts";

/** Rows of a column in the order of `indices`; undefined where one is the number of the row after the last. */
export function gatherOrMissing(column: Column, indices: Uint32Array): Column {
  const { length } = column;
  const present = presentOf(indices, length);
  if (present.length === indices.length) return gather(column, indices);
  const missing: Column = { kind: "null", length: indices.length - present.length, absent: "undefined" };
  if (present.length === 0) return missing;
  const found = gather(column, present);
  const places = new Uint32Array(indices.length).fill(present.length);
  for (let i = 0, next = 0; i < places.length; i++) if (indices[i] !== length) places[i] = next++;
  if (found.absent !== "null") return spread(found, places, "undefined");
  // No column but one of any values holds both null and undefined.
  return gather(concatColumns([found, { ...missing, length: 1 }]), places);
}

/** All indices but the missing one: most often all of them, which are not copied. */
function presentOf(indices: Uint32Array, missing: number): Uint32Array {
  let count = 0;
  for (let i = 0; i < indices.length; i++) if (indices[i] !== missing) count++;
  if (count === indices.length) return indices;
  const present = new Uint32Array(count);
  for (let i = 0, next = 0; i < indices.length; i++) if (indices[i] !== missing) present[next++] = indices[i];
  return present;
}

/** The rows of a column at their places, which are in order; the others are the place after the last row. */
function spread(column: Column, places: Uint32Array, absent: Absent | undefined): Column {
  const { length } = places;
  const part = (each: Column) => spread(each, places, each.validity === undefined ? undefined : each.absent);
  if (column.kind === "null") return { ...column, length };
  if (column.kind === "any" && column.validity === undefined) {
    // A place after the last value has none.
    return { kind: "any", length, values: Array.from(places, (place) => column.values[place]) };
  }
  const presence = absent === undefined ? {} : { validity: spreadPresence(column, places), absent };
  switch (column.kind) {
    case "number":
    case "date":
      return { kind: column.kind, length, ...presence, values: spreadNumbers(column.values, places) };
    case "boolean":
      return { kind: "boolean", length, ...presence, bits: spreadBits(column.bits, places, column.length) };
    case "any":
      return { ...column, length, ...presence, values: Array.from(places, (place) => column.values[place]) };
    case "string":
    case "bytes":
    case "list":
      return { ...column, length, ...presence, offsets: spreadOffsets(column.offsets, places) };
    default:
      return { ...column, length, ...presence, columns: column.columns.map(part) };
  }
}

function spreadPresence(column: Column, places: Uint32Array): Uint8Array {
  const out = new Uint8Array((places.length + 7) >> 3);
  for (let i = 0; i < places.length; i++) {
    if (places[i] < column.length && isPresent(column, places[i])) out[i >> 3] |= 1 << (i & 7);
  }
  return out;
}

function spreadBits(bits: Uint8Array, places: Uint32Array, count: number): Uint8Array {
  const out = new Uint8Array((places.length + 7) >> 3);
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    if (place < count) out[i >> 3] |= ((bits[place >> 3] >> (place & 7)) & 1) << (i & 7);
  }
  return out;
}

function spreadNumbers(values: Float64Array, places: Uint32Array): Float64Array {
  const out = new Float64Array(places.length);
  for (let i = 0; i < places.length; i++) if (places[i] < values.length) out[i] = values[places[i]];
  return out;
}

/** A row that is missing has no bytes and no items. */
function spreadOffsets(offsets: Uint32Array, places: Uint32Array): Uint32Array {
  const out = new Uint32Array(places.length + 1);
  let end = offsets[0];
  out[0] = end;
  for (let i = 0; i < places.length; i++) {
    if (places[i] + 1 < offsets.length) end = offsets[places[i] + 1];
    out[i + 1] = end;
  }
  return out;
}
