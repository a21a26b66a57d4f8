/**
 * Cuts lines into words, on bytes, where they lie.
 *
 * Gives exactly the words that splitting the decoded text by JavaScript's \s would
 * give, with their hashes and heads, which come of the same pass over the bytes. No
 * string is made. Knows nothing of operators.
 */
import type { StringColumn } from "../batch/column.ts";
import { finishHash, mixTail, mixWord } from "../key/murmur.ts";
import { PARTIAL, RUN_ROWS, type TextRuns } from "../key/text_runs.ts";

const SPACE = 1;
/** First byte of a longer white space character, perhaps. */
const LEAD = 2;

const HIGH_BITS = 0x80808080;

const CLASSES = new Uint8Array(256);
for (const byte of [9, 10, 11, 12, 13, 32]) CLASSES[byte] = SPACE;
for (const byte of [0xc2, 0xe1, 0xe2, 0xe3, 0xef]) CLASSES[byte] = LEAD;

/** Gives the words of all lines in order, in blocks that are good until the next; the lines must all be present. */
export function cutWords(lines: StringColumn, words: TextRuns, onBlock: () => void): void {
  const { bytes, offsets } = lines;
  words.begin(bytes);
  for (let line = 0; line < lines.length; line++) {
    const end = offsets[line + 1];
    for (let i = offsets[line]; i < end; ) {
      i = cutPlain(words, i, end);
      if (words.rows === RUN_ROWS) {
        onBlock();
        words.begin(bytes);
      } else if (i < end) i = cutOther(words, i, end);
    }
  }
  if (words.rows > 0) onBlock();
}

/**
 * Adds words of printable ASCII of [from, to) until another one comes, or there is no room; tells where it stopped.
 * Four bytes of a word are looked at together.
 */
function cutPlain(words: TextRuns, from: number, to: number): number {
  const { bytes, view, starts, ends, hashes, heads } = words;
  const readable = bytes.length - 3;
  let rows = words.rows;
  let i = from;
  while (rows < RUN_ROWS) {
    while (i < to && CLASSES[bytes[i]] === SPACE) i++;
    const start = i;
    let hash = 0;
    let four = 0;
    let odd = 0;
    for (; i < readable && i < to; i += 4) {
      four = view.getInt32(i, true);
      // The lowest byte that is marked is no printable ASCII; those above it may be marked wrongly.
      odd = ((four - 0x21212121) | four) & HIGH_BITS;
      if (i + 4 > to) odd |= HIGH_BITS << (8 * (to - i));
      if (odd !== 0) break;
      hash = mixWord(hash, four);
    }
    const count = odd === 0 ? 0 : (31 - Math.clz32(odd & -odd)) >> 3;
    const end = i + count;
    const length = end - start;
    if (length === 0 || end > to || (end < to && CLASSES[bytes[end]] !== SPACE)) {
      i = start;
      break;
    }
    const tail = four & ((1 << (8 * count)) - 1);
    if (count > 0) hash = mixTail(hash, tail);
    starts[rows] = start;
    ends[rows] = end;
    hashes[rows] = finishHash(hash, length);
    heads[2 * rows] = length < 4 ? tail : view.getInt32(start, true);
    heads[2 * rows + 1] =
      length > 8 ? PARTIAL : length === 8 ? view.getInt32(start + 4, true) : length < 4 ? 0 : tail;
    rows++;
    i = end;
  }
  words.rows = rows;
  return i;
}

/** Passes over one white space character at `from`, or adds the word there; tells where that ends. */
function cutOther(words: TextRuns, from: number, to: number): number {
  const { bytes } = words;
  const width = spaceWidth(bytes, from, to);
  if (width > 0) return from + width;
  let end = from + 1;
  while (end < to && (CLASSES[bytes[end]] === 0 || spaceWidth(bytes, end, to) === 0)) end++;
  words.add(from, end);
  return end;
}

/** Bytes of the white space character that begins at i; 0 when another one does. */
function spaceWidth(bytes: Uint8Array, i: number, end: number): number {
  const second = i + 1 < end ? bytes[i + 1] : 0;
  const third = i + 2 < end ? bytes[i + 2] : 0;
  switch (bytes[i]) {
    case 0xc2:
      return second === 0xa0 ? 2 : 0;
    case 0xe1:
      return second === 0x9a && third === 0x80 ? 3 : 0;
    case 0xe2:
      if (second === 0x81) return third === 0x9f ? 3 : 0;
      if (second !== 0x80) return 0;
      return (third >= 0x80 && third <= 0x8a) || third === 0xa8 || third === 0xa9 || third === 0xaf ? 3 : 0;
    case 0xe3:
      return second === 0x80 && third === 0x80 ? 3 : 0;
    case 0xef:
      return second === 0xbb && third === 0xbf ? 3 : 0;
    default:
      return CLASSES[bytes[i]] === SPACE ? 1 : 0;
  }
}
