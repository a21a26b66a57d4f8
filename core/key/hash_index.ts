/**
 * Open addressing from hashes to entry numbers; knows nothing of the keys themselves.
 *
 * Slots hold [hash, entry + 1]. The slot is taken from a second mix of the hash, because all
 * keys of one partition have the same remainder, so for 2ⁿ partitions the same low bits.
 * Fields are public for the probe loops of the key stores only.
 */

/** Rows whose memory is touched together: few enough to stay in the first caches. */
export const WARM_ROWS = 256;
const FIRST_BITS = 6;

export class HashIndex {
  size = 0;
  hashes: Uint32Array = new Uint32Array(1 << (FIRST_BITS - 1));
  table: Uint32Array = new Uint32Array(2 << FIRST_BITS);
  mask: number = (1 << FIRST_BITS) - 1;
  touched = 0;
  #shift = 32 - FIRST_BITS;

  get sizeBytes(): number {
    return this.hashes.byteLength + this.table.byteLength;
  }

  /** The slot where probing for a hash begins. */
  slotOf(hash: number): number {
    return Math.imul(hash, 0x9e3779b1) >>> this.#shift;
  }

  /** Forgets all entries and gives their memory back. */
  clear(): void {
    this.size = 0;
    this.hashes = new Uint32Array(1 << (FIRST_BITS - 1));
    this.table = new Uint32Array(2 << FIRST_BITS);
    this.mask = (1 << FIRST_BITS) - 1;
    this.#shift = 32 - FIRST_BITS;
  }

  /** Touches the slots that probing for the first hashes will look at, so that the waits for memory overlap. */
  warm(hashes: Uint32Array, count: number): void {
    let touched = 0;
    for (let i = 0; i < count; i++) touched += this.table[2 * this.slotOf(hashes[i])];
    // Kept, as loads that nothing needs may be left out by the compiler.
    this.touched = touched;
  }

  /** Puts a new entry where probing for it will end and tells its number. */
  add(hash: number): number {
    let slot = this.slotOf(hash);
    while (this.table[2 * slot + 1] !== 0) slot = (slot + 1) & this.mask;
    return this.insert(slot, hash);
  }

  /** Puts a new entry into a free slot and tells its number. */
  insert(slot: number, hash: number): number {
    const entry = this.size++;
    this.table[2 * slot] = hash;
    this.table[2 * slot + 1] = entry + 1;
    this.hashes[entry] = hash;
    if (this.size === this.hashes.length) this.#grow();
    return entry;
  }

  /**
   * Doubles the slots, so that at most half of them are taken. Slots are the high bits of the mix, so walking
   * the old ones in order fills the new ones in order: both pass through the caches once.
   */
  #grow(): void {
    const hashes = new Uint32Array(2 * this.hashes.length);
    hashes.set(this.hashes);
    this.hashes = hashes;
    const old = this.table;
    const table = new Uint32Array(2 * old.length);
    const mask = 2 * this.mask + 1;
    const shift = --this.#shift;
    for (let from = 0; from < old.length; from += 2) {
      const entry = old[from + 1];
      if (entry === 0) continue;
      const hash = old[from];
      let slot = Math.imul(hash, 0x9e3779b1) >>> shift;
      while (table[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
      table[2 * slot] = hash;
      table[2 * slot + 1] = entry;
    }
    this.table = table;
    this.mask = mask;
  }
}
