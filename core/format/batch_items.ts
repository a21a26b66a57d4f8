/**
 * Sequences of encoded batches that end with a trailer: cutting them out of byte
 * pieces, and checking that none is missing. Knows nothing of where bytes come from.
 */
import { batchChecksum, decodeItem, itemLength, type Trailer } from "../batch/codec.ts";
import type { Batch } from "../batch/column.ts";
import type { Checksum, CodecPorts } from "../batch/ports.ts";
import { ProtocolError } from "../errors.ts";
import { joinBytes } from "./join_bytes.ts";

/** Counts the batches of a sequence, for its trailer. */
export class TrailerTally {
  readonly #checksum: Checksum;
  #checksums = new Uint32Array(64);
  #batches = 0;
  #rows = 0;

  constructor(checksum: Checksum) {
    this.#checksum = checksum;
  }

  add(batchChecksum: number, rows: number): void {
    if (this.#batches === this.#checksums.length) {
      const grown = new Uint32Array(this.#batches * 2);
      grown.set(this.#checksums);
      this.#checksums = grown;
    }
    this.#checksums[this.#batches++] = batchChecksum;
    this.#rows += rows;
  }

  trailer(): Trailer {
    const bytes = new Uint8Array(this.#checksums.buffer, 0, this.#batches * 4);
    return { batches: this.#batches, rows: this.#rows, checksum: this.#checksum(bytes) };
  }
}

/** Decodes a sequence that comes in pieces. */
export class ItemDecoder {
  readonly #codec: CodecPorts;
  readonly #tally: TrailerTally;
  #pieces: Uint8Array[] = [];
  #heldBytes = 0;
  #isComplete = false;

  constructor(codec: CodecPorts) {
    this.#codec = codec;
    this.#tally = new TrailerTally(codec.checksum);
  }

  /** True once the trailer came. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Takes bytes; they must not change afterwards, as columns may be views of them. */
  push(piece: Uint8Array): void {
    if (piece.byteLength === 0) return;
    if (this.#isComplete) throw new ProtocolError("Cannot read batches: bytes follow the trailer");
    this.#pieces.push(piece);
    this.#heldBytes += piece.byteLength;
  }

  /**
   * The next batch; undefined when more bytes are needed, or when the trailer came.
   * @throws {ProtocolError} If bytes are malformed, or the trailer tells of other batches.
   */
  next(): Batch | undefined {
    const item = this.#item();
    if (item === undefined) return undefined;
    const decoded = decodeItem(item, this.#codec);
    if (decoded.kind === "batch") {
      this.#tally.add(batchChecksum(item), decoded.batch.rows);
      return decoded.batch;
    }
    this.#isComplete = true;
    if (this.#heldBytes > 0) throw new ProtocolError("Cannot read batches: bytes follow the trailer");
    this.#check(decoded.trailer);
    return undefined;
  }

  #item(): Uint8Array | undefined {
    let head = this.#pieces[0];
    if (head === undefined) return undefined;
    let length = itemLength(head, 0);
    if (length === undefined && this.#pieces.length > 1) {
      head = this.#join();
      length = itemLength(head, 0);
    }
    if (length === undefined || length > this.#heldBytes) return undefined;
    if (length > head.byteLength) head = this.#join();
    this.#heldBytes -= length;
    if (length === head.byteLength) this.#pieces.shift();
    else this.#pieces[0] = head.subarray(length);
    // A copy in an aligned place: numbers could not be viewed elsewhere.
    return head.byteOffset % 8 === 0 ? head.subarray(0, length) : head.slice(0, length);
  }

  #join(): Uint8Array {
    const joined = joinBytes(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }

  #check(trailer: Trailer): void {
    const { batches, rows, checksum } = this.#tally.trailer();
    if (trailer.batches === batches && trailer.rows === rows && trailer.checksum === checksum) return;
    throw new ProtocolError(
      `Cannot read batches: ${batches} of ${trailer.batches} batches and ${rows} of ${trailer.rows} rows came`,
    );
  }
}
