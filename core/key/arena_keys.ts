/**
 * Keys of any type as runs of bytes (key_bytes.ts), one after the other.
 *
 * A key is written behind the last one first, then looked for; when it is found the next key
 * overwrites it.
 */
import { ByteSink } from "../batch/byte_sink.ts";
import type { Column } from "../batch/column.ts";
import { columnOf } from "../batch/make.ts";
import { equalValues } from "./compare.ts";
import { type HashIndex, WARM_ROWS } from "./hash_index.ts";
import { readKey, writeKey, writeKeyAt } from "./key_bytes.ts";

export class ArenaKeys {
  readonly #index: HashIndex;
  readonly #sink = new ByteSink();
  /** Entry e is bytes [offsets[e], offsets[e + 1]). */
  #offsets = new Uint32Array(64);
  readonly #places = new Uint32Array(WARM_ROWS);

  constructor(index: HashIndex) {
    this.#index = index;
  }

  get sizeBytes(): number {
    return this.#sink.bytes.byteLength + this.#offsets.byteLength;
  }

  /**
   * Touches the memory that looking up at most WARM_ROWS hashes will need. The loads of one loop do not
   * depend on each other, so the processor waits for many of them at once.
   */
  warm(hashes: Uint32Array, from: number, to: number): void {
    const { table, size } = this.#index;
    const offsets = this.#offsets;
    const bytes = this.#sink.bytes;
    const places = this.#places;
    for (let i = from; i < to; i++) places[i - from] = table[2 * this.#index.slotOf(hashes[i]) + 1];
    for (let k = 0; k < to - from; k++) places[k] = offsets[Math.min(places[k], size)];
    let touched = 0;
    for (let k = 0; k < to - from; k++) touched += bytes[Math.max(0, places[k] - 1)];
    // Kept, as loads that nothing needs may be left out by the compiler.
    places[0] = touched;
  }

  /** The entry of a key, a new one when `isAdding`; -1 when it is absent. */
  value(key: unknown, hash: number, isAdding: boolean): number {
    const at = this.#offsets[this.#index.size];
    return this.#written(at, writeKey(this.#sink, key, at), hash, isAdding);
  }

  /** The same for row i of a column. */
  row(column: Column, i: number, hash: number, isAdding: boolean): number {
    const at = this.#offsets[this.#index.size];
    return this.#written(at, writeKeyAt(this.#sink, column, i, at), hash, isAdding);
  }

  /** Writes the key of an entry that the index has already; entries come in order. */
  adopt(entry: number, key: unknown): void {
    this.#setEnd(entry, writeKey(this.#sink, key, this.#offsets[entry]));
  }

  key(entry: number): unknown {
    return readKey(this.#sink.bytes, this.#offsets[entry]);
  }

  column(entries: Uint32Array): Column {
    return columnOf(Array.from(entries, (entry) => this.key(entry)));
  }

  #written(at: number, end: number, hash: number, isAdding: boolean): number {
    const found = this.#probe(this.#sink.bytes, at, end, hash);
    if (found >= 0) return found;
    return isAdding ? this.#insert(-1 - found, end, hash) : -1;
  }

  #insert(slot: number, end: number, hash: number): number {
    const entry = this.#index.insert(slot, hash);
    this.#setEnd(entry, end);
    return entry;
  }

  #setEnd(entry: number, end: number): void {
    if (entry + 1 === this.#offsets.length) {
      const grown = new Uint32Array(2 * this.#offsets.length);
      grown.set(this.#offsets);
      this.#offsets = grown;
    }
    this.#offsets[entry + 1] = end;
  }

  /** The entry of bytes [from, to), or -1 - slot of the free slot where they belong. */
  #probe(source: Uint8Array, from: number, to: number, hash: number): number {
    const { table, mask } = this.#index;
    const bytes = this.#sink.bytes;
    const offsets = this.#offsets;
    for (let slot = this.#index.slotOf(hash); ; slot = (slot + 1) & mask) {
      const entry = table[2 * slot + 1] - 1;
      if (entry < 0) return -1 - slot;
      if (table[2 * slot] !== hash) continue;
      let at = offsets[entry];
      let i = from;
      if (offsets[entry + 1] - at === to - from) {
        while (i < to && bytes[at] === source[i]) {
          at++;
          i++;
        }
        if (i === to) return entry;
      }
      if (this.#isEqual(entry, source, from)) return entry;
    }
  }

  /** Equal hashes but other bytes: chance, or an object whose properties are in another order. */
  #isEqual(entry: number, source: Uint8Array, from: number): boolean {
    return equalValues(this.key(entry), readKey(source, from));
  }
}
