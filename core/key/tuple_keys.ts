/**
 * Keys that are arrays of one length: each place has a table of its own, and a key is the numbers of its items there.
 *
 * So keys of a few columns are looked up column by column, and no key is written as bytes. It knows nothing of other
 * types of keys.
 */
import type { Column } from "../batch/column.ts";
import { hashArray } from "./hash.ts";
import { PairNumbers } from "./pair_numbers.ts";

/** What the table of one place does; a key table is one. */
export interface ItemTable {
  readonly sizeBytes: number;
  add(item: unknown): number;
  find(item: unknown): number;
  addColumn(items: Column, entries: Uint32Array): void;
  findColumn(items: Column, found: Uint32Array): void;
  key(entry: number): unknown;
  hash(entry: number): number;
  keyColumn(entries: Uint32Array): Column;
}

export class TupleKeys {
  readonly #items: readonly ItemTable[];
  /** Pairs k numbers the numbers of items 0 … k together with that of item k + 1. */
  readonly #pairs: readonly PairNumbers[];
  readonly #last: PairNumbers;
  #codes = new Uint32Array(0);

  /** @param items Empty tables, two or more, one for each place. */
  constructor(items: readonly ItemTable[]) {
    this.#items = items;
    this.#pairs = items.slice(1).map(() => new PairNumbers());
    this.#last = this.#pairs[items.length - 2];
  }

  get size(): number {
    return this.#last.size;
  }

  get sizeBytes(): number {
    let bytes = this.#codes.byteLength;
    for (const items of this.#items) bytes += items.sizeBytes;
    for (const pairs of this.#pairs) bytes += pairs.sizeBytes;
    return bytes;
  }

  /** Tells whether all rows of a column are keys of this kind. */
  takes(column: Column): column is Column & { readonly kind: "tuple" } {
    return (
      column.kind === "tuple" && column.validity === undefined && column.columns.length === this.#items.length
    );
  }

  /** Tells whether a value is a key of this kind. */
  takesValue(key: unknown): key is readonly unknown[] {
    return Array.isArray(key) && key.length === this.#items.length;
  }

  add(key: readonly unknown[]): number {
    let entry = this.#items[0].add(key[0]);
    for (let k = 1; k < this.#items.length; k++) {
      entry = this.#pairs[k - 1].add(entry, this.#items[k].add(key[k]));
    }
    return entry;
  }

  /** The entry of a key; -1 when it is absent. */
  find(key: readonly unknown[]): number {
    let entry = this.#items[0].find(key[0]);
    for (let k = 1; k < this.#items.length && entry >= 0; k++) {
      const item = this.#items[k].find(key[k]);
      entry = item < 0 ? -1 : this.#pairs[k - 1].find(entry, item);
    }
    return entry;
  }

  addColumn(column: Column & { readonly kind: "tuple" }, entries: Uint32Array): void {
    const codes = this.#codesFor(column.length);
    this.#items[0].addColumn(column.columns[0], entries);
    for (let k = 1; k < this.#items.length; k++) {
      this.#items[k].addColumn(column.columns[k], codes);
      this.#pairs[k - 1].addAll(entries, codes, column.length, entries);
    }
  }

  /** The entries + 1 of all rows of a column; 0 where a key is absent. */
  findColumn(column: Column & { readonly kind: "tuple" }, found: Uint32Array): void {
    const codes = this.#codesFor(column.length);
    this.#items[0].findColumn(column.columns[0], found);
    for (let k = 1; k < this.#items.length; k++) {
      this.#items[k].findColumn(column.columns[k], codes);
      this.#pairs[k - 1].findAll(found, codes, column.length, found);
    }
  }

  key(entry: number): unknown[] {
    return this.#entriesOf(entry).map((item, k) => this.#items[k].key(item));
  }

  hash(entry: number): number {
    return hashArray(this.#entriesOf(entry).map((item, k) => this.#items[k].hash(item)));
  }

  column(entries: Uint32Array): Column {
    const columns: Column[] = [];
    let pairs = entries;
    for (let k = this.#items.length - 1; k > 0; k--) {
      const numbers = this.#pairs[k - 1];
      columns.unshift(this.#items[k].keyColumn(pairs.map((pair) => numbers.second(pair))));
      pairs = pairs.map((pair) => numbers.first(pair));
    }
    columns.unshift(this.#items[0].keyColumn(pairs));
    return { kind: "tuple", length: entries.length, columns };
  }

  /** The entries of a key's items in their tables. */
  #entriesOf(entry: number): number[] {
    const items: number[] = [];
    let pair = entry;
    for (let k = this.#items.length - 1; k > 0; k--) {
      items.unshift(this.#pairs[k - 1].second(pair));
      pair = this.#pairs[k - 1].first(pair);
    }
    items.unshift(pair);
    return items;
  }

  #codesFor(rows: number): Uint32Array {
    if (this.#codes.length < rows) this.#codes = new Uint32Array(rows);
    return this.#codes;
  }
}
