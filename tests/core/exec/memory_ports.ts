/**
 * TaskPorts that live in memory, for tests of operators and of whole tasks.
 *
 * Shards are kept encoded, so what is read has been through the codec. Spill
 * files are counted: a test ends with `assertNoLeak`.
 */

import { crc32 } from "node:zlib";
import { BatchBuilder } from "../../../core/batch/batch_builder.ts";
import { decodeItem, encodeBatch } from "../../../core/batch/codec.ts";
import type { Batch } from "../../../core/batch/column.ts";
import { rowReader } from "../../../core/batch/row_reader.ts";
import type { TaskContext } from "../../../core/exec/context.ts";
import type { Operator } from "../../../core/exec/operator.ts";
import type { BatchReader, ShardWriter, SpillFile, TaskPorts } from "../../../core/exec/ports.ts";
import { failStep, type TaskScope } from "../../../core/exec/task_scope.ts";
import type { Graph, GraphNode, NodeSpec } from "../../../core/graph/node.ts";
import type {
  Head,
  ShardPiece,
  StepPlan,
  Tail,
  TaskGroupPlan,
  TaskInput,
} from "../../../core/plan/physical.ts";
import type { ChunkMark, TaskReport } from "../../../core/schedule/report.ts";
import { valueCodec } from "../../../net/cbor.ts";

const codec = { values: valueCodec, checksum: (bytes: Uint8Array) => crc32(bytes) };

export interface WrittenChunk {
  readonly partition: number;
  readonly rows: number;
  readonly batch: Batch;
  readonly mark: ChunkMark | undefined;
}

export interface MemoryPortsOptions {
  readonly memoryBytes?: number;
  readonly seed?: number;
  /** Rows of the batches that pieces are read in. Default 1000. */
  readonly batchRows?: number;
  /** Answer every read with a promise, as a remote piece does. */
  readonly isRemote?: boolean;
}

export class MemoryPorts implements TaskPorts {
  readonly codec = codec;
  readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  readonly memoryBytes: number;
  readonly seed: number;
  readonly chunks: WrittenChunk[] = [];
  readonly sinkBytes: Uint8Array[] = [];
  readonly logs: string[] = [];
  lastReport: Partial<TaskReport> = {};
  partitions = 0;
  liveSpillFiles = 0;
  createdSpillFiles = 0;
  liveReaders = 0;
  batchesRead = 0;
  /** Called before each batch that is read. */
  onRead: (() => void) | undefined;
  readonly #pieces = new Map<string, readonly Uint8Array[]>();
  readonly #options: MemoryPortsOptions;

  constructor(options: MemoryPortsOptions = {}) {
    this.#options = options;
    this.memoryBytes = options.memoryBytes ?? 64 << 20;
    this.seed = options.seed ?? 1;
  }

