/**
 * Numbers keys densely, in order of first insertion, and compares them by value.
 *
 * Begins with the form that fits the first key (strings, numbers, arrays of a few items) and changes to the general
 * one when a key of another type comes; entry numbers stay. Never holds on to the user's values.
 */
import { type Column, isPresent, type StringColumn } from "../batch/column.ts";
import { rowReader } from "../batch/row_reader.ts";
import { ArenaKeys } from "./arena_keys.ts";
import { hashColumn, hashValue } from "./hash.ts";
import { HashIndex, WARM_ROWS } from "./hash_index.ts";
import { NumberKeys } from "./number_keys.ts";
import { TextKeys } from "./text_keys.ts";
import { RUN_ROWS, TextRuns } from "./text_runs.ts";
import { TupleKeys } from "./tuple_keys.ts";

export class KeyTable {
  #index = new HashIndex();
  #hashes = new Uint32Array(0);
  /** At most one of the four is set: none before the first key. */
  #texts: TextKeys | undefined;
  #numbers: NumberKeys | undefined;
  #tuples: TupleKeys | undefined;
  #others: ArenaKeys | undefined;

  /** Number of keys. */
  get size(): number {
    return (this.#texts ?? this.#numbers ?? this.#tuples ?? this.#index).size;
  }

  /** Bytes of memory that are taken. */
  get sizeBytes(): number {
    return this.#index.sizeBytes + (this.#keys?.sizeBytes ?? 0);
  }

  /** The entry of a key; new exactly when it equals the size before. @throws {TypeError} If it is no key. */
  add(key: unknown): number {
    if (this.size === 0) this.#begin(Array.isArray(key) ? "tuple" : typeof key, key);
    if (this.#texts !== undefined && typeof key === "string") {
      const entry = this.#texts.text(key, true);
      if (entry >= 0) return entry;
    }
    if (this.#numbers !== undefined && typeof key === "number") return this.#numbers.add(key);
    if (this.#tuples?.takesValue(key)) return this.#tuples.add(key);
    const hash = hashValue(key);
    return this.#general().value(key, hash, true);
  }

  /** The entry of row i of a column, whose hash is known of hashColumn. */
  addAt(column: Column, i: number, hash: number): number {
    if (this.size === 0)
      this.#begin(
        isPresent(column, i) ? column.kind : "null",
        column.kind === "tuple" ? column.columns : undefined,
      );
    if (column.kind === "string" && this.#texts !== undefined && isPresent(column, i)) {
      return this.#texts.range(column.bytes, column.offsets[i], column.offsets[i + 1], hash, true);
    }
    if (column.kind === "number" && this.#numbers !== undefined && isPresent(column, i)) {
      return this.#numbers.add(column.values[i]);
    }
    if (column.kind === "any") return this.add(column.values[i]);
    if (this.#tuples !== undefined) return this.add(rowReader(column)(i));
    return this.#general().row(column, i, hash, true);
  }

  /** The entries of all rows of a column: addAt for each, but faster for many keys. */
  addColumn(column: Column, entries: Uint32Array): void {
    if (this.size === 0 && column.length > 0) this.#beginWith(column);
    if (this.#tuples !== undefined) this.#addTuples(this.#tuples, column, entries);
    else if (this.#numbers !== undefined && isPlainNumbers(column)) {
      this.#numbers.addAll(column.values, column.length, entries);
    } else if (column.kind === "string" && column.validity === undefined) {
      this.addTexts(column, entries);
    } else this.#addHashed(column, this.#hashed(column), entries);
  }

  #addTuples(tuples: TupleKeys, column: Column, entries: Uint32Array): void {
    if (tuples.takes(column)) {
      tuples.addColumn(column, entries);
      return;
    }
    const read = rowReader(column);
    for (let i = 0; i < column.length; i++) entries[i] = this.add(read(i));
  }

  #addHashed(column: Column, hashes: Uint32Array, entries: Uint32Array): void {
    for (let start = 0; start < column.length; start += WARM_ROWS) {
      const end = Math.min(column.length, start + WARM_ROWS);
      this.#others?.warm(hashes, start, end);
      for (let i = start; i < end; i++) entries[i] = this.addAt(column, i, hashes[i]);
    }
  }

  /**
   * The entries of strings that lie in a column of their own, all present: addColumn without the question
   * what else a row may be.
   */
  addTexts(column: StringColumn, entries: Uint32Array): void {
    if (this.size === 0 && column.length > 0) this.#begin("string");
    const texts = this.#texts;
    if (texts === undefined) {
      this.#addHashed(column, this.#hashed(column), entries);
      return;
    }
    for (let start = 0; start < column.length; start += RUN_ROWS) {
      RUNS.fill(column, start, Math.min(column.length, start + RUN_ROWS));
      texts.enter(RUNS, entries, start);
    }
  }

  /** The entries of a block of strings. */
  addRuns(runs: TextRuns, entries: Uint32Array): void {
    if (this.size === 0 && runs.rows > 0) this.#begin("string");
    if (this.#texts !== undefined) this.#texts.enter(runs, entries, 0);
    else this.addTexts(runs.column(), entries);
  }

  /** The entry of a key; -1 when it is absent. */
  find(key: unknown): number {
    if (this.#texts !== undefined)
      return typeof key === "string" ? Math.max(-1, this.#texts.text(key, false)) : -1;
    if (this.#numbers !== undefined) return typeof key === "number" ? this.#numbers.find(key) : -1;
    if (this.#tuples !== undefined) return this.#tuples.takesValue(key) ? this.#tuples.find(key) : -1;
    return this.#others?.value(key, hashValue(key), false) ?? -1;
  }

  /** The entry of row i of a column; -1 when it is absent. */
  findAt(column: Column, i: number, hash: number): number {
    if (column.kind === "any") return this.find(column.values[i]);
    if (this.#tuples !== undefined) return this.find(rowReader(column)(i));
    if (this.#others !== undefined) return this.#others.row(column, i, hash, false);
    if (!isPresent(column, i)) return -1;
    if (this.#texts !== undefined && column.kind === "string") {
      return this.#texts.range(column.bytes, column.offsets[i], column.offsets[i + 1], hash, false);
    }
    return this.#numbers !== undefined && column.kind === "number"
      ? this.#numbers.find(column.values[i])
      : -1;
  }

  /** The entries + 1 of all rows of a column; 0 where a key is absent. */
  findColumn(column: Column, found: Uint32Array): void {
    if (this.#numbers !== undefined && isPlainNumbers(column)) {
      this.#numbers.findAll(column.values, column.length, found);
      return;
    }
    if (this.#texts !== undefined && column.kind === "string" && column.validity === undefined) {
      for (let start = 0; start < column.length; start += RUN_ROWS) {
        RUNS.fill(column, start, Math.min(column.length, start + RUN_ROWS));
        this.#texts.find(RUNS, found, start);
      }
      return;
    }
    if (this.#tuples !== undefined) {
      this.#findTuples(this.#tuples, column, found);
      return;
    }
    const hashes = this.#hashed(column);
    for (let start = 0; start < column.length; start += WARM_ROWS) {
      const end = Math.min(column.length, start + WARM_ROWS);
      this.#others?.warm(hashes, start, end);
      for (let i = start; i < end; i++) found[i] = this.findAt(column, i, hashes[i]) + 1;
    }
  }

  #findTuples(tuples: TupleKeys, column: Column, found: Uint32Array): void {
    if (tuples.takes(column)) {
      tuples.findColumn(column, found);
      return;
    }
    const read = rowReader(column);
    for (let i = 0; i < column.length; i++) found[i] = this.find(read(i)) + 1;
  }

  /** The key of an entry. */
  key(entry: number): unknown {
    return this.#keys?.key(entry);
  }

  /** The hash of an entry's key. */
  hash(entry: number): number {
    return (this.#texts ?? this.#numbers ?? this.#tuples)?.hash(entry) ?? this.#index.hashes[entry];
  }

  /** The keys of some entries, in that order. */
  keyColumn(entries: Uint32Array): Column {
    return this.#keys?.column(entries) ?? { kind: "null", length: 0, absent: "null" };
  }

  /** Forgets all keys and gives their memory back. */
  clear(): void {
    this.#index = new HashIndex();
    this.#texts = undefined;
    this.#numbers = undefined;
    this.#tuples = undefined;
    this.#others = undefined;
  }

  #hashed(column: Column): Uint32Array {
    if (this.#hashes.length < column.length) this.#hashes = new Uint32Array(column.length);
    return hashColumn(column, this.#hashes);
  }

  get #keys(): TextKeys | NumberKeys | TupleKeys | ArenaKeys | undefined {
    return this.#texts ?? this.#numbers ?? this.#tuples ?? this.#others;
  }

  #beginWith(column: Column): void {
    if (!isPresent(column, 0)) this.#begin("null");
    else if (column.kind === "tuple") this.#begin("tuple", column.columns);
    else this.#begin(column.kind);
  }

  /** Chooses the form by the type of the first key, or by the kind of its column; arrays come with their items. */
  #begin(type: string, items?: unknown): void {
    this.#texts = type === "string" ? new TextKeys() : undefined;
    this.#numbers = type === "number" ? new NumberKeys(this.#index) : undefined;
    const count = type === "tuple" && Array.isArray(items) ? items.length : 0;
    const isTuple = count >= 2 && count <= MAX_ITEMS;
    this.#tuples = isTuple ? new TupleKeys(Array.from({ length: count }, () => new KeyTable())) : undefined;
    this.#others = undefined;
  }

  /** The general form; keys that are there move into it. */
  #general(): ArenaKeys {
    if (this.#others !== undefined) return this.#others;
    const others = new ArenaKeys(this.#index);
    this.#numbers?.useIndex();
    const hashed = this.#texts ?? this.#tuples;
    for (let entry = 0; entry < (hashed?.size ?? 0); entry++) this.#index.add(this.hash(entry));
    for (let entry = 0; entry < this.size; entry++) others.adopt(entry, this.key(entry));
    this.#texts = undefined;
    this.#numbers = undefined;
    this.#tuples = undefined;
    this.#others = others;
    return others;
  }
}

/** Arrays of more items are keys of the general form. */
const MAX_ITEMS = 8;
/** Filled and used up at once, so all tables share it. */
const RUNS = new TextRuns();

function isPlainNumbers(column: Column): column is Column & { readonly kind: "number" } {
  return column.kind === "number" && column.validity === undefined;
}
