/**
 * Strings where they lie in a larger memory, with what looking them up needs: their hashes and first bytes.
 *
 * A block of them is small enough to stay in the first caches. Knows nothing of tables.
 */

import type { StringColumn } from "../batch/column.ts";
import { ByteCopier } from "../batch/copy_bytes.ts";
import { finishHash, mixTail, mixWord } from "./murmur.ts";

/** Strings of one block at most. */
export const RUN_ROWS = 1024;

/**
 * The second word of the head of a string that its head does not tell whole: one of more than 8 bytes, or one whose
 * bytes could be taken for the zeros behind a shorter one or for this mark. No UTF-8 of 8 bytes ends with it.
 */
export const PARTIAL = -1;

export class TextRuns {
  rows = 0;
  bytes: Uint8Array = new Uint8Array(0);
  /** Of `bytes`. */
  view: DataView = new DataView(this.bytes.buffer);
  /** String i is bytes [starts[i], ends[i]). */
  readonly starts: Uint32Array = new Uint32Array(RUN_ROWS);
  readonly ends: Uint32Array = new Uint32Array(RUN_ROWS);
  /** Of hashColumn. */
  readonly hashes: Uint32Array = new Uint32Array(RUN_ROWS);
  /** Two little-endian words each: the first 8 bytes with zeros behind shorter strings, or 4 bytes and PARTIAL. */
  readonly heads: Int32Array = new Int32Array(2 * RUN_ROWS);

  /** Empties the block, for strings of this memory. */
  begin(bytes: Uint8Array): void {
    this.rows = 0;
    if (this.bytes === bytes) return;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Becomes rows [from, to) of a column, at most RUN_ROWS, all of them present. */
  fill({ bytes, offsets }: StringColumn, from: number, to: number): void {
    this.begin(bytes);
    for (let row = from; row < to; row++) this.#put(row - from, offsets[row], offsets[row + 1]);
    this.rows = to - from;
  }

  /** Adds one string of the memory that the block began with; there must be room. */
  add(start: number, end: number): void {
    this.#put(this.rows++, start, end);
  }

  /** The strings in a column of their own. */
  column(): StringColumn {
    const { rows, starts, ends } = this;
    const offsets = new Uint32Array(rows + 1);
    for (let i = 0; i < rows; i++) offsets[i + 1] = offsets[i] + ends[i] - starts[i];
    const bytes = new Uint8Array(offsets[rows]);
    const copier = new ByteCopier(this.bytes, bytes);
    for (let i = 0; i < rows; i++) copier.copy(starts[i], ends[i], offsets[i]);
    return { kind: "string", length: rows, offsets, bytes };
  }

  #put(k: number, start: number, end: number): void {
    const { bytes, view } = this;
    const length = end - start;
    let hash = 0;
    let i = start;
    for (const whole = start + (length & ~3); i < whole; i += 4) hash = mixWord(hash, view.getInt32(i, true));
    let rest = 0;
    if (i < end) {
      rest = bytes[i];
      if (i + 1 < end) rest |= bytes[i + 1] << 8;
      if (i + 2 < end) rest |= bytes[i + 2] << 16;
      hash = mixTail(hash, rest);
    }
    this.starts[k] = start;
    this.ends[k] = end;
    this.hashes[k] = finishHash(hash, length);
    const isPartial = length > 8 || (length > 0 && bytes[end - 1] === 0);
    const { heads } = this;
    heads[2 * k] = length < 4 ? rest : view.getInt32(start, true);
    heads[2 * k + 1] = isPartial
      ? PARTIAL
      : length === 8
        ? view.getInt32(start + 4, true)
        : length < 4
          ? 0
          : rest;
  }
}

/** The two words that a table compares first. */
export function headOf(bytes: Uint8Array, start: number, end: number): readonly [number, number] {
  let first = 0;
  let second = 0;
  for (let i = start; i < end && i < start + 4; i++) first |= bytes[i] << (8 * (i - start));
  for (let i = start + 4; i < end && i < start + 8; i++) second |= bytes[i] << (8 * (i - start - 4));
  const isPartial = end - start > 8 || (end > start && bytes[end - 1] === 0);
  return [first, isPartial ? PARTIAL : second];
}
