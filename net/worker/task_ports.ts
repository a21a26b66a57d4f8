/**
 * What a running task may touch, for one attempt: its files, its inputs, its reports.
 *
 * Everything that the attempt opens ends with it: committed together, or discarded.
 */
import { LucioleError, ShardLostError } from "../../core/errors.ts";
import type {
  BatchReader,
  ByteReader,
  GangPort,
  LogRecord,
  PipeProcess,
  ShardWriter,
  SinkWriter,
  TaskPorts,
} from "../../core/exec/ports.ts";
import type { ShardPiece, SourceSplit } from "../../core/plan/physical.ts";
import type { TaskOrder } from "../../core/schedule/attempts/order.ts";
import { NO_TOTALS, type ShardReport, type TaskReport } from "../../core/schedule/report.ts";
import { codecPorts } from "../codec_ports.ts";
import { untilAborted } from "../pause.ts";
import type { HeldPiece, PieceAnswer, Transport } from "../protocol.ts";
import { answered, IDLE_MS, resumedBody, STALL_MS } from "../resumed_body.ts";
import { StagedFile } from "../sink/staged_file.ts";
import { stagingDirectory } from "../sink/staging.ts";
import { openSplit } from "../source/open_split.ts";
import { AttemptWriter, type WrittenShard } from "../store/attempt_writer.ts";
import { EMPTY_SHARD, HeldReader } from "../store/held_shard.ts";
import { readLocalPiece, readStreamedPiece } from "../store/piece_readers.ts";
import { lost } from "../store/shard_index.ts";
import { DiskSpillStore } from "../store/spill_store.ts";
import type { AttemptHost } from "./attempt_host.ts";
import { dueTurn } from "./event_loop.ts";
import { FollowedWrites } from "./followed_writes.ts";
import { HeldPieces } from "./held_pieces.ts";
import { spawnPipe } from "./pipe_process.ts";
import { ReleasedMemory } from "./released_memory.ts";

/** Of the worker's memory: as much again is on its way through the operators, or garbage that is not found yet. */
const OPERATOR_SHARE = 0.5;
/** How long a row of a followed shard may wait for others to share its batch. */
const MOMENT_MS = 5;

export class WorkerTaskPorts implements TaskPorts {
  readonly codec = codecPorts;
  readonly spill: DiskSpillStore;
  readonly signal: AbortSignal;
  readonly memoryBytes: number;
  readonly seed: number;
  readonly spawnPipe: (command: readonly string[] | string) => PipeProcess = spawnPipe;
  readonly everyMoment: ((callback: () => void) => () => void) | undefined;
  readonly gang: GangPort | undefined;
  readonly #order: TaskOrder;
  readonly #host: AttemptHost;
  readonly #counters: Readonly<Record<string, number>>;
  #closing: AbortController | undefined;
  #held: HeldPieces | undefined;
  /** By agent. */
  readonly #remote = new Map<string, HeldPieces>();
  #writer: AttemptWriter | undefined;
  #sink: StagedFile | undefined;
  #totals = NO_TOTALS;
  readonly #released: ReleasedMemory | undefined;

  /** @param counters Sums of the task context's `count`, as they grow. */
  constructor(order: TaskOrder, host: AttemptHost, counters: Readonly<Record<string, number>>) {
    this.#order = order;
    this.#host = host;
    this.#counters = counters;
    this.spill = new DiskSpillStore({ directory: host.directory });
    const { collectGarbage } = host;
    if (collectGarbage !== undefined) this.#released = new ReleasedMemory(collectGarbage);
    this.signal = host.signal;
    this.memoryBytes = Math.floor(order.memoryBytes * OPERATOR_SHARE);
    this.seed = order.seed;
    this.everyMoment = order.isFollowed ? everyMoment : undefined;
    this.gang = order.gang && host.mail.portOf(order.gang);
  }

