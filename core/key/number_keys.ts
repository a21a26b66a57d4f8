/**
 * Keys that are all numbers, as doubles; -0 is kept as 0.
 */
import type { Column } from "../batch/column.ts";
import { type HashIndex, WARM_ROWS } from "./hash_index.ts";

export class NumberKeys {
  readonly #index: HashIndex;
  #values = new Float64Array(64);
  readonly #places = new Uint32Array(WARM_ROWS);

  constructor(index: HashIndex) {
    this.#index = index;
  }

  get sizeBytes(): number {
    return this.#values.byteLength;
  }

  add(key: number, hash: number): number {
    const found = this.#probe(key, hash);
    if (found >= 0) return found;
    const entry = this.#index.insert(-1 - found, hash);
    if (entry === this.#values.length) {
      const grown = new Float64Array(2 * entry);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[entry] = key + 0;
    return entry;
  }

  /** The entry of a key; -1 when it is absent. */
  find(key: number, hash: number): number {
    return Math.max(-1, this.#probe(key, hash));
  }

  /** Touches the memory that looking up some hashes will need; see ArenaKeys. */
  warm(hashes: Uint32Array, from: number, to: number): void {
    const { table } = this.#index;
    const places = this.#places;
    for (let i = from; i < to; i++) places[i - from] = table[2 * this.#index.slotOf(hashes[i]) + 1];
    let touched = 0;
    for (let k = 0; k < to - from; k++) touched += this.#values[Math.max(0, places[k] - 1)];
    places[0] = touched;
  }

  key(entry: number): number {
    return this.#values[entry];
  }

  column(entries: Uint32Array): Column {
    const values = new Float64Array(entries.length);
    for (let i = 0; i < entries.length; i++) values[i] = this.#values[entries[i]];
    return { kind: "number", length: entries.length, values };
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
