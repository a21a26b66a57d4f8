/**
 * Keys and their accumulators, within a budget: what does not fit is put aside and merged later.
 *
 * Takes values or accumulators, gives [key, accumulator] batches. Knows nothing
 * of the operator that feeds it.
 */
import type { Batch, Column } from "../../batch/column.ts";
import { tupleBatch } from "../../batch/make.ts";
import type { NodeId } from "../../graph/node.ts";
import { KeyTable } from "../../key/key_table.ts";
import type { TextRuns } from "../../key/text_runs.ts";
import type { Aggregator } from "../aggregator.ts";
import type { TaskScope } from "../task_scope.ts";
import { type Accumulators, accumulatorsOf } from "./accumulators.ts";
import { entryRange, rowsOfBatch } from "./grouped_rows.ts";
import { pairColumns } from "./pair_columns.ts";
import { MAX_SPILL_LEVEL, SpillPartitions } from "./spill_partitions.ts";
import { TextStage } from "./text_stage.ts";

export interface CombineTableOptions {
  readonly scope: TaskScope;
  /** Blamed when merging what was put aside fails. */
  readonly node: NodeId;
  readonly aggregator: Aggregator;
  /** How often the rows were split before. */
  readonly level: number;
}

export class CombineTable {
  readonly #options: CombineTableOptions;
  readonly #scope: TaskScope;
  readonly #aggregator: Aggregator;
  readonly #level: number;
  readonly #table = new KeyTable();
  readonly #stage = new TextStage();
  /** Rows that were taken after the one that `settle` is at. */
  late = 0;
  readonly #accumulators: Accumulators;
  #entries = new Uint32Array(0);
  readonly #single = new Uint32Array(1);
  #recentRows = 0;
  #spilled: SpillPartitions | undefined;
  /** What the tables take when they are empty: putting rows aside cannot make that less. */
  #emptyBytes = 0;

  constructor(options: CombineTableOptions) {
    const { scope, aggregator, level } = options;
    this.#options = options;
    this.#scope = scope;
    this.#aggregator = aggregator;
    this.#level = level;
    this.#accumulators = accumulatorsOf(aggregator);
    this.#emptyBytes = this.#sizeBytes;
  }

  get size(): number {
    return this.#table.size;
  }

  get isTooLarge(): boolean {
    return this.#table.size > 1 && this.#sizeBytes - this.#emptyBytes > this.#scope.memoryBytes;
  }

  /** Row of the last batch that was being worked on. */
  get place(): number {
    return this.#accumulators.place;
  }

  /** Holds a string and its value back until `settle`; false when they cannot be held. */
  hold(key: unknown, value: unknown): boolean {
    return typeof key === "string" && this.#stage.push(key, value);
  }

  /** True when `settle` must be called before more is held back. */
  get isHoldingMuch(): boolean {
    return this.#stage.isFull;
  }

  add(key: unknown, value: unknown): void {
    const entry = this.#table.add(key);
    this.#single[0] = entry;
    this.#recentRows = 0;
    this.#accumulators.add(entry, value);
  }

  /** The entries of the rows that were entered last. */
  get recent(): Uint32Array {
    return this.#recentRows === 0 ? this.#single : this.#entries.subarray(0, this.#recentRows);
  }

  /** The keys of some entries. */
  keys(entries: Uint32Array): Column {
    return this.#table.keyColumn(entries);
  }

  /** Enters what is held back. When a closure throws, `late` tells how many rows came after its row. */
  settle(): void {
    const stage = this.#stage;
    if (stage.rows === 0) return;
    const numbers = stage.numbers();
    const entries = this.#entriesOfStage();
    if (numbers === undefined) this.#addStaged(entries);
    else {
      try {
        this.#accumulators.addColumn(entries, numbers);
      } catch (error) {
        this.late = stage.rows - 1 - this.#accumulators.place;
        throw error;
      }
    }
    stage.clear();
  }

