/**
 * A small shard in memory: the batches of each partition, one after the other, as they would lie in its data file.
 *
 * Creating files costs more than computing a small shard does. Who keeps one, and for how long, is not known here.
 */
import { batchChecksum, batchRows, decodeItem, encodeTrailer, itemLength } from "../../core/batch/codec.ts";
import type { Batch } from "../../core/batch/column.ts";
import type { Checksum, CodecPorts } from "../../core/batch/ports.ts";
import type { BatchReader } from "../../core/exec/ports.ts";
import { TrailerTally } from "../../core/format/batch_items.ts";
import { joinBytes } from "../../core/format/join_bytes.ts";
import type { ShardPiece } from "../../core/plan/physical.ts";
import { lost } from "./shard_index.ts";
import { ShardFileWriter } from "./shard_writer.ts";

export interface HeldShard {
  /** How many partitions it has. */
  readonly partitions: number;
  /** Those that have batches, in ascending order, with these. */
  readonly items: readonly (readonly [partition: number, items: Uint8Array])[];
}

/** Of an attempt that wrote nothing. */
export const EMPTY_SHARD: HeldShard = { partitions: 0, items: [] };

const NOTHING = new Uint8Array(0);

/** The batches of one partition, or of all in order (-1). @throws {ShardLostError} When there is no such partition. */
export function heldItems(shard: HeldShard, attempt: string, partition: number): Uint8Array {
  const { partitions, items } = shard;
  if (partition < 0) return items.length === 1 ? items[0][1] : joinBytes(items.map(([, bytes]) => bytes));
  if (partition >= partitions) {
    throw lost(attempt, `it has ${partitions} partitions, and no partition ${partition}`);
  }
  return items.find(([number]) => number === partition)?.[1] ?? NOTHING;
}

/** Those of the batches that a piece names. */
export function cutItems(items: Uint8Array, chunks: ShardPiece["chunks"]): Uint8Array {
  if (chunks === undefined) return items;
  let from = items.byteLength;
  let to = items.byteLength;
  let number = 0;
  for (const item of split(items)) {
    if (number === chunks.from) from = item.byteOffset - items.byteOffset;
    if (number++ === chunks.to) to = item.byteOffset - items.byteOffset;
  }
  return items.subarray(from, to);
}

/** Writes a shard to files that somebody else made, where there is no room for it in memory. */
export function writeHeldShard(directory: string, attempt: string, shard: HeldShard): void {
  const writer = new ShardFileWriter({ directory, attempt, partitions: shard.partitions });
  try {
    for (const [partition, items] of shard.items) {
      for (const item of split(items)) writer.write(partition, item, batchRows(item));
    }
    writer.commit();
  } finally {
    writer.discard();
  }
}

/** The batches with their trailer, as a request for a shard is answered. */
export function heldStream(items: Uint8Array, checksum: Checksum): Uint8Array {
  const tally = new TrailerTally(checksum);
  for (const item of split(items)) tally.add(batchChecksum(item), batchRows(item));
  return joinBytes([items, encodeTrailer(tally.trailer())]);
}

/** Reads batches that lie one after the other. */
export class HeldReader implements BatchReader {
  readonly #items: Uint8Array;
  readonly #attempt: string;
  readonly #codec: CodecPorts;
  #position = 0;

  constructor(items: Uint8Array, attempt: string, codec: CodecPorts) {
    // In an aligned place, so that numbers can be viewed and are not copied one by one.
    this.#items = items.byteOffset % 8 === 0 ? items : items.slice();
    this.#attempt = attempt;
    this.#codec = codec;
  }

  next(): Batch | undefined {
    const at = this.#position;
    if (at >= this.#items.byteLength) return undefined;
    try {
      this.#position += itemLength(this.#items, at) ?? this.#items.byteLength;
      const item = decodeItem(this.#items.subarray(at, this.#position), this.#codec);
      if (item.kind === "batch") return item.batch;
    } catch (cause) {
      throw lost(this.#attempt, `byte ${at} of it is corrupt`, cause);
    }
    throw lost(this.#attempt, `byte ${at} of it begins no batch`);
  }

  close(): void {
    this.#position = this.#items.byteLength;
  }
}

function* split(items: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < items.byteLength; ) {
    const end = at + (itemLength(items, at) ?? items.byteLength);
    yield items.subarray(at, end);
    at = end;
  }
}
