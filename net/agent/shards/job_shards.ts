/**
 * The shards of one job on one agent: who writes, who follows, what is whole.
 *
 * Owns the job's directory.
 */
import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { ProtocolError, ShardLostError } from "../../../core/errors.ts";
import type { ShardPiece } from "../../../core/plan/physical.ts";
import type { HeldPiece, PieceAnswer } from "../../protocol.ts";
import { orDiskFull } from "../../store/disk.ts";
import { cutItems } from "../../store/held_shard.ts";
import { readItems } from "../../store/piece_readers.ts";
import { deleteAttempt, deleteCommitted } from "../../store/shard_writer.ts";
import { Channels } from "./channels.ts";
import { Followed } from "./followed.ts";
import { HeldShards } from "./held_shards.ts";
import { openShardStream } from "./shard_stream.ts";

export interface JobShardsOptions {
  readonly directory: string;
  readonly onWarning: (text: string) => void;
  /** Told why a stream was broken off. */
  readonly onBroken: (text: string) => void;
  readonly stallMs?: number;
  /** Bytes of small shards that are kept in memory. */
  readonly heldBytes?: number;
}

export interface ShardRequest {
  readonly attempt: string;
  readonly partition: number;
  readonly from: number;
  /** Those of the partition that are asked for; all when missing. */
  readonly chunks?: ShardPiece["chunks"];
}

export class JobShards {
  readonly #options: JobShardsOptions;
  readonly #channels: Channels;
  readonly held: HeldShards;
  readonly #committed = new Set<string>();
  /** Attempts that are written and have, or had, a reader or a writer that is followed. */
  readonly #followed = new Map<string, Followed>();
  #isClosed = false;

  constructor(options: JobShardsOptions) {
    this.#options = options;
    this.#channels = new Channels(options.directory);
    this.held = new HeldShards(options.directory, options.heldBytes);
    orDiskFull(options.directory, 0, () => mkdirSync(options.directory, { recursive: true }));
  }

  /** The items of a partition. @param isPending Whether the attempt is queued or runs. @throws {ShardLostError} */
  read({ attempt, partition, from, chunks }: ShardRequest, isPending: boolean): ReadableStream<Uint8Array> {
    const { directory } = this.#options;
    const isWhole = this.#committed.has(attempt);
    if (!isWhole && !isPending && !this.#channels.has(attempt)) {
      throw new ShardLostError(`Cannot read shard ${attempt}: it is not here`, { fields: { attempt } });
    }
    if (partition < 0 && from > 0 && !isWhole) {
      // The order of the whole is that of writing at first, and by partition when it is committed: who reads on must
      // have found it committed.
      throw new ProtocolError(
        `Cannot read ${attempt} from byte ${from}: only single partitions can be resumed`,
      );
    }
    const followed = isWhole ? undefined : this.#follow(attempt);
    const onBroken = (error: unknown) =>
      this.#options.onBroken(`${error instanceof Error ? error.message : error}`);
    const held = (id: string, number: number) => this.held.items(id, number);
    return openShardStream({ directory, held, attempt, partition, from, chunks, followed, onBroken });
  }

  /** The batches of a committed piece. @throws {ShardLostError} */
  piece({ attempt, partition, chunks }: HeldPiece, maxBytes: number): PieceAnswer {
    if (!this.#committed.has(attempt)) return null;
    const items = this.held.items(attempt, partition);
    if (items !== undefined) return cutItems(items, chunks);
    return readItems(this.#options.directory, { attempt, partition, chunks }, maxBytes) ?? "stream";
  }

  /** A writer wrote up to this size; resolves when it may go on. */
  written(attempt: string, sizeBytes: number): Promise<void> {
    return this.#follow(attempt).grew(sizeBytes);
  }

  commit(attempt: string): void {
    this.#committed.add(attempt);
    this.#followed.get(attempt)?.settle({ kind: "committed" });
    this.#followed.delete(attempt);
  }

  /** Deletes it, whatever its state; those who follow it are told the cause. */
  discard(attempt: string, cause: string): void {
    // Whoever deletes the directory stumbles over files that go meanwhile, and leaves it.
    if (this.#isClosed) return;
    this.#channels.discard(attempt);
    const { directory } = this.#options;
    const isCommitted = this.#committed.delete(attempt);
    if (this.held.delete(attempt)) {
      // There were no files.
    } else if (isCommitted) deleteCommitted(directory, attempt);
    else deleteAttempt(directory, attempt);
    this.#followed.get(attempt)?.settle({ kind: "gone", cause });
    this.#followed.delete(attempt);
  }

  /** @param isUnread Nobody reads it before it is closed: its writer waits for nobody. */
  openChannel(attempt: string, isUnread = false): void {
    if (this.#isClosed) throw new ProtocolError(`Cannot open channel ${attempt}: the job is being ended`);
    if (this.#committed.has(attempt)) {
      throw new ProtocolError(`Cannot open channel ${attempt}: it was closed already`);
    }
    this.#channels.open(attempt, isUnread);
  }

  /**
   * Appends items; resolves when the slowest reader is near.
   *
   * @param at Where they begin: what came already is not appended again.
   */
  append(attempt: string, items: Uint8Array, at?: number): Promise<void> {
    return this.written(attempt, this.#channels.append(attempt, items, at));
  }

  /** Fine when it is closed already. */
  closeChannel(attempt: string): void {
    if (this.#committed.has(attempt)) return;
    this.#channels.commit(attempt);
    this.commit(attempt);
  }

  /** Ends every reader and writer and deletes the directory. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const followed of this.#followed.values())
      followed.settle({ kind: "gone", cause: "the job has ended" });
    this.#followed.clear();
    this.#channels.close();
    this.#committed.clear();
    this.held.clear();
    // A worker that nothing could end may still write: then the directory is not empty at first.
    await rm(this.#options.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  #follow(attempt: string): Followed {
    let followed = this.#followed.get(attempt);
    if (followed === undefined) {
      followed = new Followed({
        onWarning: (text) => this.#options.onWarning(`shard ${attempt} ${text}`),
        needsReader: this.#channels.isStreamed(attempt),
        ...(this.#options.stallMs === undefined ? {} : { stallMs: this.#options.stallMs }),
      });
      this.#followed.set(attempt, followed);
    }
    return followed;
  }
}
