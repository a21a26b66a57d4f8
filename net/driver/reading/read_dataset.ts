/**
 * Reads a dataset for the driver: shard after shard, or all shards at once while they are written,
 * so that each of them goes on and none runs ahead. Sorted rows keep the order of their shards.
 *
 * Shards that are committed on this host are read from their files; the others are streamed
 * from their agent. A shard whose attempt is lost, while it is followed or later, is read again from
 * its next attempt, without the rows that were given already.
 */

import type { Batch } from "../../../core/batch/column.ts";
import { sliceColumn } from "../../../core/batch/gather.ts";
import { LucioleError, ShardLostError } from "../../../core/errors.ts";
import type { BatchReader } from "../../../core/exec/ports.ts";
import type { ShardPiece } from "../../../core/plan/physical.ts";
import { codecPorts } from "../../codec_ports.ts";
import { IDLE_MS, resumedBody, STALL_MS } from "../../resumed_body.ts";
import { cutItems, HeldReader } from "../../store/held_shard.ts";
import { readLocalPiece, readStreamedPiece } from "../../store/piece_readers.ts";
import type { ExecutionRecord } from "../execution.ts";
import type { Executor } from "../executor/executor.ts";
import { Handover } from "./handover.ts";
import { SmallShards } from "./small_shards.ts";

/** Shards on this host: read from their files, without a request. */
export interface LocalShards {
  /** The agent that keeps them. */
  readonly agent: string;
  /** Its directory of the job. */
  readonly directory: string;
  /** The batches of a small shard that the agent keeps in memory. */
  readonly heldItems?: (attempt: string, partition: number) => Uint8Array | undefined;
}

export interface ReadOptions {
  readonly executor: Executor;
  readonly dataset: string;
  readonly local: LocalShards | undefined;
  readonly signal: AbortSignal;
  /** The execution that makes the dataset. */
  readonly record: ExecutionRecord;
  /** What is lost of a dataset that was whole is computed again, and waited for. */
  readonly recovers?: boolean;
  /** The program gave the dataset up. */
  readonly isReleased: () => boolean;
  /** Reads several of its shards with one request. */
  readonly small?: SmallShards;
}

/** Of one shard that is read, after which it is given up. */
const MAX_LOSSES = 5;

/** What is met when a shard goes with its execution. */
const GONE_CODES = new Set(["dataset-missing", "shard-lost"]);

/**
 * The batches of a dataset: in the order of the shards, or as they come while they are written, unless they were sorted.
 *
 * @throws {LucioleError} The failure of the execution, if it fails before the last row.
 */
export async function* readDataset(options: ReadOptions): AsyncGenerator<Batch> {
  try {
    yield* readShards(options);
  } catch (error) {
    const isGone = error instanceof LucioleError && GONE_CODES.has(error.code);
    // An execution that fails takes its shards along before it has ended: the cause is what counts.
    if (isGone && !options.isReleased()) await options.record.ended.promise;
    throw error;
  }
}

async function* readShards(options: ReadOptions): AsyncGenerator<Batch> {
  const first = await locate(options, 0);
  if (first === undefined) return;
  if (!first.isCommitted && !options.executor.datasets.isOrdered(options.dataset)) {
    yield* readAllAtOnce(options);
    return;
  }
  const own = options.record.hasEnded ? { ...options, small: smallShards(options) } : options;
  for (let shard = 0; (await locate(own, shard)) !== undefined; shard++) yield* readShard(own, shard);
}

/** Of a dataset that is whole. */
function smallShards({ executor, dataset, signal }: ReadOptions): SmallShards {
  return new SmallShards({
    clientOf: (agent) => executor.agent(agent),
    signal,
    pieces: () => executor.datasets.pieces(dataset),
    sizes: executor.datasets.sizes(dataset),
  });
}

/**
 * Waits until the place of a shard is known; undefined when there is no such shard.
 *
 * @throws {ShardLostError} If the shard of a dataset that was whole is not there now.
 */
async function locate(options: ReadOptions, shard: number): Promise<ShardPiece | undefined> {
  const { executor, dataset, record } = options;
  for (;;) {
    const changed = record.changed();
    const located = executor.datasets.pieces(dataset, shard).find((item) => item.shard === shard);
    if (located !== undefined) return located.piece;
    if (record.hasEnded) {
      if (shard >= executor.datasets.sizes(dataset).length) return undefined;
      const recovery = options.recovers === true ? executor.recovery(dataset) : undefined;
      if (recovery === undefined) {
        throw new ShardLostError(`Cannot read shard ${shard} of dataset ${dataset}: it was lost`, {
          fields: { dataset, shard },
        });
      }
      await recovery;
      continue;
    }
    await changed;
  }
}

