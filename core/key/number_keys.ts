/**
 * Keys that are all numbers, as doubles; -0 is kept as 0.
 *
 * Whole numbers that lie close together are looked up by their place in an array, all others by
 * hash; which of the two is decided anew as keys come, and entry numbers stay. It knows nothing of
 * other types of keys.
 */
import type { Column } from "../batch/column.ts";
import { hashNumber, hashNumbers } from "./hash.ts";
import { type HashIndex, WARM_ROWS } from "./hash_index.ts";

/** Places that an array may have for each key: it takes about as much memory as hashing would. */
const PLACES_A_KEY = 16;
const MIN_PLACES = 4096;
/** So many places stay near the caches: keys by the thousand are found there sooner than by hash. */
const NEAR_PLACES = 1 << 20;
/** Mostly the array becomes so many times as long each time, so that making it anew costs little a key. */
const GROWTH = 1.25;
/** So often it may become a little longer: the first batches of keys in any order miss only the outermost ones. */
const MAX_SMALL = 32;
/** Places around such numbers are whole numbers that a double can tell apart. */
const MAX_PLACED = 2 ** 52;
/** From so many keys on it pays to look whether they lie close together. */
const MIN_TRIAL = 8192;
/** Rows that are looked up together: few enough for the places that were touched to stay in the first caches. */
const BLOCK_ROWS = 1024;

export class NumberKeys {
  readonly #index: HashIndex;
  #size = 0;
  #values = new Float64Array(64);
  /** Entry + 1 of the number `#base + place`; undefined while keys are looked up by hash. */
  #direct: Uint32Array | undefined = new Uint32Array(0);
  #base = 0;
  /** Number of keys at which it is next looked whether they lie close together. */
  #trialAt = MIN_TRIAL;
  /** How often the array became only a little longer. */
  #small = 0;
  #hashes = new Uint32Array(0);
  readonly #places = new Uint32Array(WARM_ROWS);

  /** @param index Empty; taken while keys are looked up by hash. */
  constructor(index: HashIndex) {
    this.#index = index;
  }

  get size(): number {
    return this.#size;
  }

  get sizeBytes(): number {
    return this.#values.byteLength + (this.#direct?.byteLength ?? 0) + this.#hashes.byteLength;
  }

