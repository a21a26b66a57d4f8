/**
 * A task in memory for tests of single operators: graph, ports and a collector of rows.
 *
 * It counts open scratch files so that tests can tell leaks. It knows no operator.
 */
import { BatchBuilder } from "../../../../core/batch/batch_builder.ts";
import { decodeItem } from "../../../../core/batch/codec.ts";
import type { Batch } from "../../../../core/batch/column.ts";
import { rowReader } from "../../../../core/batch/row_reader.ts";
import type { TaskContext } from "../../../../core/exec/context.ts";
import type { Operator } from "../../../../core/exec/operator.ts";
import type { BatchReader, ShardWriter, SpillFile, TaskPorts } from "../../../../core/exec/ports.ts";
import { failStep, type TaskScope } from "../../../../core/exec/task_scope.ts";
import type { Graph, NodeSpec } from "../../../../core/graph/node.ts";
import type { ShardPiece, TaskInput } from "../../../../core/plan/physical.ts";
import { type ChunkMark, NO_TOTALS } from "../../../../core/schedule/report.ts";
import { codecPorts } from "../../../../net/codec_ports.ts";

export interface FakeTaskOptions {
  readonly specs?: readonly NodeSpec[];
  readonly memoryBytes?: number;
  readonly input?: Partial<TaskInput>;
  /** Batches of each attempt, by its id. */
  readonly shards?: ReadonlyMap<string, readonly Batch[]>;
  readonly ports?: Partial<TaskPorts>;
  /** Reads of shards wait. */
  readonly isRemote?: boolean;
}

export interface FakeTask {
  readonly scope: TaskScope;
  readonly openFiles: () => number;
  readonly openReaders: () => number;
  readonly context: TaskContext;
}

export function fakeTask(options: FakeTaskOptions = {}): FakeTask {
  const open = { files: 0, readers: 0 };
  const signal = options.ports?.signal ?? new AbortController().signal;
  const context: TaskContext = {
    shard: 3,
    shards: 8,
    worker: 0,
    log: () => undefined,
    count: () => undefined,
    sendToDriver: () => Promise.resolve(),
    on: () => undefined,
    signal,
  };
  const graph: Graph = {
    flow: "test",
    nodes: (options.specs ?? []).map((spec, id) => ({ id, inputs: [], callSite: undefined, spec })),
    outputs: [],
  };
  const unused = (name: string) => () => {
    throw new Error(`Cannot call ${name}: the test did not expect it`);
  };
  const ports: TaskPorts = {
    codec: codecPorts,
    spill: { create: () => memoryFile(open) },
    openWriter: unused("openWriter"),
    openSink: unused("openSink"),
    readPiece: (piece) => readShard(open, options, piece),
    openSplit: unused("openSplit"),
    spawnPipe: unused("spawnPipe"),
    log: () => undefined,
    report: () => undefined,
    signal,
    memoryBytes: options.memoryBytes ?? 64 << 20,
    seed: 1,
    ...options.ports,
  };
  const scope: TaskScope = {
    graph,
    plan: {
      id: 0,
      head: { kind: "read", inputs: [] },
      steps: [],
      tail: { kind: "store" },
      tasks: 8,
      nodes: [],
      label: "test",
      estimatedBytes: Number.POSITIVE_INFINITY,
      needsCommittedInput: false,
    },
    task: 3,
    input: { pieces: [], sides: {}, ...options.input },
    context,
    ports,
    memoryBytes: options.memoryBytes ?? 64 << 20,
    totals: { ...NO_TOTALS, counters: {}, samples: {} },
    contextOf: () => context,
    settle: () => undefined,
    fail: (node, error, row) => failStep({ graph, plan: scope.plan, task: 3 }, node, error, row),
  };
  return { scope, context, openFiles: () => open.files, openReaders: () => open.readers };
}

function memoryFile(open: { files: number }): SpillFile {
  open.files += 1;
  let isDeleted = false;
  let bytes = new Uint8Array(1 << 16);
  let size = 0;
  return {
    get sizeBytes() {
      return size;
    },
    append(more) {
      if (isDeleted) throw new Error("Cannot append: the file is deleted");
      if (size + more.length > bytes.length) {
        const grown = new Uint8Array(2 * (size + more.length));
        grown.set(bytes);
        bytes = grown;
      }
      bytes.set(more, size);
      size += more.length;
      return size - more.length;
    },
    read(position, length) {
      if (isDeleted) throw new Error("Cannot read: the file is deleted");
      return bytes.slice(position, position + length);
    },
    delete() {
      if (isDeleted) throw new Error("Cannot delete: the file is deleted");
      isDeleted = true;
      open.files -= 1;
    },
  };
}

function readShard(open: { readers: number }, options: FakeTaskOptions, piece: ShardPiece): BatchReader {
  const all = options.shards?.get(piece.attempt);
  if (all === undefined) throw new Error(`Cannot read ${piece.attempt}: no such attempt`);
  const batches = piece.chunks === undefined ? all : all.slice(piece.chunks.from, piece.chunks.to);
  let at = 0;
  let isOpen = true;
  open.readers += 1;
  return {
    next: () => (options.isRemote ? Promise.resolve(batches[at++]) : batches[at++]),
    close: () => {
      if (isOpen) open.readers -= 1;
      isOpen = false;
    },
  };
}

export function pieceOf(attempt: string, chunks?: { from: number; to: number }): ShardPiece {
  return { agent: "a", attempt, partition: 0, isCommitted: true, chunks };
}

/** Rows in batches of some length, with the shapes that real tasks make. */
export function batchesOf(rows: readonly unknown[], batchRows = 1000): Batch[] {
  const batches: Batch[] = [];
  const builder = new BatchBuilder({ maxRows: batchRows, onBatch: (batch) => batches.push(batch) });
  for (const row of rows) builder.append(row);
  builder.flush();
  return batches;
}

export function rowsOf(batches: readonly Batch[]): unknown[] {
  return batches.flatMap((batch) => {
    const read = rowReader(batch.column);
    return Array.from({ length: batch.rows }, (_, i) => read(i));
  });
}

/** Collects what reaches the end of a task. */
export class Collector implements Operator {
  readonly rows: unknown[] = [];
  readonly batches: Batch[] = [];
  finishes = 0;

  row(row: unknown): void {
    this.rows.push(row);
  }

  batch(batch: Batch): void {
    this.batches.push(batch);
    this.rows.push(...rowsOf([batch]));
  }

  finish(): void {
    this.finishes += 1;
  }
}

/** Keeps what a tail writes. */
export class MemoryWriter implements ShardWriter {
  readonly batches: Batch[] = [];
  readonly marks: ChunkMark[] = [];
  readonly sizes: number[] = [];

  write(partition: number, item: Uint8Array, rows: number, mark?: ChunkMark): void {
    const decoded = decodeItem(item.slice(), codecPorts);
    if (partition !== 0 || decoded.kind !== "batch" || decoded.batch.rows !== rows || mark === undefined) {
      throw new Error(`Cannot keep a chunk: partition ${partition}, ${rows} rows`);
    }
    this.batches.push(decoded.batch);
    this.marks.push(mark);
    this.sizes.push(item.length);
  }
}
