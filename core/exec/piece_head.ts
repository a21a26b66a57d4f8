/**
 * Reads the pieces of a task's input as batches and pushes them on.
 *
 * The only place that counts rows read from shards. It knows nothing of where a
 * piece lies: the port opens it.
 */

import type { Batch } from "../batch/column.ts";
import { columnBytes } from "../batch/gather.ts";
import type { ShardPiece } from "../plan/physical.ts";
import { pushAll } from "./each_batch.ts";
import type { Operator } from "./operator.ts";
import type { BatchReader } from "./ports.ts";
import type { TaskScope } from "./task_scope.ts";

/** Head "read": pieces of all inputs, one after the other, until no further row matters. */
export async function runPieceHead(scope: TaskScope, next: Operator): Promise<void> {
  const reader = openPieces(scope, scope.input.pieces.flat());
  try {
    await pushAll(scope, reader, next);
  } finally {
    reader.close();
  }
}

/** One reader over pieces in a row; a piece is opened when the one before it has ended. */
export function openPieces(scope: TaskScope, pieces: readonly ShardPiece[]): BatchReader {
  return new PieceReader(scope, pieces);
}

class PieceReader implements BatchReader {
  readonly #scope: TaskScope;
  readonly #pieces: readonly ShardPiece[];
  #place = 0;
  #open: BatchReader | undefined;

  constructor(scope: TaskScope, pieces: readonly ShardPiece[]) {
    this.#scope = scope;
    this.#pieces = pieces;
  }

  next(): Batch | undefined | Promise<Batch | undefined> {
    for (;;) {
      if (this.#open === undefined) {
        if (this.#place >= this.#pieces.length) return undefined;
        this.#open = this.#scope.ports.readPiece(this.#pieces[this.#place++]);
      }
      const read = this.#open.next();
      if (read instanceof Promise) return read.then((batch) => this.#take(batch) ?? this.next());
      const batch = this.#take(read);
      if (batch !== undefined) return batch;
    }
  }

  close(): void {
    this.#open?.close();
    this.#open = undefined;
    this.#place = this.#pieces.length;
  }

  #take(batch: Batch | undefined): Batch | undefined {
    if (batch === undefined) {
      this.#open?.close();
      this.#open = undefined;
      return undefined;
    }
    this.#scope.totals.rowsIn += batch.rows;
    this.#scope.totals.bytesIn += columnBytes(batch.column);
    return batch;
  }
}
