/**
 * The bytes of a shard as an agent sends them: the batches of one partition, or of
 * all, and the trailer. Also of an attempt that is still being written.
 *
 * Knows nothing of requests; whoever follows an attempt asks again when it grew.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import { encodeTrailer } from "../../core/batch/codec.ts";
import type { Checksum } from "../../core/batch/ports.ts";
import { TrailerTally } from "../../core/format/batch_items.ts";
import { readAt, systemCode } from "./disk.ts";
import { attemptFiles, type Chunk, lost, RECORD_BYTES, readIndex, readRecord } from "./shard_index.ts";

export interface ShardBytesOptions {
  readonly directory: string;
  readonly attempt: string;
  /** -1: all, in order when committed, in order of writing when not. */
  readonly partition: number;
  readonly checksum: Checksum;
  /** Skips so many bytes of the stream. */
  readonly from?: number;
  readonly chunks?: { readonly from: number; readonly to: number };
}

const WINDOW_BYTES = 1024 * 1024;
const RECORDS_AT_ONCE = 4096;

export class ShardBytes {
  readonly #options: ShardBytesOptions;
  readonly #tally: TrailerTally;
  readonly #data: number;
  /** The open index, while the attempt is (or was, when this began) not committed. */
  #records: number | undefined;
  #recordsRead = 0;
  #isCommitted: boolean;
  #waiting: Chunk[] = [];
  #skipBytes: number;
  #chunkNumber = 0;
  #isAtEnd = false;
  #isOpen = true;

  /** @throws {ShardLostError} If there is no such attempt. */
  constructor(options: ShardBytesOptions) {
    const { directory, attempt, partition } = options;
    this.#options = options;
    this.#skipBytes = options.from ?? 0;
    this.#tally = new TrailerTally(options.checksum);
    const files = attemptFiles(directory, attempt);
    this.#data = open(files.data) ?? raise(attempt);
    // A committed attempt may keep its open index for a moment, so the index decides.
    this.#records = existsSync(files.index) ? undefined : open(files.open);
    this.#isCommitted = this.#records === undefined;
    try {
      if (this.#isCommitted) this.#waiting = readIndex(directory, attempt, partition);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** True once the trailer was given. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Tells that the attempt is committed: what its writer has written by now is all. */
  settle(): void {
    this.#isCommitted = true;
  }

  /** The next bytes that are there now, at most about 1 MiB or one batch. */
  next(): Uint8Array | undefined {
    while (!this.#isAtEnd) {
      const bytes = this.#nextChunks() ?? this.#trailer();
      if (bytes === undefined) return undefined;
      const skipped = Math.min(this.#skipBytes, bytes.byteLength);
      this.#skipBytes -= skipped;
      if (skipped < bytes.byteLength) return bytes.subarray(skipped);
    }
    return undefined;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#data);
    if (this.#records !== undefined) closeSync(this.#records);
    this.#records = undefined;
  }

  #nextChunks(): Uint8Array | undefined {
    if (this.#waiting.length === 0) this.#readRecords();
    const first = this.#waiting[0];
    if (first === undefined) return undefined;
    let end = first.position;
    let count = 0;
    for (const chunk of this.#waiting) {
      const isAdjacent =
        chunk.position === end && chunk.position + chunk.length - first.position <= WINDOW_BYTES;
      if (count > 0 && !isAdjacent) break;
      end = chunk.position + chunk.length;
      count++;
    }
    const taken = this.#waiting.splice(0, count);
    return this.#read(taken, end - first.position);
  }

  #read(chunks: readonly Chunk[], length: number): Uint8Array {
    const { attempt } = this.#options;
    const wanted = chunks.filter(() => this.#isWanted(this.#chunkNumber++));
    if (wanted.length === 0) return new Uint8Array(0);
    const start = wanted[0].position;
    const last = wanted[wanted.length - 1];
    const bytes = new Uint8Array(Math.min(length, last.position + last.length - start));
    const count = readAt(this.#data, bytes, start);
    if (count < bytes.byteLength) throw lost(attempt, `its data ends at byte ${start + count}`);
    for (const chunk of wanted) this.#tally.add(chunk.checksum, chunk.rows);
    return bytes;
  }

  #isWanted(chunk: number): boolean {
    const { chunks } = this.#options;
    return chunks === undefined || (chunk >= chunks.from && chunk < chunks.to);
  }

  #trailer(): Uint8Array | undefined {
    if (!this.#isCommitted) return undefined;
    this.#isAtEnd = true;
    return encodeTrailer(this.#tally.trailer());
  }

  #readRecords(): void {
    if (this.#records === undefined) return;
    const { attempt, partition } = this.#options;
    const bytes = new Uint8Array(RECORDS_AT_ONCE * RECORD_BYTES);
    const view = new DataView(bytes.buffer);
    while (this.#waiting.length === 0) {
      // A record may be there in part: only whole ones count.
      const count = Math.floor(readAt(this.#records, bytes, this.#recordsRead * RECORD_BYTES) / RECORD_BYTES);
      if (count === 0) return;
      this.#recordsRead += count;
      for (let i = 0; i < count; i++) {
        const chunk = readRecord(view, i * RECORD_BYTES, attempt);
        if (partition < 0 || chunk.partition === partition) this.#waiting.push(chunk);
      }
    }
  }
}

function open(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function raise(attempt: string): never {
  throw lost(attempt, "its data is gone");
}
