/**
 * Cuts a stream of bytes into lines of text, each bounded in length.
 *
 * It holds at most one line; what a line has beyond the bound is counted, not kept.
 */

import { Buffer } from "node:buffer";

const MAX_LINE_BYTES = 64 * 1024;
const LINE_END = 10;

export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #droppedBytes = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(bytes: Uint8Array): void {
    let start = 0;
    for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, start)) {
      this.#hold(bytes.subarray(start, end));
      this.#emit();
      start = end + 1;
    }
    if (start < bytes.length) this.#hold(bytes.slice(start));
  }

  /** Emits a last line that has no line end. */
  end(): void {
    if (this.#heldBytes > 0) this.#emit();
  }

  #hold(bytes: Uint8Array): void {
    const kept = Math.min(bytes.length, MAX_LINE_BYTES - this.#heldBytes);
    this.#droppedBytes += bytes.length - kept;
    if (kept === 0) return;
    this.#held.push(bytes.subarray(0, kept));
    this.#heldBytes += kept;
  }

  #emit(): void {
    const [first] = this.#held;
    const bytes = this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
    const text = this.#decoder.decode(bytes);
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    const dropped = this.#droppedBytes;
    this.#held = [];
    this.#heldBytes = 0;
    this.#droppedBytes = 0;
    this.#onLine(dropped === 0 ? line : `${line} … (${dropped} bytes more)`);
  }
}
