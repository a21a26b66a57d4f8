/**
 * The small shards of one job that an agent keeps in memory, up to a bound.
 *
 * What does not fit is written to files, where all readers find it as they find that of other attempts. Nothing is
 * moved later, so whoever was told where a shard lies finds it there until it is released.
 */
import { type HeldShard, heldItems, writeHeldShard } from "../../store/held_shard.ts";

const DEFAULT_BYTES = 64 * 1024 * 1024;
/** What a shard and each of its partitions take beside their bytes, about. */
const OVERHEAD_BYTES = 256;

export class HeldShards {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #shards = new Map<string, HeldShard>();
  #usedBytes = 0;

  constructor(directory: string, maxBytes = DEFAULT_BYTES) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
  }

  /** Takes a shard, which must not change. @throws {LucioleError} code "disk-full" */
  keep(attempt: string, shard: HeldShard): void {
    const sizeBytes = sizeOf(shard);
    if (this.#usedBytes + sizeBytes > this.#maxBytes) {
      writeHeldShard(this.#directory, attempt, shard);
      return;
    }
    this.#usedBytes += sizeBytes;
    // Copies: what came is part of a request with much else in it.
    const items = shard.items.map(([partition, bytes]) => [partition, bytes.slice()] as const);
    this.#shards.set(attempt, { partitions: shard.partitions, items });
  }

  /** The batches of a partition, or of all (-1); undefined when the shard is not here. @throws {ShardLostError} */
  items(attempt: string, partition: number): Uint8Array | undefined {
    const shard = this.#shards.get(attempt);
    return shard === undefined ? undefined : heldItems(shard, attempt, partition);
  }

  /** @returns Whether it was here. */
  delete(attempt: string): boolean {
    const shard = this.#shards.get(attempt);
    if (shard === undefined) return false;
    this.#usedBytes -= sizeOf(shard);
    return this.#shards.delete(attempt);
  }

  clear(): void {
    this.#shards.clear();
    this.#usedBytes = 0;
  }
}

function sizeOf({ items }: HeldShard): number {
  return items.reduce((sum, [, bytes]) => sum + bytes.byteLength + OVERHEAD_BYTES, OVERHEAD_BYTES);
}
