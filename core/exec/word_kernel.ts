/**
 * Splits a column of lines into a column of words, on bytes.
 *
 * Gives exactly the words that splitting the decoded text by JavaScript's \s would
 * give. No string is made. Knows nothing of operators.
 */
import type { StringColumn } from "../batch/column.ts";

const SPACE = 1;
/** First byte of a longer white space character, perhaps. */
const LEAD = 2;

const HIGH_BITS = 0x80808080;

const CLASSES = new Uint8Array(256);
for (const byte of [9, 10, 11, 12, 13, 32]) CLASSES[byte] = SPACE;
for (const byte of [0xc2, 0xe1, 0xe2, 0xe3, 0xef]) CLASSES[byte] = LEAD;

/** Ends of words before their number is known; larger ones than a usual batch needs are not kept. */
const ENDS = new Uint32Array(1 << 20);

/** Words of all lines in order; the lines must all be present. */
export function splitWords(lines: StringColumn): StringColumn {
  const { bytes, offsets: lineOffsets } = lines;
  const size = lineOffsets[lines.length] - lineOffsets[0];
  const out = new Uint8Array(size);
  const most = Math.ceil(size / 2) + lines.length + 1;
  const offsets = most <= ENDS.length ? ENDS : new Uint32Array(most);
  offsets[0] = 0;
  const input = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const output = new DataView(out.buffer);
  let length = 0;
  let words = 0;
  for (let line = 0; line < lines.length; line++) {
    const end = lineOffsets[line + 1];
    for (let i = lineOffsets[line]; i < end; ) {
      // Four bytes at a time while all of them are ASCII and above white space.
      for (; i + 4 <= end; i += 4) {
        const word = input.getInt32(i, true);
        if ((((word - 0x21212121) | word) & HIGH_BITS) !== 0) break;
        output.setInt32(length, word, true);
        length += 4;
      }
      for (let width = 0; i < end && width === 0; i += Math.max(1, width)) {
        const byte = bytes[i];
        width = CLASSES[byte] === 0 ? 0 : CLASSES[byte] === SPACE ? 1 : spaceWidth(bytes, i, end);
        if (width === 0) out[length++] = byte;
        else if (length > offsets[words]) offsets[++words] = length;
      }
    }
    if (length > offsets[words]) offsets[++words] = length;
  }
  return {
    kind: "string",
    length: words,
    offsets: offsets.slice(0, words + 1),
    bytes: out.subarray(0, length),
  };
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
    default:
      return second === 0xbb && third === 0xbf ? 3 : 0;
  }
}
