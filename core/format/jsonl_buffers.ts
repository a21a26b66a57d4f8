/**
 * The buffers of JSON values that are no plain number, string or boolean.
 *
 * Knows nothing of lines.
 */
import type { Column } from "../batch/column.ts";
import type { JsonlLeaf } from "./jsonl_shape.ts";
import { type LoopBuffer, loopBuffer, StringBuffer } from "./loop_buffers.ts";

const decoder = new TextDecoder();
const COMMA = 44;
const OPEN = 91;
const CLOSE = 93;
const ZERO = 48;

export function jsonlBuffer(kind: JsonlLeaf["kind"]): LoopBuffer {
  if (kind === "json") return new JsonBuffer();
  return kind === "null" ? new NullBuffer() : loopBuffer(kind);
}

class NullBuffer implements LoopBuffer {
  reserveRows(): void {}
  reserveBytes(): void {}
  add(): void {}
  write(): void {}
  undo(): void {}

  take(rows: number): Column {
    return { kind: "null", length: rows, absent: "null" };
  }
}

/** Texts of values, each with a comma behind it: one call parses them all. */
export class JsonBuffer extends StringBuffer {
  /** Values that came as such; a text could not say all of them, such as -0. */
  #written = new Map<number, unknown>();

  override write(value: unknown, row: number): void {
    this.reserveBytes(2);
    this.bytes[this.used++] = ZERO;
    this.bytes[this.used++] = COMMA;
    this.offsets[row + 1] = this.used;
    this.#written.set(row, value);
  }

  override take(rows: number): Column {
    const text = new Uint8Array(this.used + 1);
    text.set(this.bytes.subarray(0, this.used), 1);
    text[0] = OPEN;
    text[Math.max(1, this.used)] = CLOSE;
    const values: unknown[] = JSON.parse(decoder.decode(text));
    for (const [row, value] of this.#written) values[row] = value;
    this.#written.clear();
    this.used = 0;
    return { kind: "any", length: rows, values };
  }
}