/** Where pieces are read, and until when. */
export type PiecePlaces = Pick<ReadOptions, "executor" | "local" | "signal" | "small">;

/** @param shard Its number, where those after it are likely to be read, too. */
export async function* readPiece(
  options: PiecePlaces,
  piece: ShardPiece,
  shard?: number,
): AsyncGenerator<Batch> {
  const reader = await openPiece(options, piece, shard);
  try {
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) yield batch;
  } finally {
    reader.close();
  }
}

async function openPiece(
  options: PiecePlaces,
  piece: ShardPiece,
  shard: number | undefined,
): Promise<BatchReader> {
  const { local, small } = options;
  const isLocal = piece.isCommitted && piece.agent === local?.agent;
  const items = isLocal
    ? local?.heldItems?.(piece.attempt, piece.partition)
    : options.executor.shownItems(piece.attempt);
  // Rows may be views of what they are read from, and the program may change its rows.
  if (items !== undefined)
    return new HeldReader(cutItems(items, piece.chunks).slice(), piece.attempt, codecPorts);
  if (isLocal && local !== undefined) return readLocalPiece(local.directory, piece, codecPorts);
  const reader = shard === undefined || !piece.isCommitted ? undefined : await small?.read(shard, piece);
  if (reader !== undefined) return reader;
  const client = options.executor.agent(piece.agent);
  const { signal } = options;
  const body = resumedBody({
    open: (from, until = signal) => client.readShard(piece, from, until),
    isResumable: piece.isCommitted || piece.partition >= 0,
    ...(piece.isCommitted ? { stallMs: STALL_MS } : { idleMs: IDLE_MS }),
    signal,
  });
  // Only the chunks that it names come.
  const { chunks: _, ...whole } = piece;
  return readStreamedPiece(body, whole, codecPorts);
}

/** Every shard has a reader of its own, which holds one batch until it is taken. */
async function* readAllAtOnce(options: ReadOptions): AsyncGenerator<Batch> {
  const { executor, dataset, record } = options;
  const handover = new Handover<Batch>();
  const opened = new Set<number>();
  const open = (shard: number): void => {
    if (opened.has(shard)) return;
    opened.add(shard);
    handover.addGiver(giveShard(options, shard, handover));
  };
  const watch = async (): Promise<void> => {
    while (!record.hasEnded && !handover.isClosed) {
      const changed = record.changed();
      for (const { shard } of executor.datasets.pieces(dataset)) open(shard);
      await changed;
    }
    for (const shard of executor.datasets.sizes(dataset).keys()) open(shard);
  };
  handover.addGiver(watch());
  try {
    for (let batch = await handover.take(); batch !== undefined; batch = await handover.take()) yield batch;
  } finally {
    handover.close();
  }
}

async function giveShard(options: ReadOptions, shard: number, handover: Handover<Batch>): Promise<void> {
  for await (const batch of readShard(options, shard)) if (!(await handover.give(batch))) return;
}

/** One shard; when an attempt is lost that was followed, the rest of its rows come from the next one. */
async function* readShard(options: ReadOptions, shard: number): AsyncGenerator<Batch> {
  let given = 0;
  let losses = 0;
  let failed: string | undefined;
  for (;;) {
    const changed = options.record.changed();
    const piece = await locate(options, shard);
    if (piece === undefined) return;
    if (piece.attempt === failed && !options.record.hasEnded) {
      await changed;
      continue;
    }
    try {
      let position = 0;
      for await (const batch of readPiece(options, piece, shard)) {
        const fresh = withoutFirst(batch, given - position);
        position += batch.rows;
        given = Math.max(given, position);
        if (fresh !== undefined) yield fresh;
      }
      return;
    } catch (error) {
      if (!(error instanceof ShardLostError)) throw error;
      if (options.record.hasEnded) {
        losses += 1;
        if (options.recovers !== true || losses >= MAX_LOSSES) throw error;
        options.executor.loseShard(piece.attempt, error.message);
      }
      failed = piece.attempt;
    }
  }
}

/** What is left of a batch when its first rows were given before. */
function withoutFirst(batch: Batch, rows: number): Batch | undefined {
  if (rows <= 0) return batch;
  if (rows >= batch.rows) return undefined;
  return { rows: batch.rows - rows, column: sliceColumn(batch.column, rows, batch.rows) };
}
