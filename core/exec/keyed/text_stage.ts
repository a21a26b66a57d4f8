/**
 * Strings on their way into a key table: kept as bytes until there are enough to look them up together.
 *
 * Looking keys up one by one waits for memory at each of them; together the waits overlap.
 */
import { ByteSink } from "../../batch/byte_sink.ts";
import type { StringColumn } from "../../batch/column.ts";

const STAGED_ROWS = 1024;
/** Long strings do not wait: they would take memory that nobody has counted. */
const STAGED_BYTES = 1 << 16;
const MAX_VALUE_CHARACTERS = 256;

export class TextStage {
  /** Values that belong to the strings, by place. */
  readonly values: unknown[] = new Array(STAGED_ROWS).fill(undefined);
  readonly #sink = new ByteSink();
  readonly #offsets = new Uint32Array(STAGED_ROWS + 1);
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  get isFull(): boolean {
    return this.#rows === STAGED_ROWS || this.#offsets[this.#rows] >= STAGED_BYTES;
  }

  /**
   * Takes a string with its value; false when it has no form in UTF-8, or when the value must not wait: user code
   * may change an object as soon as it has given it, and values may be large.
   */
  push(text: string, value: unknown): boolean {
    if (typeof value === "object" && value !== null) return false;
    if (typeof value === "string" && value.length > MAX_VALUE_CHARACTERS) return false;
    const row = this.#rows;
    const from = this.#offsets[row];
    const to = this.#sink.writeString(text, from);
    if (to < 0) return false;
    this.values[row] = value;
    this.#offsets[row + 1] = to;
    this.#rows = row + 1;
    return true;
  }

  /** The strings, valid until the next one comes. */
  column(): StringColumn {
    return { kind: "string", length: this.#rows, offsets: this.#offsets, bytes: this.#sink.bytes };
  }

  /** Forgets all, the values too. */
  clear(): void {
    this.values.fill(undefined, 0, this.#rows);
    this.#rows = 0;
  }
}
