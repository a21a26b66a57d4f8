/**
 * Bitmaps, least significant bit first, as columns keep them.
 */

/** Packs the first `length` bytes, each 0 or 1, into bits. */
export function packBits(flags: Uint8Array, length: number): Uint8Array {
  const bits = new Uint8Array((length + 7) >> 3);
  for (let i = 0; i < length; i++) bits[i >> 3] |= flags[i] << (i & 7);
  return bits;
}

/** Bits of the rows that `indices` names, in that order. */
export function gatherBits(bits: Uint8Array, indices: Uint32Array): Uint8Array {
  const out = new Uint8Array((indices.length + 7) >> 3);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i];
    out[i >> 3] |= ((bits[from >> 3] >> (from & 7)) & 1) << (i & 7);
  }
  return out;
}

/** Copies `length` bits from one place to another, into zeros; a missing source means ones. */
export function copyBits(
  source: Uint8Array | undefined,
  from: number,
  target: Uint8Array,
  to: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) {
    const bit = source === undefined ? 1 : (source[(from + i) >> 3] >> ((from + i) & 7)) & 1;
    target[(to + i) >> 3] |= bit << ((to + i) & 7);
  }
}