  #entriesOfStage(): Uint32Array {
    const stage = this.#stage;
    const entries = this.#entriesFor(stage.rows);
    const column = stage.column();
    if (column !== undefined) this.#table.addTexts(column, entries);
    else for (let row = 0; row < stage.rows; row++) entries[row] = this.#table.add(stage.text(row));
    return entries;
  }

  #addStaged(entries: Uint32Array): void {
    const { rows, values } = this.#stage;
    for (let i = 0; i < rows; i++) {
      this.late = rows - 1 - i;
      this.#accumulators.add(entries[i], values[i]);
    }
  }

  merge(key: unknown, acc: unknown): void {
    this.#accumulators.merge(this.#table.add(key), acc);
  }

  addColumns(keys: Column, values: Column | undefined): void {
    this.settle();
    this.#accumulators.addColumn(this.#enter(keys), values);
  }

  /** Takes keys without values. */
  addRuns(runs: TextRuns): void {
    this.settle();
    const entries = this.#entriesFor(runs.rows);
    this.#table.addRuns(runs, entries);
    this.#accumulators.addColumn(entries, undefined);
  }

  mergeColumns(keys: Column, accs: Column | undefined): void {
    this.settle();
    this.#accumulators.mergeColumn(this.#enter(keys), accs);
  }

  /** Puts everything aside to make room; false when that would not help any more. */
  spill(): boolean {
    this.settle();
    if (this.#level >= MAX_SPILL_LEVEL) return false;
    this.#spilled ??= new SpillPartitions(this.#scope, this.#level);
    for (const { batch, from } of this.#batches()) {
      const hashes = new Uint32Array(batch.rows);
      for (let i = 0; i < batch.rows; i++) hashes[i] = this.#table.hash(from + i);
      this.#spilled.add(batch.column, hashes);
    }
    this.clear();
    return true;
  }

  /** Emits what is held and forgets it. */
  emit(onBatch: (batch: Batch) => void): void {
    this.settle();
    for (const { batch } of this.#batches()) onBatch(batch);
    this.clear();
  }

  /** Emits the whole result, parts on disk included, and lets the task settle now and then. */
  async drain(onBatch: (batch: Batch) => void): Promise<void> {
    this.settle();
    if (this.#spilled === undefined) {
      for (const { batch } of this.#batches()) {
        onBatch(batch);
        const waiting = this.#scope.settle();
        if (waiting !== undefined) await waiting;
      }
      this.clear();
      return;
    }
    this.spill();
    for (let part = 0; part < this.#spilled.count; part++) {
      await this.#drainPart(this.#spilled, part, onBatch);
    }
  }

  clear(): void {
    this.#stage.clear();
    const sizeBytes = this.#sizeBytes;
    this.#table.clear();
    this.#accumulators.clear();
    this.#emptyBytes = this.#sizeBytes;
    this.#scope.ports.released?.(sizeBytes);
  }

  close(): void {
    this.clear();
    this.#spilled?.close();
    this.#spilled = undefined;
  }

  get #sizeBytes(): number {
    return this.#table.sizeBytes + this.#accumulators.sizeBytes;
  }

  async #drainPart(spilled: SpillPartitions, part: number, onBatch: (batch: Batch) => void): Promise<void> {
    const table = new CombineTable({ ...this.#options, level: this.#level + 1 });
    try {
      const reader = spilled.reader(part);
      for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
        table.#mergeBatch(batch);
        if (table.isTooLarge) table.spill();
        await this.#scope.settle();
      }
      await table.drain(onBatch);
    } finally {
      table.close();
    }
  }

  /** Takes a batch as `emit` makes them. */
  #mergeBatch(batch: Batch): void {
    try {
      if (this.#aggregator.shape === "keys") this.mergeColumns(batch.column, undefined);
      else {
        const { keys, values } = pairColumns(batch);
        this.mergeColumns(keys, values);
      }
    } catch (error) {
      this.#scope.fail(this.#options.node, error);
    }
  }

  #enter(keys: Column): Uint32Array {
    const entries = this.#entriesFor(keys.length);
    this.#table.addColumn(keys, entries);
    return entries;
  }

  #entriesFor(rows: number): Uint32Array {
    this.#recentRows = rows;
    if (this.#entries.length < rows) this.#entries = new Uint32Array(rows);
    return this.#entries.subarray(0, rows);
  }

  *#batches(): Generator<{ readonly batch: Batch; readonly from: number }> {
    const step = rowsOfBatch(this.#table.size, this.#sizeBytes);
    for (let from = 0; from < this.#table.size; from += step) {
      const to = Math.min(from + step, this.#table.size);
      const keys = this.#table.keyColumn(entryRange(from, to));
      const accs = this.#accumulators.column(from, to);
      yield {
        from,
        batch: accs === undefined ? { rows: to - from, column: keys } : tupleBatch([keys, accs], to - from),
      };
    }
  }
}
