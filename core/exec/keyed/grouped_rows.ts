/**
 * Values kept as columns beside the entry number of their key, and taken out key by key.
 *
 * The keys themselves lie in a key table of the caller. Values of one key keep
 * the order in which they came.
 */
import type { Column, ListColumn } from "../../batch/column.ts";
import { columnBytes, concatColumns, gather, sliceColumn } from "../../batch/gather.ts";
import { columnOf, tupleBatch } from "../../batch/make.ts";
import type { KeyTable } from "../../key/key_table.ts";
import { GrowingNumbers, scatter } from "./scatter.ts";

/** Rows that are put aside together: enough for each part of them to be a good chunk. */
const PIECE_BYTES = 8 << 20;

export class GroupedRows {
  readonly #entries = new GrowingNumbers();
  #columns: Column[] = [];
  /** Bytes of the keys that came with each of the columns. */
  #keyBytes: number[] = [];
  #sizeBytes = 0;

  /** Bytes of the values, counted twice because taking them out copies them. */
  get sizeBytes(): number {
    return 2 * this.#sizeBytes + 8 * this.#entries.length;
  }

  /** Enters the keys into the table and keeps the values. */
  add(table: KeyTable, keys: Column, values: Column): void {
    const rows = keys.length;
    table.addColumn(keys, this.#entries.extend(rows));
    this.#columns.push(values);
    this.#keyBytes.push(columnBytes(keys));
    this.#sizeBytes += columnBytes(values);
  }

  /** All values, key after key in the order of the entries, and where each key's begin. */
  sorted(entryCount: number): { readonly values: Column; readonly starts: Uint32Array } {
    const entries = this.#entries.view();
    // Every key came once, and in the order of the entries.
    if (entryCount === entries.length && isCounting(entries)) {
      return { values: this.#all(), starts: entryRange(0, entryCount + 1) };
    }
    const { order, starts } = scatter(entries, entries.length, entryCount);
    return { values: gather(this.#all(), order), starts };
  }

  /**
   * All rows as [key, value] in the order in which they came, and the hashes of their keys. In pieces, as the
   * keys, held once each in the table, may be many times larger when they stand in every row.
   */
  *pairs(table: KeyTable): Generator<{ readonly column: Column; readonly hashes: Uint32Array }> {
    const all = this.#entries.view();
    let held: Column[] = [];
    let bytes = 0;
    let from = 0;
    for (const [i, column] of this.#columns.entries()) {
      held.push(column);
      bytes += columnBytes(column) + this.#keyBytes[i];
      if (bytes < PIECE_BYTES && i + 1 < this.#columns.length) continue;
      const values = concatColumns(held);
      const entries = all.subarray(from, from + values.length);
      const { column: pairs } = tupleBatch([table.keyColumn(entries), values], values.length);
      yield { column: pairs, hashes: entries.map((entry) => table.hash(entry)) };
      from += values.length;
      held = [];
      bytes = 0;
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#columns = [];
    this.#keyBytes = [];
    this.#sizeBytes = 0;
  }

  #all(): Column {
    if (this.#columns.length === 0) return columnOf([]);
    return this.#columns.length === 1 ? this.#columns[0] : concatColumns(this.#columns);
  }
}

/** True for 0, 1, 2, … */
export function isCounting(places: Uint32Array): boolean {
  for (let i = 0; i < places.length; i++) if (places[i] !== i) return false;
  return true;
}

/** The lists of entries [from, to) as a column; `values` and `starts` as `sorted` gives them. */
export function listColumn(values: Column, starts: Uint32Array, from: number, to: number): ListColumn {
  const base = starts[from];
  const offsets = starts.slice(from, to + 1);
  for (let i = 0; i < offsets.length; i++) offsets[i] -= base;
  return { kind: "list", length: to - from, offsets, items: sliceColumn(values, base, starts[to]) };
}

/** Entry numbers from … to - 1. */
export function entryRange(from: number, to: number): Uint32Array {
  const entries = new Uint32Array(to - from);
  for (let i = 0; i < entries.length; i++) entries[i] = from + i;
  return entries;
}

const EMIT_ROWS = 1 << 16;
const EMIT_BYTES = 16 << 20;

/** Rows that make one batch, by their mean size. */
export function rowsOfBatch(rows: number, sizeBytes: number): number {
  return Math.max(1, Math.min(EMIT_ROWS, Math.floor((EMIT_BYTES * rows) / Math.max(1, sizeBytes))));
}

/** End of the run of entries from `from` on that makes one batch: about `most` values, one entry at least. */
export function endOfChunk(
  starts: readonly Uint32Array[],
  from: number,
  entryCount: number,
  most: number,
): number {
  let to = from + 1;
  const base = starts.reduce((sum, each) => sum + each[from], 0);
  while (to < entryCount && to - from < EMIT_ROWS) {
    if (starts.reduce((sum, each) => sum + each[to + 1], 0) - base > most) break;
    to++;
  }
  return to;
}
