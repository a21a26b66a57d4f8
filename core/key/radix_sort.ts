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

interface Moved {
  readonly rows: Uint32Array;
  readonly words: Uint32Array;
}

/** Sorts rows by one word each and gives their words in the new order; rows with equal words keep their order. */
export function sortByWord(rows: Uint32Array, words: Uint32Array): Uint32Array {
  const keys = { rows, words: [words] };
  if (rows.length <= FEW) {
    sortFew(keys);
    return words;
  }
  let from: Moved = { rows, words };
  let to: Moved = { rows: new Uint32Array(rows.length), words: new Uint32Array(rows.length) };
  const places = countDigits(words);
  for (let pass = 0; pass < places.length; pass++) {
    if (!startPlaces(places[pass], rows.length)) continue;
    moveWord(from, to, places[pass], pass * DIGIT_BITS);
    [from, to] = [to, from];
  }
  if (from.rows !== rows) rows.set(from.rows);
  return from.words;
}

/** How often each digit is there, of the three digits of a word. */
function countDigits(words: Uint32Array): Uint32Array[] {
  const low = new Uint32Array(DIGITS);
  const middle = new Uint32Array(DIGITS);
  const high = new Uint32Array(DIGITS);
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    low[word & (DIGITS - 1)]++;
    middle[(word >>> DIGIT_BITS) & (DIGITS - 1)]++;
    high[word >>> (2 * DIGIT_BITS)]++;
  }
  return [low, middle, high];
}

/** Turns counts into the places of the first of each digit; false when all rows have the same one. */
function startPlaces(counts: Uint32Array, length: number): boolean {
  let next = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = counts[digit];
    if (count === length) return false;
    counts[digit] = next;
    next += count;
  }
  return true;
}

function moveWord({ rows, words }: Moved, to: Moved, places: Uint32Array, shift: number): void {
  const { rows: toRows, words: toWords } = to;
  for (let i = 0; i < rows.length; i++) {
    const word = words[i];
    const place = places[(word >>> shift) & (DIGITS - 1)]++;
    toRows[place] = rows[i];
    toWords[place] = word;
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
