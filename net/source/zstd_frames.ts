/**
 * Cuts a zstd file into its frames (RFC 8878), block by block.
 *
 * The decoders of the runtimes take the end of a cut file for the end of data, and
 * some stop after the first frame; so the structure is checked here, and each
 * frame is decoded alone. Nothing is decompressed here.
 */
import { joinBytes } from "../../core/format/join_bytes.ts";

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const DICTIONARY_BYTES = [0, 1, 2, 4];
const SIZE_BYTES = [0, 2, 4, 8];

/** What is wrong with the structure of the file. */
export class ZstdStructureError extends Error {}

export class ZstdFrames {
  readonly #read: () => Uint8Array | undefined;
  #held: Uint8Array = new Uint8Array(0);
  #position = 0;

  /** @param read The next piece of the file, undefined at its end. */
  constructor(read: () => Uint8Array | undefined) {
    this.#read = read;
  }

  /** The pieces of the next frame with data, at block ends; undefined at the end of the file. */
  next(): Generator<Uint8Array> | undefined {
    while (this.#has(1)) {
      const magic = this.#view(4).getUint32(0, true);
      if (magic === FRAME_MAGIC) return this.#frame();
      if ((magic & 0xfffffff0) !== SKIPPABLE_MAGIC) throw new ZstdStructureError("no zstd frame begins here");
      this.#skip(8 + this.#view(8).getUint32(4, true));
    }
    return undefined;
  }

  *#frame(): Generator<Uint8Array> {
    const descriptor = this.#view(5).getUint8(4);
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : SIZE_BYTES[sizeFlag];
    yield this.#take(5 + (isSingleSegment ? 0 : 1) + DICTIONARY_BYTES[descriptor & 3] + sizeBytes);
    for (;;) {
      const view = this.#view(3);
      const header = view.getUint8(0) | (view.getUint8(1) << 8) | (view.getUint8(2) << 16);
      const type = (header >> 1) & 3;
      if (type === 3) throw new ZstdStructureError("a block is of a type that there is not");
      // A run-length block holds one byte, whatever its size.
      yield this.#take(3 + (type === 1 ? 1 : header >> 3));
      if ((header & 1) !== 0) break;
    }
    if ((descriptor & 4) !== 0) yield this.#take(4);
  }

  #take(length: number): Uint8Array {
    this.#need(length);
    const bytes = this.#held.slice(this.#position, this.#position + length);
    this.#position += length;
    return bytes;
  }

  #view(length: number): DataView {
    this.#need(length);
    return new DataView(this.#held.buffer, this.#held.byteOffset + this.#position, length);
  }

  #skip(length: number): void {
    for (let left = length; left > 0; ) {
      this.#need(1);
      const step = Math.min(left, this.#held.length - this.#position);
      this.#position += step;
      left -= step;
    }
  }

  #need(length: number): void {
    if (!this.#has(length)) throw new ZstdStructureError("the file ends within a frame");
  }

  #has(length: number): boolean {
    while (this.#held.length - this.#position < length) {
      const piece = this.#read();
      if (piece === undefined) return false;
      this.#held = joinBytes([this.#held.subarray(this.#position), piece]);
      this.#position = 0;
    }
    return true;
  }
}
