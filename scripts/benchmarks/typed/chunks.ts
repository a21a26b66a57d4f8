/** Reads a file in chunks of whole lines, and numbers from their bytes, for the scripts beside it. */
import { closeSync, openSync, readSync, writeSync } from "node:fs";

const CHUNK_BYTES = 4 << 20;
const NEWLINE = 10;

/** Hands out bytes that end with a line's end, but perhaps the last; the buffer is used again. */
export function readChunks(path: string, take: (bytes: Uint8Array, length: number) => void): void {
  const file = openSync(path, "r");
  let buffer = new Uint8Array(CHUNK_BYTES);
  let kept = 0;
  for (;;) {
    const read = readSync(file, buffer, kept, buffer.length - kept, null);
    const length = kept + read;
    if (read === 0) {
      if (length > 0) take(buffer, length);
      break;
    }
    const end = buffer.lastIndexOf(NEWLINE, length - 1) + 1;
    if (end > 0) take(buffer, end);
    kept = length - end;
    if (kept === buffer.length) {
      const larger = new Uint8Array(2 * buffer.length);
      larger.set(buffer);
      buffer = larger;
    } else buffer.copyWithin(0, end, length);
  }
  closeSync(file);
}

/** Gathers bytes and writes them to a file a few megabytes at a time. */
export class Output {
  readonly #file: number;
  bytes = new Uint8Array(CHUNK_BYTES);
  length = 0;

  constructor(path: string) {
    this.#file = openSync(path, "w");
  }

  /** Makes room for so many bytes at `length`. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    writeSync(this.#file, this.bytes, 0, this.length);
    this.length = 0;
    if (count > this.bytes.length) this.bytes = new Uint8Array(count);
  }

  close(): void {
    writeSync(this.#file, this.bytes, 0, this.length);
    closeSync(this.#file);
  }
}

const POWERS = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);

/** Decimal numbers of at most 15 digits, exactly rounded; `end` is the place behind the last one read. */
export class NumberReader {
  end = 0;

  integer(bytes: Uint8Array, at: number): number {
    let value = 0;
    let byte = bytes[at];
    while (byte >= 48 && byte <= 57) {
      value = value * 10 + byte - 48;
      byte = bytes[++at];
    }
    this.end = at;
    return value;
  }

  decimal(bytes: Uint8Array, at: number): number {
    const isNegative = bytes[at] === 45;
    let value = this.integer(bytes, isNegative ? at + 1 : at);
    if (bytes[this.end] === 46) {
      const point = this.end;
      let place = point + 1;
      let byte = bytes[place];
      while (byte >= 48 && byte <= 57) {
        value = value * 10 + byte - 48;
        byte = bytes[++place];
      }
      value /= POWERS[place - point - 1];
      this.end = place;
    }
    return isNegative ? -value : value;
  }
}
