/**
 * Opens the shards of a dataset for the driver, one after the other.
 *
 * Shards that are committed on this host are read from their files; the others are streamed
 * from their agent, and followed while they are written.
 */
import type { BatchReader } from "../../core/exec/ports.ts";
import type { ShardPiece } from "../../core/plan/physical.ts";
import { codecPorts } from "../codec_ports.ts";
import { readLocalPiece, readStreamedPiece } from "../store/piece_readers.ts";
import type { ExecutionRecord } from "./execution.ts";
import type { Executor } from "./executor.ts";

export interface OpenOptions {
  readonly executor: Executor;
  readonly dataset: string;
  /** Directory of the job's shards on this host. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** The execution that makes the dataset. */
  readonly record: ExecutionRecord;
}

/** Readers of the shards in order; waits for shards whose first attempt has not started. */
export async function* openDataset(options: OpenOptions): AsyncGenerator<BatchReader> {
  for (let shard = 0; ; shard++) {
    const piece = await locate(options, shard);
    if (piece === undefined) return;
    yield await openPiece(options, piece);
  }
}

async function locate(options: OpenOptions, shard: number): Promise<ShardPiece | undefined> {
  const { executor, dataset, record } = options;
  for (;;) {
    const located = executor.pieces(dataset).find((item) => item.shard === shard);
    if (located !== undefined) return located.piece;
    if (record.hasEnded) return undefined;
    await record.changed();
  }
}

async function openPiece(options: OpenOptions, piece: ShardPiece): Promise<BatchReader> {
  if (piece.isCommitted) return readLocalPiece(options.directory, piece, codecPorts);
  const client = options.executor.agent(piece.agent);
  return readStreamedPiece(
    await client.readShard(piece.attempt, piece.partition, options.signal),
    piece,
    codecPorts,
  );
}
