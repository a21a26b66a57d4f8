/**
 * A growing run of bytes that strings and byte arrays are written into.
 *
 * The caller keeps the positions, so writing again at an earlier one drops what came after.
 */

const ENCODER = new TextEncoder();
/** Below this length a loop over the characters beats a call of TextEncoder. */
const SHORT = 48;

export class ByteSink {
  bytes: Uint8Array = new Uint8Array(256);

  /** Makes room for bytes [at, end); what lies before `at` is kept. */
  reserve(at: number, end: number): void {
    if (end > this.bytes.length) this.#grow(at, end);
  }

  /** Writes a string as UTF-8 and tells the position after it; -1 when it has a lone surrogate. */
  writeString(text: string, at: number): number {
    const length = text.length;
    this.reserve(at, at + length);
    if (length > SHORT) return this.#encode(text, at);
    const bytes = this.bytes;
    let seen = 0;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      seen |= unit;
      bytes[at + i] = unit;
    }
    return seen < 0x80 ? at + length : this.#encode(text, at);
  }

  /** Writes bytes [from, to) of a source and tells the position after them. */
  writeBytes(source: Uint8Array, from: number, to: number, at: number): number {
    const end = at + to - from;
    this.reserve(at, end);
    if (to - from > SHORT) this.bytes.set(source.subarray(from, to), at);
    else for (let i = from; i < to; i++) this.bytes[at + i - from] = source[i];
    return end;
  }

  #encode(text: string, at: number): number {
    const first = ENCODER.encodeInto(text, this.bytes.subarray(at));
    let end = at + first.written;
    if (first.read < text.length) {
      this.#grow(end, end + 3 * (text.length - first.read));
      end += ENCODER.encodeInto(text.slice(first.read), this.bytes.subarray(end)).written;
    }
    return end - at === text.length || text.isWellFormed() ? end : -1;
  }

  #grow(used: number, need: number): void {
    const grown = new Uint8Array(Math.max(need, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, used));
    this.bytes = grown;
  }
}
