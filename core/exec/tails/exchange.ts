/**
 * Tails that deal rows out to partitions: by hash of the key, by the user's function, in turn.
 *
 * Batches are held until their bytes reach one bound for all partitions together,
 * then sorted by partition in one go. So a thousand partitions take no more
 * memory than one. Rows of one partition keep their order.
 */
import { BatchBuilder } from "../../batch/batch_builder.ts";
import { CborWriter } from "../../batch/cbor_writer.ts";
import { encodeBatch } from "../../batch/codec.ts";
import type { Batch, Column } from "../../batch/column.ts";
import { columnBytes, concatColumns, gather } from "../../batch/gather.ts";
import { canPick, PickedBatch } from "../../batch/picks.ts";
import { rowReader } from "../../batch/row_reader.ts";
import { LucioleError } from "../../errors.ts";
import { hashColumn } from "../../key/hash.ts";
import type { Tail } from "../../plan/physical.ts";
import { pairColumns, pairOf } from "../keyed/pair_columns.ts";
import { GrowingNumbers, scatter } from "../keyed/scatter.ts";
import type { Operator } from "../operator.ts";
import type { ShardWriter } from "../ports.ts";
import { nodeOf, type TaskScope } from "../task_scope.ts";

export type ExchangeTail = Tail & { readonly kind: "hash" | "function" | "roundRobin" };

/** Fills in the partition of each row. */
type Assign = (batch: Batch, partitions: Uint32Array) => void;

export function createExchange(scope: TaskScope, tail: ExchangeTail, writer: ShardWriter): Operator {
  switch (tail.kind) {
    case "hash":
      return new Exchange(scope, tail, writer, assignByHash(tail));
    case "function":
      return new Exchange(scope, tail, writer, assignByFunction(scope, tail));
    case "roundRobin":
      return new Exchange(scope, tail, writer, assignInTurn(scope, tail));
  }
}

const PARTITION_BYTES = 1 << 20;
const MIN_HELD_BYTES = 8 << 20;
/** Offsets of a column are 32-bit, and what is held becomes one column. */
const MAX_HELD_BYTES = 1 << 30;
const MAX_CHUNK_ROWS = 1 << 16;
/** All rows come from the first of the columns. */
const FIRST = new Uint32Array(MAX_CHUNK_ROWS);
const FIRST_SCRATCH_BYTES = 4096;

class Exchange implements Operator {
  readonly #scope: TaskScope;
  readonly #tail: ExchangeTail;
  readonly #writer: ShardWriter;
  readonly #assign: Assign;
  readonly #maxBytes: number;
  readonly #builder = new BatchBuilder({ onBatch: (batch) => this.#hold(batch) });
  readonly #partitions = new GrowingNumbers();
  readonly #scratch = new CborWriter(FIRST_SCRATCH_BYTES);
  #held: Column[] = [];
  #heldBytes = 0;
  #rows = 0;

