/**
 * Strings on their way into a key table: kept until there are enough to look them up together.
 *
 * Looking keys up one by one waits for memory at each of them; together the waits overlap, and one call makes bytes of
 * all of them.
 */
import { ByteSink } from "../../batch/byte_sink.ts";
import type { NumberColumn, StringColumn } from "../../batch/column.ts";

const STAGED_ROWS = 1024;
/** Long strings do not wait: they would take memory that nobody has counted. */
const STAGED_CHARACTERS = 1 << 16;
const MAX_VALUE_CHARACTERS = 256;
const ENCODER = new TextEncoder();

export class TextStage {
  /** Values that belong to the strings, by place. */
  readonly values: unknown[] = new Array(STAGED_ROWS).fill(undefined);
  readonly #texts: string[] = new Array(STAGED_ROWS).fill("");
  readonly #numbers = new Float64Array(STAGED_ROWS);
  readonly #sink = new ByteSink();
  readonly #offsets = new Uint32Array(STAGED_ROWS + 1);
  #areNumbers = true;
  #characters = 0;
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  get isFull(): boolean {
    return this.#rows === STAGED_ROWS || this.#characters >= STAGED_CHARACTERS;
  }

  /**
   * Takes a string with its value; false when the value must not wait: user code may change an object as soon as it
   * has given it, and values may be large.
   */
  push(text: string, value: unknown): boolean {
    const row = this.#rows;
    if (typeof value === "number") this.#numbers[row] = value;
    else if (canWait(value)) this.#areNumbers = false;
    else return false;
    this.values[row] = value;
    this.#texts[row] = text;
    this.#characters += text.length;
    this.#rows = row + 1;
    return true;
  }

  text(row: number): string {
    return this.#texts[row];
  }

  /** The strings, valid until the next one comes; undefined when one of them has no form in UTF-8. */
  column(): StringColumn | undefined {
    const isEncoded = this.#encodeAscii() || this.#encodeEach();
    if (!isEncoded) return undefined;
    return { kind: "string", length: this.#rows, offsets: this.#offsets, bytes: this.#sink.bytes };
  }

  /** The values, when all of them are numbers. */
  numbers(): NumberColumn | undefined {
    if (!this.#areNumbers) return undefined;
    return { kind: "number", length: this.#rows, values: this.#numbers.subarray(0, this.#rows) };
  }

  /** Forgets all. */
  clear(): void {
    this.values.fill(undefined, 0, this.#rows);
    this.#texts.fill("", 0, this.#rows);
    this.#areNumbers = true;
    this.#characters = 0;
    this.#rows = 0;
  }

  /** Encodes all strings by one call; false when not all are ASCII. */
  #encodeAscii(): boolean {
    const rows = this.#rows;
    const all = (rows === STAGED_ROWS ? this.#texts : this.#texts.slice(0, rows)).join("");
    this.#sink.reserve(0, all.length);
    const { read, written } = ENCODER.encodeInto(all, this.#sink.bytes);
    if (read !== written || read !== all.length) return false;
    let end = 0;
    for (let row = 0; row < rows; row++) {
      end += this.#texts[row].length;
      this.#offsets[row + 1] = end;
    }
    return true;
  }

  #encodeEach(): boolean {
    for (let row = 0; row < this.#rows; row++) {
      const end = this.#sink.writeString(this.#texts[row], this.#offsets[row]);
      if (end < 0) return false;
      this.#offsets[row + 1] = end;
    }
    return true;
  }
}

function canWait(value: unknown): boolean {
  if (typeof value === "string") return value.length <= MAX_VALUE_CHARACTERS;
  return typeof value !== "object" || value === null;
}
