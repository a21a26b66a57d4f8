/**
 * What a running task needs from the machine, as ports that net implements.
 *
 * Local files are read and written synchronously, in pieces of about a batch, so
 * the loops of a task group hold no promise. Only what waits for somebody else
 * (a shard that is still being written, another host, user code) is asynchronous.
 */
import type { Batch } from "../batch/column.ts";
import type { CodecPorts } from "../batch/ports.ts";
import type { Letter } from "../collectives/letter.ts";
import type { MemberPorts } from "../collectives/member.ts";
import type { WorkerInfo } from "../job/worker_info.ts";
import type { ShardPiece, SourceSplit } from "../plan/physical.ts";
import type { ChunkMark, TaskReport } from "../schedule/report.ts";

/** A scratch file of one task: written once from front to back, then read any number of times. */
export interface SpillFile {
  readonly sizeBytes: number;
  /** Appends bytes, which may change afterwards, and tells the position where they begin. */
  append(bytes: Uint8Array): number;
  /** Reads a range that was appended before. */
  read(position: number, length: number): Uint8Array;
  delete(): void;
}

export interface SpillStore {
  /** @throws {LucioleError} code "disk-full" when the disk or the quota is full. */
  create(): SpillFile;
}

/** Writes the one data file and one index file of an attempt. */
export interface ShardWriter {
  /**
   * Appends one encoded batch to a partition; its memory is the caller's again afterwards. Marks are kept for the
   * commit report only.
   */
  write(partition: number, item: Uint8Array, rows: number, mark?: ChunkMark): void;
  /** Set when a consumer follows the file while it is written: resolves when it may go on. */
  drained?(): Promise<void> | undefined;
}

/** Writes one output file of a sink; published by the driver on commit. */
export interface SinkWriter {
  /** Name of the staged file, relative to its staging directory; told in the shard report. */
  readonly name?: string;
  write(bytes: Uint8Array): void;
}

/** One end of a child process that rows are piped through as lines. */
export interface PipeProcess {
  /** Writes lines; resolves when the pipe has room. */
  write(bytes: Uint8Array): Promise<void>;
  end(): void;
  /** stdout in pieces; ends when the process ends. @throws {TaskError} on a non-zero exit, with the last of stderr. */
  output(): AsyncIterable<Uint8Array>;
  kill(): void;
}

export interface LogRecord {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
}

/** The workers that run a worker program together, and the way to them. */
export interface GangPort {
  readonly rank: number;
  /** By rank. */
  readonly workers: readonly WorkerInfo[];
  readonly epoch: number;
  readonly ports: Pick<MemberPorts, "encode" | "decode" | "post" | "later">;
  /** Has the listener hear what others have sent and will send, in order. */
  join(listener: (from: number, letter: Letter) => void): void;
}

/** Everything outside of core that a task may touch. */
export interface TaskPorts {
  readonly codec: CodecPorts;
  readonly spill: SpillStore;
  /** Opens the attempt's own shard file. */
  openWriter(partitions: number, storage?: "memory" | "disk"): ShardWriter;
  /** Opens the attempt's staged sink file; `path`, `single` and codec come from the sink node. */
  openSink(sink: { readonly path: string; readonly extension: string; readonly single: boolean }): SinkWriter;
  /**
   * Reads batches of one piece, in order, from this host or another one.
   * Iterating is synchronous per batch when the piece is committed on this host.
   *
   * @param aheadBytes What may be read at once; a few MiB when missing. Who reads many pieces side by side asks for less.
   */
  readPiece(piece: ShardPiece, aheadBytes?: number): BatchReader;
  /** Opens a split of a source as raw bytes; see net/source. */
  openSplit(split: SourceSplit): ByteReader;
  spawnPipe(command: readonly string[] | string): PipeProcess;
  log(record: LogRecord): void;
  /** Reports counters and progress; cheap, and sent on at most a few times a second. */
  report(report: Partial<TaskReport>): void;
  /** Set for a task of a worker program. */
  readonly gang?: GangPort | undefined;
  /**
   * Asked between batches: a promise when the event loop was held for long, so that a cancellation can arrive, or
   * when more was sent than may be under way; undefined otherwise.
   */
  breathe?(): Promise<void> | undefined;
  /**
   * Set when somebody follows the shard while it is written: calls back every few milliseconds,
   * between batches, until the function that it returns is called.
   */
  everyMoment?(callback: () => void): () => void;
  /** Told when an operator let go of so many bytes at once, which the runtime may be long in finding out. */
  released?(sizeBytes: number): void;
  readonly signal: AbortSignal;
  /** Bytes that the operators of this task may hold in memory, together. */
  readonly memoryBytes: number;
  /** Seed for `sample`, the same for every attempt at the task. */
  readonly seed: number;
}

/** Reads batches one after the other. */
export interface BatchReader {
  /** The next batch, undefined at the end; a promise only when it must wait. */
  next(): Batch | undefined | Promise<Batch | undefined>;
  close(): void;
}

/** Reads raw bytes of a source split: decompressed, from its start to its end. */
export interface ByteReader {
  /** What is read, for messages: `logs/a.txt`. */
  readonly name: string;
  /** Where in the (decompressed) file the piece begins that `next` gave last. */
  readonly position?: number;
  /** The next piece of at most about 1 MiB, undefined at the end. The caller owns the bytes. */
  next(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  close(): void;
}
