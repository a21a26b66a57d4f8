/**
 * Moves the split points of a CSV file to record ends.
 *
 * A line end may lie within quotes, and whether it does depends on every quote
 * before it. So the file is read once, up to the last split point: at the speed of
 * a byte search while there is no quote, and by a small state machine after the
 * first one. It follows the rule of core/format/csv_tokenizer.ts: a quote opens a
 * field only as its first byte.
 */
import { closeSync, openSync } from "node:fs";
import { readAt } from "../store/disk.ts";

const NEWLINE = 10;
const QUOTE = 34;
const PIECE_BYTES = 4 * 1024 * 1024;

const FIELD_START = 0;
const PLAIN = 1;
const QUOTED = 2;
/** After a quote within quotes: the end of the field, or the first of two. */
const QUOTE_SEEN = 3;

/**
 * Gives for each split point the beginning of the first record at or after it; split
 * points within one record, or within the last, fall away.
 *
 * @param cuts Ascending positions, each more than 0.
 */
export function safeCuts(path: string, cuts: readonly number[], delimiter: string): number[] {
  const finder = new CutFinder(cuts, delimiter.charCodeAt(0));
  const fd = openSync(path, "r");
  try {
    const buffer = new Uint8Array(PIECE_BYTES);
    for (let position = 0; !finder.isDone; ) {
      const count = readAt(fd, buffer, position);
      if (count === 0) break;
      finder.push(buffer.subarray(0, count), position);
      position += count;
      finder.sizeBytes = position;
    }
    return finder.found.filter((cut) => !finder.isAtEnd(fd, cut));
  } finally {
    closeSync(fd);
  }
}

class CutFinder {
  readonly found: number[] = [];
  /** Bytes looked at. */
  sizeBytes = 0;
  readonly #cuts: readonly number[];
  readonly #delimiter: number;
  #next = 0;
  #state = FIELD_START;
  #hasQuotes = false;

  constructor(cuts: readonly number[], delimiter: number) {
    this.#cuts = cuts;
    this.#delimiter = delimiter;
  }

  get isDone(): boolean {
    return this.#next >= this.#cuts.length;
  }

  /** A split that would begin at the end of the file holds nothing. */
  isAtEnd(fd: number, cut: number): boolean {
    return cut >= this.sizeBytes && readAt(fd, new Uint8Array(1), cut) === 0;
  }

  push(bytes: Uint8Array, position: number): void {
    if (!this.#hasQuotes) {
      this.#hasQuotes = bytes.includes(QUOTE);
    }
    if (!this.#hasQuotes) {
      this.#pushPlain(bytes, position);
      return;
    }
    const mark = position === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    this.#pushQuoted(bytes, position, mark);
  }

  #pushPlain(bytes: Uint8Array, position: number): void {
    while (!this.isDone) {
      const from = Math.max(0, this.#cuts[this.#next] - 1 - position);
      const end = from < bytes.length ? bytes.indexOf(NEWLINE, from) : -1;
      if (end < 0) break;
      this.#recordEnds(position + end);
    }
    const last = bytes[bytes.length - 1];
    this.#state = last === NEWLINE || last === this.#delimiter ? FIELD_START : PLAIN;
  }

  #pushQuoted(bytes: Uint8Array, position: number, from: number): void {
    const delimiter = this.#delimiter;
    let state = this.#state;
    let target = this.#target(position);
    const length = bytes.length;
    for (let i = from; i < length; i++) {
      // Most bytes change nothing: these two loops pass over them.
      if (state === QUOTED) while (i < length && bytes[i] !== QUOTE) i++;
      else if (state === PLAIN) while (i < length && bytes[i] !== NEWLINE && bytes[i] !== delimiter) i++;
      if (i === length) break;
      const byte = bytes[i];
      if (state === QUOTED) {
        state = QUOTE_SEEN;
      } else if (byte === NEWLINE) {
        state = FIELD_START;
        if (i >= target) {
          this.#recordEnds(position + i);
          target = this.#target(position);
        }
      } else if (byte === delimiter) state = FIELD_START;
      else if (byte === QUOTE && state !== PLAIN) state = QUOTED;
      else state = PLAIN;
    }
    this.#state = state;
  }

  /** Where in the piece at `position` a record end is looked for. */
  #target(position: number): number {
    return this.isDone ? Number.POSITIVE_INFINITY : this.#cuts[this.#next] - 1 - position;
  }

  #recordEnds(at: number): void {
    this.found.push(at + 1);
    while (!this.isDone && this.#cuts[this.#next] <= at + 1) this.#next++;
  }
}
