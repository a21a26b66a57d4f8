/**
 * Numbers pairs of small whole numbers densely, in order of first insertion.
 *
 * While both numbers are small their pair is a place in an array; then pairs are looked up by hash. Knows nothing of
 * what the numbers stand for.
 */
import { HashIndex, WARM_ROWS } from "./hash_index.ts";
import { finishHash, mixWord } from "./murmur.ts";

/** Places of the array at most: 256 KiB stay in the second cache. */
const MAX_PLACES = 1 << 16;
const FIRST_WIDTH = 8;
/** Filled and used up at once, so all share it. */
const HASHES = new Uint32Array(WARM_ROWS);

export class PairNumbers {
  #size = 0;
  #firsts: Uint32Array = new Uint32Array(16);
  #seconds: Uint32Array = new Uint32Array(16);
  /** Number + 1 of the pair at `first * width + second`; undefined when pairs are looked up by hash. */
  #direct: Uint32Array | undefined = new Uint32Array(FIRST_WIDTH * FIRST_WIDTH);
  #width = FIRST_WIDTH;
  readonly #index = new HashIndex();

  get size(): number {
    return this.#size;
  }

  get sizeBytes(): number {
    const { byteLength } = this.#firsts;
    return 2 * byteLength + (this.#direct?.byteLength ?? 0) + this.#index.sizeBytes;
  }

  first(pair: number): number {
    return this.#firsts[pair];
  }

  second(pair: number): number {
    return this.#seconds[pair];
  }

  /** The numbers of many pairs, all of which are added; `out` may be `firsts`. */
  addAll(firsts: Uint32Array, seconds: Uint32Array, rows: number, out: Uint32Array): void {
    let i = 0;
    while (i < rows && this.#direct !== undefined) {
      i = this.#addDirect(this.#direct, firsts, seconds, i, rows, out);
      if (i < rows) this.#widen(firsts[i], seconds[i]);
    }
    for (; i < rows; i += WARM_ROWS) {
      const end = Math.min(rows, i + WARM_ROWS);
      this.#hash(firsts, seconds, i, end);
      for (let k = i; k < end; k++) out[k] = this.#addHashed(firsts[k], seconds[k], HASHES[k - i]);
    }
  }

  /**
   * The numbers + 1 of many pairs, 0 where one is absent; `firsts` and `seconds` are told likewise, so that 0 is a part
   * that is absent. `out` may be `firsts`.
   */
  findAll(firsts: Uint32Array, seconds: Uint32Array, rows: number, out: Uint32Array): void {
    for (let i = 0; i < rows; i++) {
      const isKnown = firsts[i] > 0 && seconds[i] > 0;
      out[i] = isKnown ? this.find(firsts[i] - 1, seconds[i] - 1) + 1 : 0;
    }
  }

  add(first: number, second: number): number {
    for (;;) {
      const direct = this.#direct;
      if (direct === undefined) return this.#addHashed(first, second, hashOf(first, second));
      const place = first * this.#width + second;
      if (second < this.#width && place < direct.length) {
        if (direct[place] === 0) direct[place] = this.#append(first, second) + 1;
        return direct[place] - 1;
      }
      this.#widen(first, second);
    }
  }

  /** The number of a pair; -1 when it is absent. */
  find(first: number, second: number): number {
    const direct = this.#direct;
    if (direct === undefined) return Math.max(-1, this.#probe(first, second, hashOf(first, second)));
    const place = first * this.#width + second;
    return second < this.#width && place < direct.length ? direct[place] - 1 : -1;
  }

  /** Adds pairs from `from` on, up to the first one that has no place; tells which that is. */
  #addDirect(
    direct: Uint32Array,
    firsts: Uint32Array,
    seconds: Uint32Array,
    from: number,
    rows: number,
    out: Uint32Array,
  ): number {
    const width = this.#width;
    for (let i = from; i < rows; i++) {
      const first = firsts[i];
      const second = seconds[i];
      const place = first * width + second;
      if (second >= width || place >= direct.length) return i;
      if (direct[place] === 0) direct[place] = this.#append(first, second) + 1;
      out[i] = direct[place] - 1;
    }
    return rows;
  }

  /** Makes a place for a pair that has none, or gives places up. */
  #widen(first: number, second: number): void {
    let width = this.#width;
    let length = this.#direct?.length ?? 0;
    while (width <= second) width *= 2;
    let height = length / this.#width;
    while (height <= first) height *= 2;
    length = width * height;
    const direct = length > MAX_PLACES ? undefined : new Uint32Array(length);
    this.#direct = direct;
    this.#width = width;
    for (let pair = 0; pair < this.#size; pair++) {
      const [a, b] = [this.#firsts[pair], this.#seconds[pair]];
      if (direct === undefined) this.#index.add(hashOf(a, b));
      else direct[a * width + b] = pair + 1;
    }
  }

  #hash(firsts: Uint32Array, seconds: Uint32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) HASHES[i - from] = hashOf(firsts[i], seconds[i]);
    this.#index.warm(HASHES, to - from);
  }

  #addHashed(first: number, second: number, hash: number): number {
    const found = this.#probe(first, second, hash);
    if (found >= 0) return found;
    this.#index.insert(-1 - found, hash);
    return this.#append(first, second);
  }

  /** The number of a pair, or -1 - slot of the free slot where it belongs. */
  #probe(first: number, second: number, hash: number): number {
    const { table, mask } = this.#index;
    for (let slot = this.#index.slotOf(hash); ; slot = (slot + 1) & mask) {
      const pair = table[2 * slot + 1] - 1;
      if (pair < 0) return -1 - slot;
      if (table[2 * slot] === hash && this.#firsts[pair] === first && this.#seconds[pair] === second)
        return pair;
    }
  }

  #append(first: number, second: number): number {
    const pair = this.#size++;
    if (pair === this.#firsts.length) {
      this.#firsts = doubled(this.#firsts);
      this.#seconds = doubled(this.#seconds);
    }
    this.#firsts[pair] = first;
    this.#seconds[pair] = second;
    return pair;
  }
}

function hashOf(first: number, second: number): number {
  return finishHash(mixWord(mixWord(0, first), second), 8);
}

function doubled(values: Uint32Array): Uint32Array {
  const larger = new Uint32Array(2 * values.length);
  larger.set(values);
  return larger;
}
