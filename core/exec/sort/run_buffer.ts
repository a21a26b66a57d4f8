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
import { canPick, PickedBatch } from "../../batch/picks.ts";
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

/** Keys that are sorted without comparing them one with another. */
const FAST_KEYS: ReadonlySet<Column["kind"]> = new Set(["number", "date", "string", "bytes"]);
/** Shorter rows are moved at once in any order as fast as in two steps. */
const PRESORTED_ROW_BYTES = 32;

/** Rows as they came, or sorted among themselves, with their keys. */
interface Part {
  readonly rows: Column;
  /** Missing when keys are got from the rows. */
  readonly keys: Column | undefined;
}

/** Collects rows up to a limit. */
export class RunBuffer {
  readonly #keys: SortKeys;
  readonly #limitBytes: number;
  readonly #rowBuilder: BatchBuilder;
  readonly #keyBuilder: BatchBuilder;
  #parts: Part[] = [];
  /** Keys of rows that are still in the builder of rows. */
  #newKeys: Column[] = [];
  #heldBytes = 0;
  #rows = 0;

  /** @param memoryBytes all that collecting and sorting may take; moving the records doubles them. */
  constructor(keys: SortKeys, memoryBytes: number) {
    this.#keys = keys;
    // User code compares rows as values, which are several times larger than columns.
    const limitBytes = memoryBytes / (keys.compare === undefined ? 2 : 6);
    this.#limitBytes = Math.min(limitBytes, MAX_HELD_BYTES);
    const maxBytes = Math.max(1, Math.min(MAX_PART_BYTES, Math.floor(this.#limitBytes / 4)));
    this.#rowBuilder = new BatchBuilder({ maxBytes, onBatch: ({ column }) => this.#holdBuilt(column) });
    this.#keyBuilder = new BatchBuilder({ maxBytes, onBatch: ({ column }) => this.#newKeys.push(column) });
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
    if (batch.rows === 0) return;
    this.#rowBuilder.flush();
    const { column } = batch;
    this.#hold(column, this.#keys.isComputed ? this.#keys.keyColumn(column) : undefined);
    this.#rows += batch.rows;
  }

  /** Sorts what is held and forgets it. */
  take(): SortedRun {
    this.#rowBuilder.flush();
    let parts = this.#parts;
    this.#parts = [];
    this.#heldBytes = 0;
    this.#rows = 0;
    const isPicked = parts.length > 1 && canPick(parts.map(({ rows }) => rows));
    const joined = isPicked ? undefined : concatColumns(parts.map(({ rows }) => rows));
    const keys =
      joined === undefined || this.#keys.isComputed
        ? concatColumns(parts.map((part) => part.keys ?? this.#keys.keyColumn(part.rows)))
        : this.#keys.keyColumn(joined);
    if (joined !== undefined) parts = [{ rows: joined, keys }];
    return new SortedRun(
      parts.map(({ rows }) => rows),
      keys,
      this.#order(keys),
    );
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

  /** The builder of rows may have kept its last row: then the last key is not of this part. */
  #holdBuilt(rows: Column): void {
    if (!this.#keys.isComputed) {
      this.#hold(rows, undefined);
      return;
    }
    this.#keyBuilder.flush();
    const keys = concatColumns(this.#newKeys);
    this.#newKeys = keys.length > rows.length ? [sliceColumn(keys, rows.length, keys.length)] : [];
    this.#hold(rows, sliceColumn(keys, 0, rows.length));
  }

  #hold(rows: Column, keys: Column | undefined): void {
    const part = this.#presorted(rows, keys);
    this.#parts.push(part);
    this.#heldBytes += columnBytes(rows) + rows.length * ROW_OVERHEAD_BYTES;
    if (keys !== undefined) this.#heldBytes += columnBytes(keys);
  }

  /**
   * Long rows are sorted while they lie in the cache. The run is then put together from parts that are each read from
   * front to back: rows in any order of a large memory would each wait for it.
   */
  #presorted(rows: Column, keys: Column | undefined): Part {
    const { compare, descending } = this.#keys;
    const isLong = columnBytes(rows) >= PRESORTED_ROW_BYTES * rows.length;
    if (compare !== undefined || !isLong || !canPick([rows])) return { rows, keys };
    const sortedBy = keys ?? this.#keys.keyColumn(rows);
    if (!FAST_KEYS.has(sortedBy.kind)) return { rows, keys };
    const order = sortIndices(sortedBy, descending);
    return { rows: gather(rows, order), keys: keys === undefined ? undefined : gather(keys, order) };
  }
}

/** Rows with their order: chunks are gathered when they are asked for. */
export class SortedRun {
  readonly rows: number;
  readonly #sources: readonly Column[];
  readonly #keys: Column;
  /** Row numbers, counted through all sources. */
  readonly #order: Uint32Array;
  /** The source of each row number; missing when there is one. */
  readonly #sourceOf: Uint16Array | Uint32Array | undefined;
  /** The number of the first row of each source. */
  readonly #firsts: Uint32Array;
  #keyedSources: readonly Column[] | undefined;

  constructor(sources: readonly Column[], keys: Column, order: Uint32Array) {
    this.rows = order.length;
    this.#sources = sources;
    this.#keys = keys;
    this.#order = order;
    this.#firsts = new Uint32Array(sources.length);
    for (let k = 1; k < sources.length; k += 1) this.#firsts[k] = this.#firsts[k - 1] + sources[k - 1].length;
    if (sources.length > 1) this.#sourceOf = this.#numberSources();
  }

  /** Rows [from, to) of the sorted run. */
  chunk(from: number, to: number): Batch {
    return this.#pick(this.#sources, from, to);
  }

  /** The same rows as [key, row] pairs. */
  keyedChunk(from: number, to: number): Batch {
    this.#keyedSources ??= this.#sources.map((rows, k): Column => {
      const first = this.#firsts[k];
      const keys = sliceColumn(this.#keys, first, first + rows.length);
      return { kind: "tuple", length: rows.length, columns: [keys, rows] };
    });
    return this.#pick(this.#keyedSources, from, to);
  }

  keyAt(i: number): unknown {
    const at = this.#order[i];
    return rowReader(sliceColumn(this.#keys, at, at + 1))(0);
  }

  /** Rows of a chunk, by the mean size of a row. */
  get chunkRows(): number {
    const bytes = this.#sources.reduce((sum, each) => sum + columnBytes(each), columnBytes(this.#keys));
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

  #pick(sources: readonly Column[], from: number, to: number): Batch {
    const order = this.#order.subarray(from, to);
    const sourceOf = this.#sourceOf;
    if (sourceOf === undefined) return { rows: order.length, column: gather(sources[0], order) };
    const firsts = this.#firsts;
    const choices = new Uint32Array(order.length);
    const rows = new Uint32Array(order.length);
    for (let i = 0; i < order.length; i += 1) {
      const row = order[i];
      const source = sourceOf[row];
      choices[i] = source;
      rows[i] = row - firsts[source];
    }
    return new PickedBatch({ sources, choices, rows });
  }

  #numberSources(): Uint16Array | Uint32Array {
    const count = this.#sources.length;
    const numbers = count <= 0x10000 ? new Uint16Array(this.rows) : new Uint32Array(this.rows);
    for (let k = 0; k < count; k += 1)
      numbers.fill(k, this.#firsts[k], this.#firsts[k] + this.#sources[k].length);
    return numbers;
  }
}
