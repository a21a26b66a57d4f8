/**
 * Columns of keys that closures make: mostly short strings, many of them.
 *
 * They are strung together and encoded at once, as writing each of them costs more than making it. It knows nothing of
 * rows or of sorting.
 */
import type { Column } from "../../batch/column.ts";
import { columnOf } from "../../batch/make.ts";

/** Far below the longest string there can be. */
const MAX_TEXT = 1 << 26;
const ENCODER = new TextEncoder();

/** Makes one column of `rows` keys, each of which is asked for once, in order. */
export function keyColumnOf(rows: number, keyOf: (i: number) => unknown): Column {
  const offsets = new Uint32Array(rows + 1);
  let text = "";
  for (let i = 0; i < rows; i += 1) {
    const key = keyOf(i);
    if (typeof key !== "string" || text.length + key.length > MAX_TEXT) {
      const keys: unknown[] = textsOf(text, offsets, i);
      keys.push(key);
      for (let k = i + 1; k < rows; k += 1) keys.push(keyOf(k));
      return columnOf(keys);
    }
    text += key;
    offsets[i + 1] = text.length;
  }
  return asciiColumn(text, offsets) ?? utf8Column(text, offsets) ?? columnOf(textsOf(text, offsets, rows));
}

/** Only of ASCII are positions in the text those in its bytes; undefined for others. */
function asciiColumn(text: string, offsets: Uint32Array): Column | undefined {
  const length = offsets.length - 1;
  if (length === 0) return undefined;
  const bytes = new Uint8Array(text.length);
  const { read } = ENCODER.encodeInto(text, bytes);
  return read === text.length ? { kind: "string", length, offsets, bytes } : undefined;
}

/** Undefined when a key has a lone surrogate, which may have met another one in the text. */
function utf8Column(text: string, starts: Uint32Array): Column | undefined {
  const length = starts.length - 1;
  if (length === 0 || !text.isWellFormed()) return undefined;
  const offsets = new Uint32Array(length + 1);
  let position = 0;
  for (let i = 0; i < length; i += 1) {
    const end = starts[i + 1];
    for (let unit = starts[i]; unit < end; unit += 1) position += unitBytes(text.charCodeAt(unit));
    if (end > starts[i] && isHighSurrogate(text.charCodeAt(end - 1))) return undefined;
    offsets[i + 1] = position;
  }
  return { kind: "string", length, offsets, bytes: ENCODER.encode(text) };
}

/** Of a pair of surrogates, which take four bytes, each counts two. */
function unitBytes(unit: number): number {
  if (unit < 0x80) return 1;
  return unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function textsOf(text: string, offsets: Uint32Array, count: number): string[] {
  const texts: string[] = [];
  for (let i = 0; i < count; i += 1) texts.push(text.substring(offsets[i], offsets[i + 1]));
  return texts;
}