  openWriter(partitions: number, storage?: "memory" | "disk"): ShardWriter {
    if (this.#writer !== undefined) {
      throw new LucioleError("internal", `Cannot open another shard of ${this.#order.attempt}: it has one`);
    }
    const { attempt, isFollowed } = this.#order;
    const writes = new FollowedWrites((sizeBytes) =>
      this.#host.link.written(attempt, sizeBytes, this.signal),
    );
    this.#writer = new AttemptWriter({
      directory: this.#host.directory,
      attempt,
      partitions,
      isFollowed,
      ...(storage === undefined ? {} : { storage }),
      ...(isFollowed ? { onWritten: (sizeBytes: number) => writes.grew(sizeBytes) } : {}),
    });
    return this.#writer;
  }

  openSink({ path, extension }: { readonly path: string; readonly extension: string }): SinkWriter {
    if (this.#sink !== undefined) {
      throw new LucioleError(
        "internal",
        `Cannot open another output file of ${this.#order.attempt}: it has one`,
      );
    }
    const { attempt, execution } = this.#order;
    this.#sink = new StagedFile({ staging: stagingDirectory(path, execution), attempt, extension });
    return this.#sink;
  }

  readPiece(piece: ShardPiece, aheadBytes?: number): BatchReader {
    const { agent, directory } = this.#host;
    if (piece.held instanceof Uint8Array) return new HeldReader(piece.held, piece.attempt, codecPorts);
    if (piece.agent === agent && piece.held === "ask") {
      this.#held ??= new HeldPieces(this.#order.input, (pieces) =>
        this.#host.link.held(pieces, this.#ending()),
      );
      return this.#held.read(piece);
    }
    if (piece.agent === agent && piece.isCommitted) {
      return readLocalPiece(directory, piece, codecPorts, aheadBytes);
    }
    if (piece.agent === agent || !piece.isCommitted) return this.#readStream(piece);
    return this.#piecesOf(piece.agent).read(piece);
  }

  openSplit(split: SourceSplit): ByteReader {
    return openSplit(split);
  }

  log(record: LogRecord): void {
    this.#host.log(record);
  }

  report(report: Partial<TaskReport>): void {
    this.#totals = { ...this.#totals, ...report };
    this.#host.progress(this.totals);
  }

  released(sizeBytes: number): void {
    this.#released?.add(sizeBytes);
  }

  /** Messages that are too many to be on their way hold the task up. */
  breathe(): Promise<void> | undefined {
    const settled = this.#host.messages.settled();
    if (settled === undefined) return dueTurn();
    return untilAborted(settled, this.signal);
  }

  /** All that is known of the attempt by now. */
  get totals(): TaskReport {
    return { ...this.#totals, counters: { ...this.#counters } };
  }

  /** Makes what the task wrote readable. */
  commit(shard: ShardReport): WrittenShard {
    this.#sink?.commit();
    const written = this.#writer?.commit();
    this.#close();
    if (written === undefined) return { shard, held: EMPTY_SHARD };
    return { ...written, shard: { ...shard, ...written.shard } };
  }

  /** Leaves nothing of what the task wrote. */
  discard(): void {
    this.#sink?.discard();
    this.#writer?.discard();
    this.#close();
  }

  #close(): void {
    this.spill.close();
    this.#closing?.abort();
    if (this.#order.gang !== undefined) this.#host.mail.leave(this.#order.gang.id);
  }

  /** Those of the input that are committed on another agent: small ones come together. */
  #piecesOf(agent: string): HeldPieces {
    let pieces = this.#remote.get(agent);
    if (pieces === undefined) {
      const ask = (asked: readonly HeldPiece[]) => this.#ask(agent, asked);
      pieces = new HeldPieces(this.#order.input, ask, {
        isAskedFor: (piece) => piece.agent === agent && piece.isCommitted,
        stream: (piece) => this.#readStream(piece),
      });
      this.#remote.set(agent, pieces);
    }
    return pieces;
  }

  async #ask(agent: string, pieces: readonly HeldPiece[]): Promise<readonly PieceAnswer[]> {
    const signal = this.#ending();
    const [{ attempt }] = pieces;
    try {
      const transport = await this.#transportTo(agent, attempt);
      return await answered(() => this.#host.link.pieces(pieces, signal, transport), signal);
    } catch (cause) {
      if (signal.aborted || cause instanceof ShardLostError) throw cause;
      throw lost(attempt, `agent ${agent} cannot be asked for it`, cause);
    }
  }

  async #transportTo(agent: string, attempt: string): Promise<Transport> {
    const transport = await this.#host.transportTo?.(agent);
    if (transport !== undefined) return transport;
    throw lost(attempt, `its agent ${agent} cannot be reached`);
  }

  #readStream(piece: ShardPiece): BatchReader {
    // Only the chunks that it names come.
    const { chunks: _, ...whole } = piece;
    return readStreamedPiece(this.#stream(piece), whole, codecPorts);
  }

  async *#stream(piece: ShardPiece): AsyncIterable<Uint8Array> {
    const { agent, attempt, partition, isCommitted } = piece;
    const { link, agent: own } = this.#host;
    const signal = this.#ending();
    const transport = agent === own ? undefined : await this.#transportTo(agent, attempt);
    yield* resumedBody({
      open: (from, until = signal) => link.shard(piece, from, until, transport),
      isResumable: transport !== undefined && (isCommitted || partition >= 0),
      ...(isCommitted ? transport && { stallMs: STALL_MS } : { idleMs: IDLE_MS }),
      signal,
    });
  }

  /** Aborted when the attempt ends, however it does. */
  #ending(): AbortSignal {
    this.#closing ??= new AbortController();
    return AbortSignal.any([this.signal, this.#closing.signal]);
  }
}

function everyMoment(callback: () => void): () => void {
  const timer = setInterval(callback, MOMENT_MS);
  return () => clearInterval(timer);
}
