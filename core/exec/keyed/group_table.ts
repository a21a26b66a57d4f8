/**
 * The values of each key of one or two inputs, within a budget.
 *
 * groupByKey has one input, cogroup two; both take [key, value] batches and give
 * [key, lists] batches. What does not fit is put aside on disk, split by key.
 * Keys come in the order of their first appearance, unless some were put aside.
 */
import type { Batch, Column } from "../../batch/column.ts";
import { columnBytes } from "../../batch/gather.ts";
import { tupleBatch } from "../../batch/make.ts";
import { KeyTable } from "../../key/key_table.ts";
import type { TaskScope } from "../task_scope.ts";
import { endOfChunk, entryRange, GroupedRows, listColumn, rowsOfBatch } from "./grouped_rows.ts";
import { type PairColumns, pairColumns } from "./pair_columns.ts";
import { MAX_SPILL_LEVEL, SpillPartitions } from "./spill_partitions.ts";

export class GroupTable {
  readonly #scope: TaskScope;
  readonly #level: number;
  readonly #table = new KeyTable();
  readonly #inputs: readonly GroupedRows[];
  /** One for each input, once anything was put aside. */
  readonly #spilled: SpillPartitions[] = [];
  /** What the table takes when it is empty: putting rows aside cannot make that less. */
  #emptyBytes = 0;

  constructor(scope: TaskScope, inputs: 1 | 2, level = 0) {
    this.#scope = scope;
    this.#level = level;
    this.#inputs = Array.from({ length: inputs }, () => new GroupedRows());
    this.#emptyBytes = this.#sizeBytes;
  }

  /** Takes rows of one of the inputs. */
  add(input: number, { keys, values }: PairColumns): void {
    this.#inputs[input].add(this.#table, keys, values);
    const isTooLarge = this.#table.size > 1 && this.#sizeBytes - this.#emptyBytes > this.#scope.memoryBytes;
    if (isTooLarge) this.#spill();
  }

  /** Emits every key with the lists of its values, and lets the task settle now and then. */
  async drain(onBatch: (batch: Batch) => void): Promise<void> {
    if (this.#spilled.length === 0) return this.#drainHeld(onBatch);
    this.#spill();
    for (let part = 0; part < this.#spilled[0].count; part++) {
      await this.#drainPart(this.#spilled, part, onBatch);
    }
  }

  close(): void {
    this.#clear();
    for (const spilled of this.#spilled.splice(0)) spilled.close();
  }

  get #sizeBytes(): number {
    return this.#inputs.reduce((sum, input) => sum + input.sizeBytes, this.#table.sizeBytes);
  }

  #spill(): void {
    if (this.#level >= MAX_SPILL_LEVEL) return;
    for (const [n, input] of this.#inputs.entries()) {
      this.#spilled[n] ??= new SpillPartitions(this.#scope, this.#level);
      for (const { column, hashes } of input.pairs(this.#table)) this.#spilled[n].add(column, hashes);
    }
    this.#clear();
  }

  async #drainPart(
    spilled: readonly SpillPartitions[],
    part: number,
    onBatch: (batch: Batch) => void,
  ): Promise<void> {
    const inputs = this.#inputs.length === 1 ? 1 : 2;
    const table = new GroupTable(this.#scope, inputs, this.#level + 1);
    try {
      for (const [n, each] of spilled.entries()) {
        const reader = each.reader(part);
        for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
          table.add(n, pairColumns(batch));
          await this.#scope.settle();
        }
      }
      await table.drain(onBatch);
    } finally {
      table.close();
    }
  }

  async #drainHeld(onBatch: (batch: Batch) => void): Promise<void> {
    const count = this.#table.size;
    const sorted = this.#inputs.map((input) => input.sorted(count));
    for (const input of this.#inputs) input.clear();
    const starts = sorted.map((each) => each.starts);
    const valueCount = sorted.reduce((sum, { values }) => sum + values.length, 0);
    const bytes = sorted.reduce((sum, { values }) => sum + columnBytes(values), 0);
    for (let from = 0; from < count; ) {
      const to = endOfChunk(starts, from, count, rowsOfBatch(valueCount, bytes));
      const lists: Column[] = sorted.map((each) => listColumn(each.values, each.starts, from, to));
      const rows = to - from;
      const value = lists.length === 1 ? lists[0] : tupleBatch(lists, rows).column;
      onBatch(tupleBatch([this.#table.keyColumn(entryRange(from, to)), value], rows));
      const waiting = this.#scope.settle();
      if (waiting !== undefined) await waiting;
      from = to;
    }
  }

  #clear(): void {
    const sizeBytes = this.#sizeBytes;
    this.#table.clear();
    for (const input of this.#inputs) input.clear();
    this.#emptyBytes = this.#sizeBytes;
    this.#scope.ports.released?.(sizeBytes);
  }
}
