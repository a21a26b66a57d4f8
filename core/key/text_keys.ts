/**
 * Strings as keys, numbered densely: their bytes one after the other, and an index of them by hash.
 *
 * A slot holds [hash, entry + 1, head], so that strings of up to 8 bytes are found by one look at memory. The slot is
 * taken from a second mix of the hash, because all keys of one partition have the same remainder.
 */
import { ByteSink } from "../batch/byte_sink.ts";
import type { Column, StringColumn } from "../batch/column.ts";
import { gather } from "../batch/gather.ts";
import { textOf } from "../batch/text.ts";
import { hashBytes } from "./murmur.ts";
import { headOf, PARTIAL, type TextRuns } from "./text_runs.ts";

const FIRST_BITS = 6;
/** Words of a slot. */
const SLOT = 4;
/** Rows whose memory is touched together. */
const WARM_ROWS = 256;
/** Longer strings are copied by one call. */
const LONG = 256;

export class TextKeys {
  #size = 0;
  #slots = new Int32Array(SLOT << FIRST_BITS);
  #mask = (1 << FIRST_BITS) - 1;
  #shift = 32 - FIRST_BITS;
  #hashes = new Uint32Array(1 << FIRST_BITS);
  readonly #sink = new ByteSink();
  /** The sink's bytes as of late, and the view of them. */
  #bytes = this.#sink.bytes;
  #own = viewOf(this.#bytes);
  /** Entry e is bytes [offsets[e], offsets[e + 1]) of the sink. */
  #offsets = new Uint32Array((1 << FIRST_BITS) + 1);
  readonly #places = new Uint32Array(WARM_ROWS);

  get size(): number {
    return this.#size;
  }

  get sizeBytes(): number {
    const { byteLength } = this.#sink.bytes;
    return byteLength + this.#slots.byteLength + this.#hashes.byteLength + this.#offsets.byteLength;
  }

