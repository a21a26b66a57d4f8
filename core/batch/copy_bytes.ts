/**
 * Copies short runs of bytes from one buffer to another, sixteen at a time.
 *
 * `set` of a `subarray` makes an object for each run, which costs more than the copy itself; here nothing is made.
 * It knows nothing of what the bytes mean.
 */

/** Longer runs are copied by `set`. */
const LONG = 512;

export class ByteCopier {
  readonly #source: Uint8Array;
  readonly #target: Uint8Array;
  readonly #from: DataView;
  readonly #to: DataView;

  constructor(source: Uint8Array, target: Uint8Array) {
    this.#source = source;
    this.#target = target;
    this.#from = new DataView(source.buffer, source.byteOffset, source.byteLength);
    this.#to = new DataView(target.buffer, target.byteOffset, target.byteLength);
  }

  /** Copies source[from … end) to target[at …); tells where it ends there. */
  copy(from: number, end: number, at: number): number {
    const source = this.#source;
    const target = this.#target;
    if (end - from > LONG) {
      target.set(source.subarray(from, end), at);
      return at + end - from;
    }
    const input = this.#from;
    const output = this.#to;
    let i = from;
    let to = at;
    for (; i + 16 <= end; i += 16, to += 16) {
      output.setInt32(to, input.getInt32(i, true), true);
      output.setInt32(to + 4, input.getInt32(i + 4, true), true);
      output.setInt32(to + 8, input.getInt32(i + 8, true), true);
      output.setInt32(to + 12, input.getInt32(i + 12, true), true);
    }
    for (; i + 4 <= end; i += 4, to += 4) output.setInt32(to, input.getInt32(i, true), true);
    for (; i < end; i++) target[to++] = source[i];
    return to;
  }
}
