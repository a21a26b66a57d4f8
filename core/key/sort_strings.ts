/**
 * Stable sort of row numbers by runs of bytes: by the first four bytes, then eight at a time, and the next ones only
 * where those were equal.
 */
import { type BytesColumn, isPresent, type StringColumn } from "../batch/column.ts";
import { sortByWord, sortByWords } from "./radix_sort.ts";

type Runs = StringColumn | BytesColumn;

/** Rows [from, to) of the order that are equal in their first `depth` bytes. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/** Bytes of a row beyond a depth, when they are more than the eight of the words. */
const MORE = 9;

/** So few rows are compared one with another. */
const FEW = 12;

/** Sorts the rows in `order` by their bytes, absent ones first; descending turns it round but not ties. */
export function sortRuns(column: Runs, order: Uint32Array, descending: boolean): void {
  const work: Range[] = [];
  sortByBeginning(column, order, descending, work);
  for (let range = work.pop(); range !== undefined; range = work.pop())
    sortRange(column, order, descending, range, work);
}

/** Four bytes part most keys from each other, at a quarter of what eight and the lengths cost. */
function sortByBeginning(column: Runs, order: Uint32Array, descending: boolean, work: Range[]): void {
  const words = new Uint32Array(order.length);
  fillBeginnings(column, order, words);
  if (descending) invert(words);
  const sorted = sortByWord(order, words);
  for (let i = 0; i < order.length; ) {
    let end = i + 1;
    while (end < order.length && sorted[end] === sorted[i]) end++;
    if (end - i > 1) work.push({ from: i, to: end, depth: 0 });
    i = end;
  }
}

function fillBeginnings(column: Runs, order: Uint32Array, words: Uint32Array): void {
  const { bytes, offsets, validity } = column;
  for (let i = 0; i < words.length; i++) {
    const row = order[i];
    const at = offsets[row];
    const left = offsets[row + 1] - at;
    let word = 0;
    if (left > 3) word = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    else {
      if (left > 0) word = bytes[at] << 24;
      if (left > 1) word |= bytes[at + 1] << 16;
      if (left > 2) word |= bytes[at + 2] << 8;
    }
    words[i] = validity === undefined || isPresent(column, row) ? word : 0;
  }
}

/** Insertion sort. */
function sortFew(column: Runs, order: Uint32Array, descending: boolean, { from, to, depth }: Range): void {
  for (let i = from + 1; i < to; i++) {
    const row = order[i];
    let at = i;
    for (; at > from; at--) {
      const difference = compareRows(column, order[at - 1], row, depth);
      if (descending ? difference >= 0 : difference <= 0) break;
      order[at] = order[at - 1];
    }
    order[at] = row;
  }
}

/** Compares rows that are equal in their first `depth` bytes. */
function compareRows(column: Runs, a: number, b: number, depth: number): number {
  const isThere = isPresent(column, a);
  if (!isThere || !isPresent(column, b)) return Number(isThere) - Number(isPresent(column, b));
  const { bytes, offsets } = column;
  let i = offsets[a] + depth;
  let j = offsets[b] + depth;
  const endA = offsets[a + 1];
  const endB = offsets[b + 1];
  for (; i < endA && j < endB; i++, j++) {
    if (bytes[i] !== bytes[j]) return bytes[i] - bytes[j];
  }
  return endA - i - (endB - j);
}

function sortRange(column: Runs, order: Uint32Array, descending: boolean, range: Range, work: Range[]): void {
  const { from, to, depth } = range;
  const length = to - from;
  if (length <= FEW) {
    sortFew(column, order, descending, range);
    return;
  }
  const counts = new Uint32Array(length);
  const low = new Uint32Array(length);
  const high = new Uint32Array(length);
  const keys = { rows: order.slice(from, to), words: [counts, low, high] };
  for (let i = 0; i < length; i++) setWords(column, keys.rows[i], depth, i, counts, low, high);
  if (descending) for (const word of keys.words) invert(word);
  sortByWords(keys);
  order.set(keys.rows, from);
  const more = (descending ? ~(MORE + 1) : MORE + 1) >>> 0;
  const [count, second, first] = keys.words;
  for (let i = 0; i < length; ) {
    let end = i + 1;
    while (end < length && first[end] === first[i] && second[end] === second[i] && count[end] === count[i])
      end++;
    if (count[i] === more && end - i > 1) work.push({ from: from + i, to: from + end, depth: depth + 8 });
    i = end;
  }
}

/** The eight bytes at a depth, padded with zeros, and how many there are (0: absent, n + 1: n bytes). */
function setWords(
  column: Runs,
  row: number,
  depth: number,
  i: number,
  counts: Uint32Array,
  low: Uint32Array,
  high: Uint32Array,
): void {
  if (!isPresent(column, row)) return;
  const bytes = column.bytes;
  const from = column.offsets[row] + depth;
  const left = column.offsets[row + 1] - from;
  counts[i] = Math.min(left, MORE) + 1;
  let word = 0;
  for (let k = 0; k < 4; k++) word = (word << 8) | (k < left ? bytes[from + k] : 0);
  high[i] = word;
  word = 0;
  for (let k = 4; k < 8; k++) word = (word << 8) | (k < left ? bytes[from + k] : 0);
  low[i] = word;
}

function invert(word: Uint32Array): void {
  for (let i = 0; i < word.length; i++) word[i] = ~word[i];
}
