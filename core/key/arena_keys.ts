/**
 * Keys as runs of bytes, one after the other: strings as UTF-8, or keys of any type (key_bytes.ts).
 *
 * A key is written behind the last one first, then looked for; when it is found the next key
 * overwrites it.
 */
import { ByteSink } from "../batch/byte_sink.ts";
import type { Column, StringColumn } from "../batch/column.ts";
import { gather } from "../batch/gather.ts";
import { columnOf } from "../batch/make.ts";
import { textOf } from "../batch/text.ts";
import { equalValues } from "./compare.ts";
import { type HashIndex, WARM_ROWS } from "./hash_index.ts";
import { readKey, writeKey, writeKeyAt } from "./key_bytes.ts";
import { hashBytes } from "./murmur.ts";

export class ArenaKeys {
  readonly isText: boolean;
  readonly #index: HashIndex;
  readonly #sink = new ByteSink();
  /** Entry e is bytes [offsets[e], offsets[e + 1]). */
  #offsets = new Uint32Array(64);
  readonly #places = new Uint32Array(WARM_ROWS);

  constructor(index: HashIndex, isText: boolean) {
    this.#index = index;
    this.isText = isText;
  }

  get sizeBytes(): number {
    return this.#sink.bytes.byteLength + this.#offsets.byteLength;
  }

  /** The entry of a string among strings, a new one when `isAdding`; -2 when it has lone surrogates. */
  text(key: string, isAdding: boolean): number {
    const at = this.#offsets[this.#index.size];
    const end = this.#sink.writeString(key, at);
    if (end < 0) return -2;
    return this.#written(at, end, hashBytes(this.#sink.bytes, at, end, 0), isAdding);
  }

  /** The same for bytes [from, to) of a string column. */
  range(source: Uint8Array, from: number, to: number, hash: number, isAdding: boolean): number {
    const found = this.#probe(source, from, to, hash);
    if (found >= 0) return found;
    if (!isAdding) return -1;
    const end = this.#sink.writeBytes(source, from, to, this.#offsets[this.#index.size]);
    return this.#insert(-1 - found, end, hash);
  }

  /**
   * The entries of rows [from, to) of a column of strings, all present, among strings: `range` with isAdding for
   * each, but comparing four bytes at a time.
   */
  addRuns(column: StringColumn, hashes: Uint32Array, from: number, to: number, entries: Uint32Array): void {
    const { bytes, offsets } = column;
    const view = viewOf(bytes);
    this.warm(hashes, from, to);
    let own = viewOf(this.#sink.bytes);
    for (let i = from; i < to; i++) {
      const found = this.#probeRun(own, view, offsets[i], offsets[i + 1], hashes[i]);
      if (found >= 0) {
        entries[i] = found;
        continue;
      }
      const end = this.#sink.writeBytes(bytes, offsets[i], offsets[i + 1], this.#offsets[this.#index.size]);
      if (this.#sink.bytes.buffer !== own.buffer) own = viewOf(this.#sink.bytes);
      entries[i] = this.#insert(-1 - found, end, hashes[i]);
    }
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

  /** The same for any key, among keys of any type. */
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
    const at = this.#offsets[entry];
    return this.isText
      ? textOf(this.#sink.bytes, at, this.#offsets[entry + 1])
      : readKey(this.#sink.bytes, at);
  }

  column(entries: Uint32Array): Column {
    if (!this.isText) return columnOf(Array.from(entries, (entry) => this.key(entry)));
    const all: Column = {
      kind: "string",
      length: this.#index.size,
      offsets: this.#offsets,
      bytes: this.#sink.bytes,
    };
    return gather(all, entries);
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
      if (!this.isText && this.#isEqual(entry, source, from)) return entry;
    }
  }

  /** `#probe` among strings, by views: `own` is that of the sink's bytes. */
  #probeRun(own: DataView, source: DataView, from: number, to: number, hash: number): number {
    const { table, mask } = this.#index;
    const offsets = this.#offsets;
    for (let slot = this.#index.slotOf(hash); ; slot = (slot + 1) & mask) {
      const entry = table[2 * slot + 1] - 1;
      if (entry < 0) return -1 - slot;
      if (table[2 * slot] !== hash) continue;
      let at = offsets[entry];
      if (offsets[entry + 1] - at !== to - from) continue;
      let i = from;
      for (; i + 4 <= to && own.getInt32(at, true) === source.getInt32(i, true); i += 4) at += 4;
      for (; i < to && own.getUint8(at) === source.getUint8(i); i++) at++;
      if (i === to) return entry;
    }
  }

  /** Equal hashes but other bytes: chance, or an object whose properties are in another order. */
  #isEqual(entry: number, source: Uint8Array, from: number): boolean {
    return equalValues(this.key(entry), readKey(source, from));
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
