/**
 * Writes the few forms of CBOR that batches use into one growing buffer.
 *
 * Buffers are put at positions that are multiples of their element size: a byte
 * string of zeros before them takes up the room, so that every decoder can read it.
 */

const ENCODER = new TextEncoder();

/** RFC 8746: uint8, little-endian uint32 and float64. */
export const TAG = { uint8: 64, uint32: 70, float64: 86 } as const;

/** Bytes of a tag and a byte string's head, as `typed` writes them. */
const TYPED_HEAD = 7;

export class CborWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Begins again in the same memory: what was finished before is overwritten. */
  clear(): void {
    this.#length = 0;
  }

  get length(): number {
    return this.#length;
  }

  array(count: number): void {
    this.#head(4, count);
  }

  uint(value: number): void {
    this.#head(0, value);
  }

  /** An unsigned number in five bytes, whatever its value, so that it can be set later. */
  fixedUint(value: number): void {
    this.#reserve(5);
    this.#bytes[this.#length] = 0x1a;
    this.#view.setUint32(this.#length + 1, value);
    this.#length += 5;
  }

  /** Sets the number that `fixedUint` wrote at a position. */
  setFixedUint(at: number, value: number): void {
    this.#view.setUint32(at + 1, value);
  }

  text(value: string): void {
    const bytes = ENCODER.encode(value);
    this.#head(3, bytes.length);
    this.#raw(bytes);
  }

  blob(value: Uint8Array): void {
    this.#head(2, value.length);
    this.#raw(value);
  }

  /** A padding item, then a typed array whose elements lie at a multiple of `alignment`. */
  typed(tag: number, value: Uint8Array | Uint32Array | Float64Array, alignment: number): void {
    const { buffer, byteOffset, byteLength } = value;
    this.typedRoom(tag, byteLength, alignment).set(new Uint8Array(buffer, byteOffset, byteLength));
  }

  /** The same for bytes that the caller fills in, all of them, before it writes anything else. */
  typedRoom(tag: number, sizeBytes: number, alignment: number): Uint8Array {
    // One byte is the padding's own head.
    if (alignment > 1) this.padding((this.#length + 1 + TYPED_HEAD) % alignment, alignment);
    this.#reserve(TYPED_HEAD + sizeBytes);
    this.#bytes.set([0xd8, tag, 0x5a], this.#length);
    this.#view.setUint32(this.#length + 3, sizeBytes);
    const at = this.#length + TYPED_HEAD;
    this.#length = at + sizeBytes;
    return this.#bytes.subarray(at, this.#length);
  }

  /** A byte string of zeros that moves what is `past` an alignment to the next one. */
  padding(past: number, alignment: number): void {
    const zeros = (alignment - past) % alignment;
    this.#reserve(1 + zeros);
    this.#bytes[this.#length] = 0x40 | zeros;
    this.#bytes.fill(0, this.#length + 1, this.#length + 1 + zeros);
    this.#length += 1 + zeros;
  }

  /** What is written; a view, not a copy. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #head(major: number, value: number): void {
    this.#reserve(5);
    const at = this.#length;
    const type = major << 5;
    if (value < 24) {
      this.#bytes[at] = type | value;
      this.#length += 1;
    } else if (value < 0x10000) {
      this.#bytes[at] = type | 25;
      this.#view.setUint16(at + 1, value);
      this.#length += 3;
    } else {
      this.#bytes[at] = type | 26;
      this.#view.setUint32(at + 1, value);
      this.#length += 5;
    }
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(more: number): void {
    const need = this.#length + more;
    if (need <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(need, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
