/**
 * One program on its way to an agent: which blocks have come, whoever sent them.
 *
 * Blocks come in any order, some of them twice, from one driver or several. It is told hashes
 * and never sees bytes.
 */
import { ProtocolError } from "../errors.ts";
import { blockCount, blockLength, HASH_BYTES, hashOfBlock } from "./program_ref.ts";

export class BlockUpload {
  readonly sizeBytes: number;
  readonly #hashes: Uint8Array;
  readonly #missing = new Set<number>();

  /** @param hashes Those of all blocks, one after the other. @throws {ProtocolError} When they are not as many. */
  constructor(sizeBytes: number, hashes: Uint8Array) {
    const blocks = blockCount(sizeBytes);
    if (hashes.byteLength !== blocks * HASH_BYTES) {
      throw new ProtocolError(
        `Cannot take the program: ${blocks} blocks need ${blocks * HASH_BYTES} bytes of hashes, not ${hashes.byteLength}`,
      );
    }
    this.sizeBytes = sizeBytes;
    this.#hashes = hashes;
    for (let block = 0; block < blocks; block++) this.#missing.add(block);
  }

  get missing(): readonly number[] {
    return [...this.#missing];
  }

  get isComplete(): boolean {
    return this.#missing.size === 0;
  }

  isMissing(block: number): boolean {
    return this.#missing.has(block);
  }

  hashOf(block: number): string {
    return hashOfBlock(this.#hashes, block);
  }

  /** Whether both mean the same content. */
  hasHashes(hashes: Uint8Array): boolean {
    return (
      hashes.byteLength === this.#hashes.byteLength && hashes.every((byte, i) => byte === this.#hashes[i])
    );
  }

  /** @throws {ProtocolError} When bytes of this length and hash are not that block. */
  check(block: number, length: number, sha256: string): void {
    const blocks = blockCount(this.sizeBytes);
    if (!(Number.isInteger(block) && block >= 0 && block < blocks)) {
      throw new ProtocolError(`Cannot take block ${block}: the program has ${blocks}`);
    }
    const expected = blockLength(this.sizeBytes, block);
    if (length !== expected) {
      throw new ProtocolError(`Cannot take block ${block}: it has ${length} bytes instead of ${expected}`);
    }
    if (sha256 !== this.hashOf(block)) {
      throw new ProtocolError(`Cannot take block ${block}: its content is not what was announced`, {
        fields: { block },
        retryable: true,
      });
    }
  }

  /** The block is written. */
  take(block: number): void {
    this.#missing.delete(block);
  }

  /** It is not what it should be after all: it must come again. */
  drop(block: number): void {
    if (block < blockCount(this.sizeBytes)) this.#missing.add(block);
  }
}