  /** The entry of a string; -1 when it is not there and not to be added, -2 when it has lone surrogates. */
  text(key: string, isAdding: boolean): number {
    const at = this.#offsets[this.#size];
    const end = this.#sink.writeString(key, at);
    if (end < 0) return -2;
    return this.range(this.#sink.bytes, at, end, hashBytes(this.#sink.bytes, at, end, 0), isAdding);
  }

  /** The entry of bytes [from, to) of a source, whose hash is known; -1 when it is not there and not to be added. */
  range(source: Uint8Array, from: number, to: number, hash: number, isAdding: boolean): number {
    const [first, second] = headOf(source, from, to);
    const view = viewOf(source);
    if (this.#sink.bytes !== this.#bytes) this.#view();
    const found = this.#probe(view, from, to, hash | 0, first, second);
    if (found >= 0) return found;
    return isAdding ? this.#insert(-1 - found, view, from, to, hash, first, second) : -1;
  }

  /** Adds the strings of a block and tells their entries, from entries[at] on. */
  enter(runs: TextRuns, entries: Uint32Array, at: number): void {
    const { rows, view, starts, ends, hashes, heads } = runs;
    for (let i = 0; i < rows; i++) {
      if ((i & (WARM_ROWS - 1)) === 0) this.#warm(hashes, i, Math.min(rows, i + WARM_ROWS));
      const start = starts[i];
      const end = ends[i];
      const first = heads[2 * i];
      const second = heads[2 * i + 1];
      const found = this.#probe(view, start, end, hashes[i] | 0, first, second);
      entries[at + i] =
        found >= 0 ? found : this.#insert(-1 - found, view, start, end, hashes[i], first, second);
    }
  }

  /** The entries + 1 of the strings of a block, from found[at] on; 0 where one is absent. */
  find(runs: TextRuns, found: Uint32Array, at: number): void {
    const { rows, view, starts, ends, hashes, heads } = runs;
    for (let i = 0; i < rows; i++) {
      if ((i & (WARM_ROWS - 1)) === 0) this.#warm(hashes, i, Math.min(rows, i + WARM_ROWS));
      const entry = this.#probe(view, starts[i], ends[i], hashes[i] | 0, heads[2 * i], heads[2 * i + 1]);
      found[at + i] = entry < 0 ? 0 : entry + 1;
    }
  }

  key(entry: number): string {
    return textOf(this.#sink.bytes, this.#offsets[entry], this.#offsets[entry + 1]);
  }

  hash(entry: number): number {
    return this.#hashes[entry];
  }

  column(entries: Uint32Array): Column {
    const all: StringColumn = {
      kind: "string",
      length: this.#size,
      offsets: this.#offsets,
      bytes: this.#sink.bytes,
    };
    return gather(all, entries);
  }

  /**
   * Touches the memory that looking up will need. The loads of one loop do not depend on each other, so the processor
   * waits for many of them at once.
   */
  #warm(hashes: Uint32Array, from: number, to: number): void {
    const slots = this.#slots;
    const shift = this.#shift;
    const offsets = this.#offsets;
    const bytes = this.#sink.bytes;
    const places = this.#places;
    for (let i = from; i < to; i++) {
      const slot = SLOT * (Math.imul(hashes[i], 0x9e3779b1) >>> shift);
      // Only strings that are compared in full need more than their slot.
      places[i - from] = slots[slot + 3] === PARTIAL ? slots[slot + 1] : 0;
    }
    for (let k = 0; k < to - from; k++) places[k] = offsets[places[k]];
    let touched = 0;
    for (let k = 0; k < to - from; k++) touched += bytes[Math.max(0, places[k] - 1)];
    // Kept, as loads that nothing needs may be left out by the compiler.
    places[0] = touched;
  }

  /** The entry of bytes [from, to), or -1 - slot of the free slot where they belong. */
  #probe(source: DataView, from: number, to: number, hash: number, first: number, second: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = Math.imul(hash, 0x9e3779b1) >>> this.#shift; ; slot = (slot + 1) & mask) {
      const place = SLOT * slot;
      const entry = slots[place + 1] - 1;
      if (entry < 0) return -1 - slot;
      if (slots[place] !== hash || slots[place + 2] !== first || slots[place + 3] !== second) continue;
      if (second !== PARTIAL || this.#isEqual(source, entry, from, to)) return entry;
    }
  }

  #isEqual(source: DataView, entry: number, from: number, to: number): boolean {
    const own = this.#own;
    let at = this.#offsets[entry];
    if (this.#offsets[entry + 1] - at !== to - from) return false;
    let i = from;
    for (; i + 4 <= to && own.getInt32(at, true) === source.getInt32(i, true); i += 4) at += 4;
    for (; i < to && own.getUint8(at) === source.getUint8(i); i++) at++;
    return i === to;
  }

  #insert(
    slot: number,
    source: DataView,
    from: number,
    to: number,
    hash: number,
    first: number,
    second: number,
  ): number {
    const entry = this.#size++;
    const at = this.#offsets[entry];
    const end = at + to - from;
    this.#sink.reserve(at, end + 8);
    if (this.#sink.bytes !== this.#bytes) this.#view();
    const own = this.#own;
    if (second !== PARTIAL) {
      own.setInt32(at, first, true);
      own.setInt32(at + 4, second, true);
    } else if (to - from > LONG) {
      this.#sink.bytes.set(new Uint8Array(source.buffer, source.byteOffset + from, to - from), at);
    } else {
      let i = from;
      for (; i + 4 <= to; i += 4) own.setInt32(at + i - from, source.getInt32(i, true), true);
      for (; i < to; i++) own.setUint8(at + i - from, source.getUint8(i));
    }
    const place = SLOT * slot;
    this.#slots[place] = hash;
    this.#slots[place + 1] = entry + 1;
    this.#slots[place + 2] = first;
    this.#slots[place + 3] = second;
    if (this.#size === this.#hashes.length) this.#growEntries();
    this.#hashes[entry] = hash;
    this.#offsets[entry + 1] = end;
    // At most three quarters of the slots are taken.
    if (4 * this.#size > 3 * (this.#mask + 1)) this.#growSlots();
    return entry;
  }

  #view(): void {
    this.#bytes = this.#sink.bytes;
    this.#own = viewOf(this.#bytes);
  }

  #growEntries(): void {
    const hashes = new Uint32Array(2 * this.#hashes.length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const offsets = new Uint32Array(hashes.length + 1);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
  }

  /**
   * Doubles the slots. Slots are the high bits of the mix, so walking the old ones in order fills the new ones in
   * order: both pass through the caches once.
   */
  #growSlots(): void {
    const old = this.#slots;
    const slots = new Int32Array(2 * old.length);
    const mask = 2 * this.#mask + 1;
    const shift = this.#shift - 1;
    for (let from = 0; from < old.length; from += SLOT) {
      const entry = old[from + 1];
      if (entry === 0) continue;
      const hash = old[from];
      let slot = Math.imul(hash, 0x9e3779b1) >>> shift;
      while (slots[SLOT * slot + 1] !== 0) slot = (slot + 1) & mask;
      const place = SLOT * slot;
      slots[place] = hash;
      slots[place + 1] = entry;
      slots[place + 2] = old[from + 2];
      slots[place + 3] = old[from + 3];
    }
    this.#slots = slots;
    this.#mask = mask;
    this.#shift = shift;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