  add(key: number): number {
    const direct = this.#direct;
    if (direct === undefined) return this.#addHashed(key, hashNumber(key));
    const place = (key - this.#base) | 0;
    if (place < 0 || place >= direct.length || place + this.#base !== key) return this.#addFar(key);
    const entry = direct[place] - 1;
    if (entry >= 0) return entry;
    direct[place] = this.#size + 1;
    return this.#append(key);
  }

  /** The entry of a key; -1 when it is absent. */
  find(key: number): number {
    const direct = this.#direct;
    if (direct === undefined) return Math.max(-1, this.#probe(key, hashNumber(key)));
    const place = (key - this.#base) | 0;
    return place >= 0 && place < direct.length && place + this.#base === key ? direct[place] - 1 : -1;
  }

  /** The entries of many keys, all of which are added. */
  addAll(values: Float64Array, rows: number, entries: Uint32Array): void {
    if (this.#direct !== undefined) this.#makeRoom(values, rows);
    let i = 0;
    while (i < rows && this.#direct !== undefined) {
      i = this.#addDirect(this.#direct, values, i, rows, entries);
      if (i < rows) entries[i] = this.#addFar(values[i++]);
    }
    if (i < rows) this.#addAllHashed(values, i, rows, entries);
  }

  /** The entries + 1 of many keys; 0 where one is absent. */
  findAll(values: Float64Array, rows: number, found: Uint32Array): void {
    const direct = this.#direct;
    if (direct === undefined) {
      this.#findAllHashed(values, rows, found);
      return;
    }
    const base = this.#base;
    const length = direct.length;
    for (let i = 0; i < rows; i++) {
      const place = (values[i] - base) | 0;
      found[i] = place >= 0 && place < length && place + base === values[i] ? direct[place] : 0;
    }
  }

  key(entry: number): number {
    return this.#values[entry];
  }

  hash(entry: number): number {
    return hashNumber(this.#values[entry]);
  }

  column(entries: Uint32Array): Column {
    const values = new Float64Array(entries.length);
    for (let i = 0; i < entries.length; i++) values[i] = this.#values[entries[i]];
    return { kind: "number", length: entries.length, values };
  }

  /** Puts all keys into the index, where those of other types can come to them. */
  useIndex(): void {
    if (this.#direct === undefined) return;
    this.#direct = undefined;
    const index = this.#index;
    for (let entry = 0; entry < this.#size; entry++) {
      index.add(hashNumber(this.#values[entry]));
    }
  }

  /**
   * Adds keys from some row on, up to the first one that has no place; tells which that is.
   *
   * Block by block, places first: nothing there depends on what lies in them, so the waits for memory overlap.
   */
  #addDirect(
    direct: Uint32Array,
    values: Float64Array,
    from: number,
    rows: number,
    entries: Uint32Array,
  ): number {
    for (let start = from; start < rows; start += BLOCK_ROWS) {
      const most = Math.min(rows, start + BLOCK_ROWS);
      const end = this.#lookUp(direct, values, start, most, entries);
      this.#addAbsent(direct, values, start, end, entries);
      if (end < most) return end;
    }
    return rows;
  }

  /** Entries + 1 from some row on, up to the first key that has no place; tells which that is. */
  #lookUp(direct: Uint32Array, values: Float64Array, from: number, to: number, found: Uint32Array): number {
    const base = this.#base;
    const length = direct.length;
    for (let i = from; i < to; i++) {
      const key = values[i];
      const place = (key - base) | 0;
      // Not `key - base`, which is rounded: of 1e-300 and -1 it is the place of 0.
      if (place < 0 || place >= length || place + base !== key) return i;
      found[i] = direct[place];
    }
    return to;
  }

  /** Makes the entries + 1 of keys that all have places to entries, adding those that have none. */
  #addAbsent(
    direct: Uint32Array,
    values: Float64Array,
    from: number,
    to: number,
    entries: Uint32Array,
  ): void {
    const base = this.#base;
    const kept = this.#roomFor(this.#size + to - from);
    let size = this.#size;
    for (let i = from; i < to; i++) {
      let entry = entries[i];
      if (entry === 0) {
        // It may have come earlier in the block.
        const place = (values[i] - base) | 0;
        entry = direct[place];
        if (entry === 0) {
          kept[size++] = values[i] + 0;
          entry = size;
          direct[place] = entry;
        }
      }
      entries[i] = entry - 1;
    }
    this.#size = size;
  }

  /** Makes places for all of many keys at once, if they lie close together. */
  #makeRoom(values: Float64Array, rows: number): void {
    const length = this.#direct?.length ?? 0;
    let least = length === 0 ? Number.POSITIVE_INFINITY : this.#base;
    let most = length === 0 ? Number.NEGATIVE_INFINITY : this.#base + length - 1;
    for (let i = 0; i < rows; i++) {
      const key = values[i];
      if (key < least) least = key;
      if (key > most) most = key;
    }
    if (most - least < length || Math.max(-least, most) > MAX_PLACED) return;
    this.#widen(Math.floor(least), Math.ceil(most), this.#size + rows);
  }

  /** A key beside the places that there are: makes more of them, or gives them up. */
  #addFar(key: number): number {
    const size = this.#size;
    const first = size === 0 ? key : this.#base;
    const last = size === 0 ? key : this.#base + (this.#direct?.length ?? 0) - 1;
    const from = Math.min(first, key);
    const to = Math.max(last, key);
    const canBePlaced = Number.isSafeInteger(key) && Math.max(-from, to) <= MAX_PLACED;
    if (canBePlaced && this.#widen(from, to, size)) return this.add(key);
    this.useIndex();
    this.#trialAt = Math.max(this.#trialAt, 2 * size);
    return this.#addHashed(key, hashNumber(key));
  }

  /**
   * Makes places for the numbers from … to, and for half as many more at the sides where keys come, so that they are not
   * made anew for each batch of keys that go on; false when those would be too many places for so many keys.
   */
  #widen(from: number, to: number, keys: number): boolean {
    const most = mostPlaces(keys);
    if (to - from >= most) return false;
    const length = this.#direct?.length ?? 0;
    // Many keys that come first may be all that come.
    const isFirst = length === 0 && to > from;
    const spare = isFirst ? 0 : Math.min(most - (to - from), 64 + Math.ceil((to - from) / 2));
    const isSmall = length > MIN_PLACES && to - from + spare < GROWTH * length;
    if (isSmall && ++this.#small > MAX_SMALL) return false;
    const isLower = length > 0 && from < this.#base;
    const isHigher = length === 0 || to >= this.#base + length;
    const side = isLower && isHigher ? spare >> 1 : spare;
    this.#place(isLower ? from - side : from, isHigher ? to + side : to);
    return true;
  }

  #place(from: number, to: number): void {
    const direct = new Uint32Array(to - from + 1);
    for (let entry = 0; entry < this.#size; entry++) direct[this.#values[entry] - from] = entry + 1;
    this.#direct = direct;
    this.#base = from;
  }

  #addHashed(key: number, hash: number): number {
    const found = this.#probe(key, hash);
    if (found >= 0) return found;
    const entry = this.#index.insert(-1 - found, hash);
    this.#append(key);
    if (this.#size >= this.#trialAt) this.#tryPlaces();
    return entry;
  }

  #addAllHashed(values: Float64Array, from: number, rows: number, entries: Uint32Array): void {
    const hashes = this.#hashed(values, rows);
    for (let start = from; start < rows; start += WARM_ROWS) {
      const end = Math.min(rows, start + WARM_ROWS);
      this.#warm(hashes, start, end);
      for (let i = start; i < end; i++) {
        entries[i] = this.#direct === undefined ? this.#addHashed(values[i], hashes[i]) : this.add(values[i]);
      }
    }
  }

  #findAllHashed(values: Float64Array, rows: number, found: Uint32Array): void {
    const hashes = this.#hashed(values, rows);
    for (let start = 0; start < rows; start += WARM_ROWS) {
      const end = Math.min(rows, start + WARM_ROWS);
      this.#warm(hashes, start, end);
      for (let i = start; i < end; i++) found[i] = Math.max(0, this.#probe(values[i], hashes[i]) + 1);
    }
  }

  #hashed(values: Float64Array, rows: number): Uint32Array {
    if (this.#hashes.length < rows) this.#hashes = new Uint32Array(rows);
    hashNumbers(values, rows, this.#hashes);
    return this.#hashes;
  }

  /** Gives the index up when the keys turn out to lie close together. */
  #tryPlaces(): void {
    this.#trialAt = 2 * this.#size;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let entry = 0; entry < this.#size; entry++) {
      const key = this.#values[entry];
      if (!Number.isSafeInteger(key)) return;
      if (key < least) least = key;
      if (key > most) most = key;
    }
    if (most - least >= mostPlaces(this.#size)) return;
    this.#index.clear();
    this.#place(least, most);
  }

  #append(key: number): number {
    const entry = this.#size++;
    this.#roomFor(entry + 1)[entry] = key + 0;
    return entry;
  }

  /** The keys, with room for so many. */
  #roomFor(size: number): Float64Array {
    if (size > this.#values.length) {
      const grown = new Float64Array(Math.max(size, 2 * this.#values.length));
      grown.set(this.#values);
      this.#values = grown;
    }
    return this.#values;
  }

  /** Touches the memory that looking up some hashes will need; see ArenaKeys. */
  #warm(hashes: Uint32Array, from: number, to: number): void {
    const { table } = this.#index;
    const places = this.#places;
    for (let i = from; i < to; i++) places[i - from] = table[2 * this.#index.slotOf(hashes[i]) + 1];
    let touched = 0;
    for (let k = 0; k < to - from; k++) touched += this.#values[Math.max(0, places[k] - 1)];
    places[0] = touched;
  }

  /** The entry of a key, or -1 - slot of the free slot where it belongs. */
  #probe(key: number, hash: number): number {
    const { table, mask } = this.#index;
    for (let slot = this.#index.slotOf(hash); ; slot = (slot + 1) & mask) {
      const entry = table[2 * slot + 1] - 1;
      if (entry < 0) return -1 - slot;
      if (table[2 * slot] !== hash) continue;
      const other = this.#values[entry];
      if (other === key || (Number.isNaN(other) && Number.isNaN(key))) return entry;
    }
  }
}

/** How many places keys may have. */
function mostPlaces(keys: number): number {
  return Math.max(MIN_PLACES + PLACES_A_KEY * keys, keys < MIN_TRIAL ? 0 : NEAR_PLACES);
}
