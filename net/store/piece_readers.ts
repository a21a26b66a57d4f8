/**
 * Reads the batches of one shard piece: from the files of a committed attempt on
 * this host, or from the body of an agent's answer.
 *
 * What is missing, cut short or corrupt is a lost shard, never the end of data.
 */
import { Buffer } from "node:buffer";
import { closeSync, openSync } from "node:fs";
import { decodeItem } from "../../core/batch/codec.ts";
import type { Batch } from "../../core/batch/column.ts";
import type { CodecPorts } from "../../core/batch/ports.ts";
import { CancelledError, ShardLostError } from "../../core/errors.ts";
import type { BatchReader } from "../../core/exec/ports.ts";
import { ItemDecoder } from "../../core/format/batch_items.ts";
import type { ShardPiece } from "../../core/plan/physical.ts";
import { readAt } from "./disk.ts";
import { attemptFiles, type Chunk, lost, readIndex } from "./shard_index.ts";

const AHEAD_BYTES = 4 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

/**
 * Reads a piece that is committed on this host; never waits.
 *
 * @param aheadBytes Adjacent chunks are read at once up to so many bytes.
 * @throws {ShardLostError} If it is not there whole.
 */
export function readLocalPiece(
  directory: string,
  piece: ShardPiece,
  codec: CodecPorts,
  aheadBytes = AHEAD_BYTES,
): BatchReader {
  const all = readIndex(directory, piece.attempt, piece.partition);
  const chunks = piece.chunks === undefined ? all : all.slice(piece.chunks.from, piece.chunks.to);
  return new LocalPieceReader({ directory, attempt: piece.attempt, chunks, codec, aheadBytes });
}

interface LocalPiece {
  readonly directory: string;
  readonly attempt: string;
  readonly chunks: readonly Chunk[];
  readonly codec: CodecPorts;
  readonly aheadBytes: number;
}

class LocalPieceReader implements BatchReader {
  readonly #attempt: string;
  readonly #chunks: readonly Chunk[];
  readonly #codec: CodecPorts;
  readonly #aheadBytes: number;
  #fd: number | undefined;
  #next = 0;
  #window: Uint8Array = NOTHING;
  #windowStart = 0;

  constructor({ directory, attempt, chunks, codec, aheadBytes }: LocalPiece) {
    this.#attempt = attempt;
    this.#chunks = chunks;
    this.#codec = codec;
    this.#aheadBytes = aheadBytes;
    if (chunks.length === 0) return;
    try {
      this.#fd = openSync(attemptFiles(directory, attempt).data, "r");
    } catch (cause) {
      throw lost(attempt, "its data is gone", cause);
    }
  }

  next(): Batch | undefined {
    if (this.#next >= this.#chunks.length || this.#fd === undefined) {
      this.close();
      return undefined;
    }
    const chunk = this.#chunks[this.#next];
    const start = chunk.position - this.#windowStart;
    if (start < 0 || start + chunk.length > this.#window.byteLength) {
      this.#readWindow(this.#fd);
      return this.#decode(this.#window.subarray(0, chunk.length));
    }
    return this.#decode(this.#window.subarray(start, start + chunk.length));
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    this.#window = NOTHING;
  }

  #decode(bytes: Uint8Array): Batch {
    const number = this.#next++;
    try {
      const item = decodeItem(bytes, this.#codec);
      if (item.kind === "batch") return item.batch;
    } catch (cause) {
      throw lost(this.#attempt, `chunk ${number} is corrupt`, cause);
    }
    throw lost(this.#attempt, `chunk ${number} is no batch`);
  }

  #readWindow(fd: number): void {
    const { position } = this.#chunks[this.#next];
    let end = position + this.#chunks[this.#next].length;
    for (let i = this.#next + 1; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i];
      if (chunk.position !== end || end + chunk.length - position > this.#aheadBytes) break;
      end += chunk.length;
    }
    // A new buffer each time: the columns of the batches are views of it. Not cleared, as it is filled or thrown away.
    const window = new Uint8Array(Buffer.allocUnsafeSlow(end - position).buffer);
    const count = readAt(fd, window, position);
    if (count < window.byteLength) throw lost(this.#attempt, `its data ends at byte ${position + count}`);
    this.#window = window;
    this.#windowStart = position;
  }
}

/** The batches of a piece that is committed on this host; undefined when they have more bytes. @throws {ShardLostError} */
export function readItems(
  directory: string,
  piece: Pick<ShardPiece, "attempt" | "partition" | "chunks">,
  maxBytes: number,
): Uint8Array | undefined {
  const { attempt, partition, chunks: { from, to } = { from: 0, to: undefined } } = piece;
  const chunks = readIndex(directory, attempt, partition).slice(from, to);
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (length > maxBytes) return undefined;
  const items = new Uint8Array(length);
  if (length === 0) return items;
  let fd: number;
  try {
    fd = openSync(attemptFiles(directory, attempt).data, "r");
  } catch (cause) {
    throw lost(attempt, "its data is gone", cause);
  }
  try {
    let at = 0;
    for (const chunk of chunks) {
      const count = readAt(fd, items.subarray(at, at + chunk.length), chunk.position);
      if (count < chunk.length) throw lost(attempt, `its data ends at byte ${chunk.position + count}`);
      at += count;
    }
    return items;
  } finally {
    closeSync(fd);
  }
}

/** Reads a piece that comes as a stream: batches, then their trailer. */
export function readStreamedPiece(
  body: AsyncIterable<Uint8Array>,
  piece: ShardPiece,
  codec: CodecPorts,
): BatchReader {
  return new StreamedPieceReader(body, piece, codec);
}

class StreamedPieceReader implements BatchReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #attempt: string;
  readonly #chunks: NonNullable<ShardPiece["chunks"]>;
  readonly #decoder: ItemDecoder;
  #number = 0;
  #isClosed = false;

  constructor(body: AsyncIterable<Uint8Array>, piece: ShardPiece, codec: CodecPorts) {
    this.#pieces = body[Symbol.asyncIterator]();
    this.#attempt = piece.attempt;
    this.#chunks = piece.chunks ?? { from: 0, to: Number.POSITIVE_INFINITY };
    this.#decoder = new ItemDecoder(codec);
  }

  next(): Batch | undefined | Promise<Batch | undefined> {
    if (this.#isClosed) return undefined;
    return this.#held() ?? (this.#decoder.isComplete ? undefined : this.#wait());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // A body that was read to its end, or broke, has nothing left to tell.
    this.#pieces.return?.()?.catch(() => undefined);
  }

  #held(): Batch | undefined {
    const { from, to } = this.#chunks;
    try {
      for (;;) {
        const batch = this.#decoder.next();
        if (batch === undefined) return undefined;
        const number = this.#number++;
        if (number >= from && number < to) return batch;
      }
    } catch (cause) {
      throw lost(this.#attempt, "its stream is corrupt", cause);
    }
  }

  async #wait(): Promise<Batch | undefined> {
    for (;;) {
      const piece = await this.#read();
      if (this.#isClosed) return undefined;
      if (piece === undefined) throw lost(this.#attempt, "its stream ended without a trailer");
      this.#decoder.push(piece);
      const batch = this.#held();
      if (batch !== undefined || this.#decoder.isComplete) return batch;
    }
  }

  async #read(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#pieces.next();
      return done === true ? undefined : value;
    } catch (cause) {
      if (cause instanceof ShardLostError || cause instanceof CancelledError) throw cause;
      throw lost(this.#attempt, "its stream broke off", cause);
    }
  }
}
