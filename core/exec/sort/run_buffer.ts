/**
 * Rows of a sort that are held in memory until they are sorted.
 *
 * Batches stay as they came, single rows become columns; sorting orders row
 * numbers by the key column, and records are moved once, chunk by chunk. It knows
 * neither where sorted chunks go nor what makes the buffer full.
 */
import { BatchBuilder } from "../../batch/batch_builder.ts";
import type { Batch, Column } from "../../batch/column.ts";
import { columnBytes, concatColumns, gather, sliceColumn } from "../../batch/gather.ts";
import { tupleBatch } from "../../batch/make.ts";
import { rowReader } from "../../batch/row_reader.ts";
import { sortIndices } from "../../key/compare_columns.ts";
import { mergeSortIndices } from "./merge_sort.ts";
import type { SortKeys } from "./sort_keys.ts";

/** Row numbers, sorted row numbers and what sorting needs beside: per row. */
const ROW_OVERHEAD_BYTES = 24;
/** Offsets of a column are 32-bit, and concatenated columns must fit. */
const MAX_HELD_BYTES = 1 << 30;
const MAX_PART_BYTES = 1 << 20;
const CHUNK_ROWS = 8192;
const CHUNK_BYTES = 256 << 10;
/** A small run still has this many chunks, so that its marks are samples enough to cut it by. */
const MIN_CHUNKS = 64;
const MIN_CHUNK_ROWS = 64;

/** Collects rows up to a limit. */
export class RunBuffer {
  readonly #keys: SortKeys;
  readonly #limitBytes: number;
  readonly #rowBuilder: BatchBuilder;
  readonly #keyBuilder: BatchBuilder;
  #parts: Column[] = [];
  #keyParts: Column[] = [];
  #heldBytes = 0;
  #rows = 0;

  /** @param memoryBytes all that collecting and sorting may take; moving the records doubles them. */
  constructor(keys: SortKeys, memoryBytes: number) {
    this.#keys = keys;
    // User code compares rows as values, which are several times larger than columns.
    const limitBytes = memoryBytes / (keys.compare === undefined ? 2 : 6);
    this.#limitBytes = Math.min(limitBytes, MAX_HELD_BYTES);
    const maxBytes = Math.max(1, Math.min(MAX_PART_BYTES, Math.floor(this.#limitBytes / 4)));
    this.#rowBuilder = new BatchBuilder({
      maxBytes,
      onBatch: ({ column }) => this.#hold(this.#parts, column),
    });
    this.#keyBuilder = new BatchBuilder({
      maxBytes,
      onBatch: ({ column }) => this.#hold(this.#keyParts, column),
    });
  }

  get rows(): number {
    return this.#rows;
  }

  /** True when what is held must be sorted and taken away. */
  get isFull(): boolean {
    return this.#heldBytes >= this.#limitBytes;
  }

  /** Bytes that `take` lets go of, the copies included that it makes. */
  get sizeBytes(): number {
    return 2 * this.#heldBytes;
  }

  row(row: unknown): void {
    if (this.#keys.isComputed) this.#appendKey(this.#keys.keyOf(row));
    this.#rowBuilder.append(row);
    this.#rows += 1;
  }

  batch(batch: Batch): void {
    this.#flushBuilders();
    if (this.#keys.isComputed) this.#hold(this.#keyParts, this.#keys.keyColumn(batch.column));
    this.#hold(this.#parts, batch.column);
    this.#rows += batch.rows;
  }

  /** Sorts what is held and forgets it. */
  take(): SortedRun {
    this.#flushBuilders();
    const column = concatColumns(this.#parts);
    this.#parts = [];
    const keys = this.#keys.isComputed ? concatColumns(this.#keyParts) : this.#keys.keyColumn(column);
    this.#keyParts = [];
    this.#heldBytes = 0;
    this.#rows = 0;
    return new SortedRun(column, keys, this.#order(keys));
  }

  #order(keys: Column): Uint32Array {
    const { compare, descending } = this.#keys;
    if (compare === undefined) return sortIndices(keys, descending);
    const read = rowReader(keys);
    const values = new Array<unknown>(keys.length);
    for (let i = 0; i < values.length; i += 1) values[i] = read(i);
    return mergeSortIndices(values, compare);
  }

  #appendKey(key: unknown): void {
    try {
      this.#keyBuilder.append(key);
    } catch (error) {
      this.#keys.refuse(error);
    }
  }

  #flushBuilders(): void {
    this.#keyBuilder.flush();
    this.#rowBuilder.flush();
  }

  #hold(parts: Column[], column: Column): void {
    if (column.length === 0) return;
    parts.push(column);
    this.#heldBytes += columnBytes(column);
    if (parts === this.#parts) this.#heldBytes += column.length * ROW_OVERHEAD_BYTES;
  }
}

/** Rows with their order: chunks are gathered when they are asked for. */
export class SortedRun {
  readonly rows: number;
  readonly #column: Column;
  readonly #keys: Column;
  readonly #order: Uint32Array;

  constructor(column: Column, keys: Column, order: Uint32Array) {
    this.rows = order.length;
    this.#column = column;
    this.#keys = keys;
    this.#order = order;
  }

  /** Rows [from, to) of the sorted run. */
  chunk(from: number, to: number): Batch {
    return { rows: to - from, column: gather(this.#column, this.#order.subarray(from, to)) };
  }

  /** The same rows as [key, row] pairs. */
  keyedChunk(from: number, to: number): Batch {
    const indices = this.#order.subarray(from, to);
    return tupleBatch([gather(this.#keys, indices), gather(this.#column, indices)], to - from);
  }

  keyAt(i: number): unknown {
    const at = this.#order[i];
    return rowReader(sliceColumn(this.#keys, at, at + 1))(0);
  }

  /** Rows of a chunk, by the mean size of a row. */
  get chunkRows(): number {
    const bytes = columnBytes(this.#column) + columnBytes(this.#keys);
    const bySize = Math.floor((CHUNK_BYTES * this.rows) / Math.max(1, bytes));
    const bySamples = Math.max(MIN_CHUNK_ROWS, Math.ceil(this.rows / MIN_CHUNKS));
    return Math.max(1, Math.min(bySize, bySamples, CHUNK_ROWS));
  }

  /** Gives the run chunk by chunk. */
  forEachChunk(isKeyed: boolean, take: (batch: Batch, from: number) => void): void {
    const step = this.chunkRows;
    for (let from = 0; from < this.rows; from += step) {
      const to = Math.min(from + step, this.rows);
      take(isKeyed ? this.keyedChunk(from, to) : this.chunk(from, to), from);
    }
  }
}
