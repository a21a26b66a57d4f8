/**
 * The body of a shard request: the items of a partition, then its trailer.
 *
 * The trailer is sent only when the attempt is committed. A followed attempt that
 * fails breaks the body off, so that it is never read as end of data.
 */
import { ShardLostError } from "../../../core/errors.ts";
import type { ShardPiece } from "../../../core/plan/physical.ts";
import { codecPorts } from "../../codec_ports.ts";
import { cutItems, heldStream } from "../../store/held_shard.ts";
import { ShardBytes } from "../../store/shard_bytes.ts";
import type { Followed, FollowReader } from "./followed.ts";

export interface ShardStreamOptions {
  readonly directory: string;
  /** The batches of a partition that lie in memory. */
  readonly held: (attempt: string, partition: number) => Uint8Array | undefined;
  readonly attempt: string;
  /** -1 for all. */
  readonly partition: number;
  /** Byte position to begin at. */
  readonly from: number;
  /** Those of the partition that are asked for; all when undefined. */
  readonly chunks: ShardPiece["chunks"];
  /** Told why the body was broken off. */
  readonly onBroken: (error: unknown) => void;
  /** Set while the attempt is not committed. */
  readonly followed: Followed | undefined;
}

/** @throws {ShardLostError} When a committed shard's files are gone. */
export function openShardStream(options: ShardStreamOptions): ReadableStream<Uint8Array> {
  const source = new ShardSource(options);
  return new ReadableStream<Uint8Array>(
    { pull: (controller) => source.pull(controller), cancel: () => source.close() },
    { highWaterMark: 0 },
  );
}

class ShardSource implements FollowReader {
  readonly #options: ShardStreamOptions;
  #bytes: ShardBytes | HeldBytes | undefined;
  /** Size of the attempt when this reader last had all that was there for it. */
  #caughtUpBytes = 0;
  #takenBytes = 0;

  constructor(options: ShardStreamOptions) {
    this.#options = options;
    if (options.followed === undefined) this.#bytes = this.#open();
    options.followed?.enter(this);
  }

  /** Too high for one partition of several, until it has caught up: then it is 0. */
  pendingBytes(sizeBytes: number): number {
    return sizeBytes - this.#caughtUpBytes - this.#takenBytes;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      for (;;) {
        if (this.#give(controller)) return;
        await this.#options.followed?.changed();
      }
    } catch (error) {
      this.close();
      this.#options.onBroken(error);
      // Without a value: both runtimes print a value on stderr, and none of them sends it to the reader.
      controller.error(undefined);
    }
  }

  close(): void {
    this.#options.followed?.leave(this);
    this.#bytes?.close();
  }

  /** Gives what is there; false when there is nothing now. */
  #give(controller: ReadableStreamDefaultController<Uint8Array>): boolean {
    const { followed } = this.#options;
    // Looked at before the file: what is written when the end is known is all there will be.
    if (followed?.end?.kind === "gone") throw this.#gone(followed.end.cause);
    // The files of a followed attempt come into being after its first readers.
    if (followed?.hasBytes || followed?.end !== undefined) this.#bytes ??= this.#open();
    if (followed?.end?.kind === "committed") this.#bytes?.settle();
    const piece = this.#bytes?.next();
    if (piece !== undefined) {
      this.#takenBytes += piece.byteLength;
      controller.enqueue(piece);
    } else if (followed !== undefined) {
      this.#caughtUpBytes = followed.sizeBytes;
      this.#takenBytes = 0;
    }
    followed?.moved(this);
    if (this.#bytes?.isAtEnd) {
      this.close();
      controller.close();
      return true;
    }
    return piece !== undefined;
  }

  #open(): ShardBytes | HeldBytes {
    const { directory, attempt, partition, from, chunks } = this.#options;
    const held = this.#options.held(attempt, partition);
    if (held !== undefined) return new HeldBytes(cutItems(held, chunks), from);
    const { checksum } = codecPorts;
    return new ShardBytes({ directory, attempt, partition, from, checksum, ...(chunks && { chunks }) });
  }

  #gone(cause: string): ShardLostError {
    const { attempt } = this.#options;
    return new ShardLostError(`Cannot read shard ${attempt} to its end: ${cause}`, { fields: { attempt } });
  }
}

/** A small shard in memory, in one piece; it is whole, as only those are kept. */
class HeldBytes {
  #bytes: Uint8Array | undefined;

  constructor(items: Uint8Array, from: number) {
    const stream = heldStream(items, codecPorts.checksum);
    if (from < stream.byteLength) this.#bytes = stream.subarray(from);
  }

  get isAtEnd(): boolean {
    return this.#bytes === undefined;
  }

  settle(): void {}

  next(): Uint8Array | undefined {
    const bytes = this.#bytes;
    this.#bytes = undefined;
    return bytes;
  }

  close(): void {}
}
