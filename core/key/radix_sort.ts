/**
 * Stable sort of row numbers by unsigned words, least significant digit first.
 *
 * Knows nothing of what the words stand for.
 */

/** Words of each row in the order in which the rows are now; the sort moves them along. */
interface WordKeys {
  rows: Uint32Array;
  /** Least significant first. */
  words: Uint32Array[];
}

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
/** So many rows pay for the counting tables. */
const FEW = 192;

/** Sorts the rows by their words; rows with equal words keep their order. */
export function sortByWords(keys: WordKeys): void {
  if (keys.rows.length <= FEW) {
    sortFew(keys);
    return;
  }
  const spare: WordKeys = {
    rows: new Uint32Array(keys.rows.length),
    words: keys.words.map((word) => new Uint32Array(word.length)),
  };
  for (let k = 0; k < keys.words.length; k++) {
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) moveByDigit(keys, spare, k, shift);
  }
}

/** One pass; the two sets of buffers change places when rows were moved. */
function moveByDigit(keys: WordKeys, spare: WordKeys, k: number, shift: number): void {
  const length = keys.rows.length;
  const word = keys.words[k];
  const places = new Uint32Array(DIGITS);
  for (let i = 0; i < length; i++) places[(word[i] >>> shift) & (DIGITS - 1)]++;
  if (places[(word[0] >>> shift) & (DIGITS - 1)] === length) return;
  let next = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = places[digit];
    places[digit] = next;
    next += count;
  }
  const targets = new Uint32Array(length);
  for (let i = 0; i < length; i++) targets[i] = places[(word[i] >>> shift) & (DIGITS - 1)]++;
  scatter(keys.rows, targets, spare.rows);
  for (let w = 0; w < keys.words.length; w++) scatter(keys.words[w], targets, spare.words[w]);
  const { rows, words } = keys;
  keys.rows = spare.rows;
  keys.words = spare.words;
  spare.rows = rows;
  spare.words = words;
}

function scatter(source: Uint32Array, targets: Uint32Array, out: Uint32Array): void {
  for (let i = 0; i < source.length; i++) out[targets[i]] = source[i];
}

/** Insertion sort. */
function sortFew({ rows, words }: WordKeys): void {
  const held = new Uint32Array(words.length);
  for (let i = 1; i < rows.length; i++) {
    const row = rows[i];
    for (let w = 0; w < words.length; w++) held[w] = words[w][i];
    let at = i;
    for (; at > 0 && isAfter(words, at - 1, held); at--) {
      rows[at] = rows[at - 1];
      for (let w = 0; w < words.length; w++) words[w][at] = words[w][at - 1];
    }
    rows[at] = row;
    for (let w = 0; w < words.length; w++) words[w][at] = held[w];
  }
}

function isAfter(words: readonly Uint32Array[], i: number, held: Uint32Array): boolean {
  for (let w = words.length - 1; w >= 0; w--) {
    if (words[w][i] !== held[w]) return words[w][i] > held[w];
  }
  return false;
}