  readonly spill = { create: (): SpillFile => this.#createSpillFile() };

  /** Keeps rows as a shard that `readPiece` finds. */
  addPiece(attempt: string, rows: readonly unknown[]): ShardPiece {
    this.#pieces.set(
      attempt,
      batchesOf(rows, this.#options.batchRows).map((batch) => encodeBatch(batch, codec)),
    );
    return { agent: "a", attempt, partition: -1, isCommitted: true };
  }

  openWriter(partitions: number): ShardWriter {
    this.partitions = partitions;
    return {
      write: (partition, item, rows, mark) => {
        // Its memory is the caller's again afterwards.
        const decoded = decodeItem(item.slice(), codec);
        if (decoded.kind !== "batch") throw new Error("Cannot write a trailer: the port does that");
        this.chunks.push({ partition, rows, batch: decoded.batch, mark });
      },
    };
  }

  /** Rows that were written, of one partition or of all. */
  written(partition?: number): unknown[] {
    return this.chunks
      .filter((chunk) => partition === undefined || chunk.partition === partition)
      .flatMap((chunk) => rowsOf(chunk.batch));
  }

  openSink(): { name: string; write(bytes: Uint8Array): void } {
    return { name: "part-00000", write: (bytes) => void this.sinkBytes.push(bytes.slice()) };
  }

  readPiece(piece: ShardPiece): BatchReader {
    const items = this.#pieces.get(piece.attempt);
    if (items === undefined) throw new Error(`Cannot read ${piece.attempt}: no such piece`);
    let place = 0;
    this.liveReaders++;
    const read = () => {
      this.onRead?.();
      const item = items[place++];
      if (item === undefined) return undefined;
      this.batchesRead++;
      // Its memory is the caller's again afterwards.
      const decoded = decodeItem(item.slice(), codec);
      return decoded.kind === "batch" ? decoded.batch : undefined;
    };
    return {
      next: () => (this.#options.isRemote ? Promise.resolve().then(read) : read()),
      close: () => void this.liveReaders--,
    };
  }

  openSplit(): never {
    throw new Error("Cannot open a split: give the ports an own openSplit");
  }

  spawnPipe(): never {
    throw new Error("Cannot start a child process: give the ports an own spawnPipe");
  }

  log(record: { readonly text: string }): void {
    this.logs.push(record.text);
  }

  report(report: Partial<TaskReport>): void {
    this.lastReport = { ...this.lastReport, ...report };
  }

  assertNoLeak(): void {
    if (this.liveSpillFiles !== 0) throw new Error(`${this.liveSpillFiles} spill files are left`);
    if (this.liveReaders !== 0) throw new Error(`${this.liveReaders} readers are left open`);
  }

  #createSpillFile(): SpillFile {
    const parts: { readonly position: number; readonly bytes: Uint8Array }[] = [];
    let size = 0;
    let isLive = true;
    this.liveSpillFiles++;
    this.createdSpillFiles++;
    return {
      get sizeBytes() {
        return size;
      },
      append(bytes) {
        const position = size;
        parts.push({ position, bytes: bytes.slice() });
        size += bytes.length;
        return position;
      },
      read(position, length) {
        const out = new Uint8Array(length);
        for (const part of parts) {
          const from = Math.max(position, part.position);
          const to = Math.min(position + length, part.position + part.bytes.length);
          if (from < to)
            out.set(part.bytes.subarray(from - part.position, to - part.position), from - position);
        }
        return out;
      },
      delete: () => {
        if (!isLive) throw new Error("Cannot delete a spill file twice");
        isLive = false;
        this.liveSpillFiles--;
      },
    };
  }
}

export function batchesOf(rows: readonly unknown[], maxRows = 1000): Batch[] {
  const batches: Batch[] = [];
  const builder = new BatchBuilder({ maxRows, onBatch: (batch) => void batches.push(batch) });
  for (const row of rows) builder.append(row);
  builder.flush();
  return batches;
}

export function rowsOf(batch: Batch): unknown[] {
  const read = rowReader(batch.column);
  return Array.from({ length: batch.rows }, (_, i) => read(i));
}

/** A context whose counters are kept. */
export function memoryContext(ports: TaskPorts, task = 0): TaskContext & { counters: Map<string, number> } {
  const counters = new Map<string, number>();
  return {
    shard: task,
    shards: 4,
    worker: 0,
    counters,
    log: (text) => ports.log({ level: "info", text }),
    count: (name, by = 1) => void counters.set(name, (counters.get(name) ?? 0) + by),
    sendToDriver: () => Promise.resolve(),
    on: () => undefined,
    signal: ports.signal,
  };
}

/** A graph of unconnected nodes: operators look nodes up by id only. */
export function graphOf(...specs: readonly NodeSpec[]): Graph {
  const nodes: GraphNode[] = specs.map((spec, id) => ({
    id,
    inputs: [],
    callSite: { file: "/home/user/job.ts", line: 10 + id, column: 3 },
    spec,
  }));
  return { flow: "test", nodes, outputs: [] };
}

export function planOf(head: Head, steps: readonly StepPlan[], tail: Tail): TaskGroupPlan {
  return {
    id: 0,
    head,
    steps,
    tail,
    tasks: 4,
    nodes: [0],
    label: "test",
    estimatedBytes: 0,
    needsCommittedInput: false,
  };
}

export const READ: Head = { kind: "read", inputs: [] };

export interface MemoryScopeOptions {
  readonly graph: Graph;
  readonly ports: MemoryPorts;
  readonly plan?: TaskGroupPlan;
  readonly task?: number;
  readonly input?: TaskInput;
}

/** A scope for an operator on its own; the whole budget is its share. */
export function memoryScope(options: MemoryScopeOptions): TaskScope {
  const { graph, ports, task = 0 } = options;
  const context = memoryContext(ports, task);
  const plan = options.plan ?? planOf(READ, [], { kind: "store" });
  return {
    graph,
    ports,
    task,
    context,
    plan,
    input: options.input ?? { pieces: [], sides: {} },
    memoryBytes: ports.memoryBytes,
    totals: { rowsIn: 0, bytesIn: 0, rowsOut: 0, bytesOut: 0, spilledBytes: 0, counters: {}, samples: {} },
    contextOf: () => context,
    settle: () => undefined,
    fail(node, error, row) {
      return failStep({ graph, plan, task }, node, error, row);
    },
  };
}

/** Takes rows and keeps them. */
export class Collector implements Operator {
  readonly rows: unknown[] = [];
  isFinished = false;

  row(row: unknown): void {
    this.rows.push(row);
  }

  batch(batch: Batch): void {
    for (const row of rowsOf(batch)) this.rows.push(row);
  }

  finish(): void {
    this.isFinished = true;
  }
}

/** Feeds rows to an operator, as rows or as batches, finishes and closes it. */
export async function feed(
  operator: Operator,
  rows: readonly unknown[],
  how: "rows" | "batches" = "batches",
  batchRows = 1000,
): Promise<void> {
  try {
    if (how === "rows") for (const row of rows) operator.row(row);
    else for (const batch of batchesOf(rows, batchRows)) operator.batch(batch);
    await operator.finish();
  } finally {
    operator.close?.();
  }
}
