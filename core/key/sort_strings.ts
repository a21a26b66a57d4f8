/**
 * Stable sort of row numbers by runs of bytes: eight bytes at a time, and the next eight
 * only where those were equal.
 */
import { type BytesColumn, isPresent, type StringColumn } from "../batch/column.ts";
import { sortByWords } from "./radix_sort.ts";

type Runs = StringColumn | BytesColumn;

/** Rows [from, to) of the order that are equal in their first `depth` bytes. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/** Bytes of a row beyond a depth, when they are more than the eight of the words. */
const MORE = 9;

/** Sorts the rows in `order` by their bytes, absent ones first; descending turns it round but not ties. */
export function sortRuns(column: Runs, order: Uint32Array, descending: boolean): void {
  const work: Range[] = [{ from: 0, to: order.length, depth: 0 }];
  for (let range = work.pop(); range !== undefined; range = work.pop())
    sortRange(column, order, descending, range, work);
}

function sortRange(column: Runs, order: Uint32Array, descending: boolean, range: Range, work: Range[]): void {
  const { from, to, depth } = range;
  const length = to - from;
  if (length < 2) return;
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
