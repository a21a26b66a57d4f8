/**
 * Tail "store": all rows into the one partition of the attempt.
 *
 * Batches that are large enough go through as they are; small ones are joined,
 * as every batch costs its readers a fixed effort.
 */
import { BatchBuilder } from "../../batch/batch_builder.ts";
import { encodeBatch } from "../../batch/codec.ts";
import type { Batch } from "../../batch/column.ts";
import { columnBytes, concatColumns } from "../../batch/gather.ts";
import type { Operator } from "../operator.ts";
import type { ShardWriter } from "../ports.ts";
import type { TaskScope } from "../task_scope.ts";

export function createStore(scope: TaskScope, writer: ShardWriter): Operator {
  return new Store(scope, writer);
}

const ENOUGH_ROWS = 1 << 15;
const ENOUGH_BYTES = 1 << 19;

class Store implements Operator {
  readonly #scope: TaskScope;
  readonly #writer: ShardWriter;
  readonly #builder = new BatchBuilder({ onBatch: (batch) => this.#hold(batch) });
  #held: Batch[] = [];
  #heldRows = 0;
  #heldBytes = 0;

  constructor(scope: TaskScope, writer: ShardWriter) {
    this.#scope = scope;
    this.#writer = writer;
  }

  row(row: unknown): void {
    try {
      this.#builder.append(row);
    } catch (error) {
      const { nodes } = this.#scope.plan;
      this.#scope.fail(nodes[nodes.length - 1], error);
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

  #hold(batch: Batch): void {
    const bytes = columnBytes(batch.column);
    const isEnough = batch.rows >= ENOUGH_ROWS || bytes >= ENOUGH_BYTES;
    if (isEnough) this.#flush();
    this.#held.push(batch);
    this.#heldRows += batch.rows;
    this.#heldBytes += bytes;
    if (isEnough || this.#heldRows >= ENOUGH_ROWS || this.#heldBytes >= ENOUGH_BYTES) this.#flush();
  }

  #flush(): void {
    if (this.#held.length === 0) return;
    const column = concatColumns(this.#held.map((batch) => batch.column));
    const rows = this.#heldRows;
    this.#held = [];
    this.#heldRows = 0;
    this.#heldBytes = 0;
    this.#writer.write(0, encodeBatch({ rows, column }, this.#scope.ports.codec), rows);
  }
}