  constructor(scope: TaskScope, tail: ExchangeTail, writer: ShardWriter, assign: Assign) {
    this.#scope = scope;
    this.#tail = tail;
    this.#writer = writer;
    this.#assign = assign;
    // Held rows are copied once more while they are sorted, hence the half.
    this.#maxBytes = Math.min(
      scope.memoryBytes / 2,
      MAX_HELD_BYTES,
      Math.max(MIN_HELD_BYTES, tail.partitions * PARTITION_BYTES),
    );
  }

  row(row: unknown): void {
    try {
      this.#builder.append(this.#tail.kind === "hash" && this.#tail.key === "pair" ? pairOf(row) : row);
    } catch (error) {
      this.#fail(error);
    }
  }

  batch(batch: Batch): void {
    this.#builder.flush();
    if (batch.rows > 0) this.#hold(batch);
  }

  flush(): void {
    this.#builder.flush();
    this.#flush();
  }

  finish(): void {
    this.flush();
  }

  drained(): Promise<void> | undefined {
    return this.#writer.drained?.();
  }

  close(): void {
    this.#held = [];
    this.#partitions.clear();
  }

  #hold(batch: Batch): void {
    try {
      this.#assign(batch, this.#partitions.extend(batch.rows));
    } catch (error) {
      this.#fail(error);
    }
    this.#rows += batch.rows;
    this.#held.push(batch.column);
    this.#heldBytes += columnBytes(batch.column) + 4 * batch.rows;
    if (this.#heldBytes >= this.#maxBytes) this.#flush();
  }

  #flush(): void {
    if (this.#held.length === 0) return;
    const column = concatColumns(this.#held);
    const { order, starts } = scatter(this.#partitions.view(), column.length, this.#tail.partitions);
    const step = Math.max(
      1,
      Math.min(MAX_CHUNK_ROWS, Math.floor((PARTITION_BYTES * column.length) / this.#heldBytes)),
    );
    this.#held = [];
    this.#heldBytes = 0;
    this.#partitions.clear();
    const sources = [column];
    const isPicked = canPick(sources);
    for (let partition = 0; partition < this.#tail.partitions; partition++) {
      const end = starts[partition + 1];
      for (let from = starts[partition]; from < end; from += step) {
        const rows = Math.min(step, end - from);
        const places = order.subarray(from, from + rows);
        const chunk = isPicked
          ? new PickedBatch({ sources, choices: FIRST.subarray(0, rows), rows: places })
          : { rows, column: gather(column, places) };
        this.#writer.write(partition, encodeBatch(chunk, this.#scope.ports.codec, this.#scratch), rows);
      }
    }
  }

  /** Blames the step that needs the exchange, or the one that made rows that cannot be stored. */
  #fail(error: unknown): never {
    const { nodes } = this.#scope.plan;
    const last = nodes[nodes.length - 1];
    const isStorable = !(error instanceof LucioleError);
    const node = isStorable && this.#tail.kind !== "roundRobin" ? (this.#tail.node ?? last) : last;
    const row = error instanceof RowError ? this.#rows + error.row : undefined;
    this.#scope.fail(node, error instanceof RowError ? error.cause : error, row);
  }
}

/** Says which row of the batch the user's function failed on. */
class RowError extends Error {
  readonly row: number;

  constructor(row: number, cause: unknown) {
    super("row", { cause });
    this.row = row;
  }
}

function assignByHash(tail: Tail & { readonly kind: "hash" }): Assign {
  return (batch, partitions) => {
    hashColumn(tail.key === "pair" ? pairColumns(batch).keys : batch.column, partitions);
    const isPower = (tail.partitions & (tail.partitions - 1)) === 0;
    const mask = tail.partitions - 1;
    // Dividing takes longer than all the rest of it.
    if (isPower) for (let i = 0; i < batch.rows; i++) partitions[i] &= mask;
    else for (let i = 0; i < batch.rows; i++) partitions[i] %= tail.partitions;
  };
}

function assignByFunction(scope: TaskScope, tail: Tail & { readonly kind: "function" }): Assign {
  const { spec } = nodeOf(scope.graph, tail.node);
  if (spec.kind !== "partitionBy")
    throw new RangeError(`Cannot partition by a ${spec.kind}: node ${tail.node}`);
  return (batch, partitions) => {
    const read = rowReader(batch.column);
    for (let i = 0; i < batch.rows; i++) {
      try {
        partitions[i] = checkPartition(spec.fn(read(i), scope.context), tail.partitions);
      } catch (error) {
        throw new RowError(i, error);
      }
    }
  };
}

function checkPartition(value: unknown, partitions: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < partitions) return value;
  throw new RangeError(
    `Cannot place a row: the function must return a whole number from 0 to ${partitions - 1}: got ${String(value)}`,
  );
}

/** Begins at the number of the task, so that many small shards do not all fill the first partitions. */
function assignInTurn(scope: TaskScope, tail: Tail & { readonly kind: "roundRobin" }): Assign {
  let partition = scope.task % tail.partitions;
  return (batch, partitions) => {
    for (let i = 0; i < batch.rows; i++) {
      partitions[i] = partition;
      partition = partition + 1 === tail.partitions ? 0 : partition + 1;
    }
  };
}
