/**
 * Order-preserving prefixes of keys as plain numbers, so that a merge compares
 * numbers first and whole keys only on a tie.
 *
 * It knows columns only. Where prefixes differ they order as the keys do; where
 * they are equal, or one is NaN, they say nothing.
 */
import { type Column, isPresent } from "../../batch/column.ts";

/** Columns of one kind have prefixes that compare with each other; "null" compares with all. */
export function prefixKind(keys: Column): string {
  if (keys.kind === "number" || keys.kind === "date" || keys.kind === "string" || keys.kind === "null") {
    return keys.kind;
  }
  if (keys.kind !== "tuple" || keys.validity !== undefined || keys.columns.length === 0) return "none";
  const first = prefixKind(keys.columns[0]);
  // A tuple whose first place is empty in this batch still differs from absent tuples.
  return first === "none" || first === "null" ? "none" : `tuple ${first}`;
}

/** Prefixes of all rows; negated when the order is descending. Absent values come before all others. */
export function prefixesOf(keys: Column, descending: boolean): Float64Array {
  const sign = descending ? -1 : 1;
  if (keys.kind === "tuple") return prefixesOf(keys.columns[0], descending);
  const prefixes = new Float64Array(keys.length);
  if (keys.kind === "number" || keys.kind === "date") {
    for (let i = 0; i < prefixes.length; i += 1) prefixes[i] = sign * keys.values[i];
  } else if (keys.kind === "string") {
    fillStringPrefixes(prefixes, keys.bytes, keys.offsets, sign);
  }
  if (keys.kind === "null" || keys.validity !== undefined) {
    for (let i = 0; i < prefixes.length; i += 1) {
      if (!isPresent(keys, i)) prefixes[i] = -sign * Infinity;
    }
  }
  return prefixes;
}

/** The first six bytes as one exact number; UTF-8 bytes order as code points do. */
function fillStringPrefixes(
  prefixes: Float64Array,
  bytes: Uint8Array,
  offsets: Uint32Array,
  sign: number,
): void {
  for (let i = 0; i < prefixes.length; i += 1) {
    const at = offsets[i];
    const length = offsets[i + 1] - at;
    let high = 0;
    let low = 0;
    if (length >= 6) {
      high = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
      low = (bytes[at + 3] << 16) | (bytes[at + 4] << 8) | bytes[at + 5];
    } else {
      if (length > 0) high = bytes[at] << 16;
      if (length > 1) high |= bytes[at + 1] << 8;
      if (length > 2) high |= bytes[at + 2];
      if (length > 3) low = bytes[at + 3] << 16;
      if (length > 4) low |= bytes[at + 4] << 8;
    }
    prefixes[i] = sign * (high * 0x1000000 + low);
  }
}
