/**
 * Reads what CborWriter writes, and refuses everything else.
 *
 * Nothing is allocated from a length that the bytes at hand do not bear out. Typed
 * arrays are views of the bytes where they are aligned, copies elsewhere.
 */
import { ProtocolError } from "../errors.ts";
import { TAG } from "./cbor_writer.ts";

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

export class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = from;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @throws {ProtocolError} Always, with the position. */
  fail(problem: string): never {
    throw new ProtocolError(`Cannot decode a batch: ${problem} at byte ${this.#at} of ${this.#bytes.length}`);
  }

  /** Head of an array. */
  array(): number {
    const count = this.#head(4, "an array");
    if (count > this.#bytes.length - this.#at)
      this.fail(`an array of ${count} items is longer than the bytes`);
    return count;
  }

  uint(): number {
    return this.#head(0, "a number");
  }

  /** True when the next item is an unsigned number. */
  isUint(): boolean {
    return this.#bytes[this.#at] >> 5 === 0;
  }

  text(): string {
    return DECODER.decode(this.#take(this.#head(3, "a text")));
  }

  blob(): Uint8Array {
    return this.#take(this.#head(2, "a byte string"));
  }

  bytes(): Uint8Array {
    return this.#typed(TAG.uint8);
  }

  uint32s(length: number): Uint32Array {
    this.blob();
    const data = this.#typed(TAG.uint32);
    if (data.length !== 4 * length) this.fail(`${data.length} bytes for ${length} offsets`);
    const { buffer, byteOffset } = data.byteOffset % 4 === 0 ? data : Uint8Array.from(data);
    return new Uint32Array(buffer, byteOffset, length);
  }

  float64s(length: number): Float64Array {
    this.blob();
    const data = this.#typed(TAG.float64);
    if (data.length !== 8 * length) this.fail(`${data.length} bytes for ${length} numbers`);
    const { buffer, byteOffset } = data.byteOffset % 8 === 0 ? data : Uint8Array.from(data);
    return new Float64Array(buffer, byteOffset, length);
  }

  #typed(tag: number): Uint8Array {
    if (this.#bytes[this.#at] !== 0xd8 || this.#bytes[this.#at + 1] !== tag)
      this.fail(`no typed array ${tag}`);
    this.#at += 2;
    return this.blob();
  }

  #head(major: number, what: string): number {
    const first = this.#bytes[this.#at];
    if (first === undefined || first >> 5 !== major) this.fail(`expected ${what}`);
    const info = first & 31;
    if (info < 24) {
      this.#at += 1;
      return info;
    }
    const width = info === 25 ? 2 : info === 26 ? 4 : 0;
    if (width === 0 || this.#at + 1 + width > this.#bytes.length) this.fail(`expected ${what}`);
    const value = width === 2 ? this.#view.getUint16(this.#at + 1) : this.#view.getUint32(this.#at + 1);
    this.#at += 1 + width;
    return value;
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) this.fail(`${length} bytes are not there`);
    const taken = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, length);
    this.#at += length;
    return taken;
  }
}
