/**
 * Writes the shard of one attempt: kept in memory while it is small, else in files.
 *
 * What is still small at the end goes to the agent with the attempt's result, and no file was ever made. It knows
 * nothing of agents.
 */
import type { ShardWriter } from "../../core/exec/ports.ts";
import { joinBytes } from "../../core/format/join_bytes.ts";
import type { ChunkMark, PartitionReport, ShardReport } from "../../core/schedule/report.ts";
import type { HeldShard } from "./held_shard.ts";
import { ShardFileWriter, type ShardWriterOptions } from "./shard_writer.ts";

/** Larger shards are written to files: those cost less than sending so much does. */
const MAX_HELD_BYTES = 128 * 1024;
/** Of those that the user wants in memory. */
const MAX_WANTED_BYTES = 4 * 1024 * 1024;

interface HeldItem {
  readonly partition: number;
  readonly item: Uint8Array;
  readonly rows: number;
  readonly mark: ChunkMark | undefined;
}

export interface WrittenShard {
  readonly shard: ShardReport;
  /** Missing when it lies in files. */
  readonly held?: HeldShard;
}

export class AttemptWriter implements ShardWriter {
  readonly #options: ShardWriterOptions;
  readonly #maxHeldBytes: number;
  #file: ShardFileWriter | undefined;
  #held: HeldItem[] = [];
  #heldBytes = 0;

  /** @param options Where the user wants the shard: memory takes larger ones, disk none. */
  constructor(options: ShardWriterOptions & { readonly storage?: "memory" | "disk" }) {
    this.#options = options;
    this.#maxHeldBytes = options.storage === "memory" ? MAX_WANTED_BYTES : MAX_HELD_BYTES;
    if (options.isFollowed === true || options.storage === "disk") this.#file = new ShardFileWriter(options);
  }

  write(partition: number, item: Uint8Array, rows: number, mark?: ChunkMark): void {
    if (this.#file === undefined && this.#heldBytes + item.byteLength > this.#maxHeldBytes) this.#toFile();
    if (this.#file !== undefined) {
      this.#file.write(partition, item, rows, mark);
      return;
    }
    const { partitions } = this.#options;
    if (!(partition >= 0 && partition < partitions)) {
      throw new RangeError(`Cannot write to partition ${partition}: there are ${partitions}`);
    }
    // Its writer may use the memory again.
    this.#held.push({ partition, item: item.slice(), rows, mark });
    this.#heldBytes += item.byteLength;
  }

  drained(): Promise<void> | undefined {
    return this.#file?.drained();
  }

  /** Makes the shard whole. */
  commit(): WrittenShard {
    if (this.#file !== undefined) return { shard: this.#file.commit() };
    const { partitions } = this.#options;
    const reports: PartitionReport[] = [];
    const items: [number, Uint8Array][] = [];
    const parts = this.#byPartition();
    for (let partition = 0; partition < partitions; partition++) {
      const held = parts.get(partition) ?? [];
      const bytes = joinBytes(held.map(({ item }) => item));
      reports.push({
        rows: held.reduce((sum, { rows }) => sum + rows, 0),
        bytes: bytes.byteLength,
        chunks: held.length,
      });
      if (held.length > 0) items.push([partition, bytes]);
    }
    const marks = this.#held.flatMap(({ mark }) => (mark === undefined ? [] : [mark]));
    const shard = marks.length === 0 ? { partitions: reports } : { partitions: reports, marks };
    return { shard, held: { partitions, items } };
  }

  /** Leaves nothing of the shard; after commit it does nothing. */
  discard(): void {
    this.#file?.discard();
  }

  #byPartition(): Map<number, HeldItem[]> {
    const parts = new Map<number, HeldItem[]>();
    for (const held of this.#held) {
      const part = parts.get(held.partition);
      if (part === undefined) parts.set(held.partition, [held]);
      else part.push(held);
    }
    return parts;
  }

  #toFile(): void {
    this.#file = new ShardFileWriter(this.#options);
    for (const { partition, item, rows, mark } of this.#held) this.#file.write(partition, item, rows, mark);
    this.#held = [];
    this.#heldBytes = 0;
  }
}
