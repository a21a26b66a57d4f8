/**
 * Counting sort of row numbers by a small bucket number.
 *
 * Stable: rows of one bucket keep their order. Knows nothing of what buckets mean.
 */

export interface Scatter {
  /** Row numbers, bucket after bucket. */
  readonly order: Uint32Array;
  /** Where each bucket begins in `order`, and the end: buckets + 1 places. */
  readonly starts: Uint32Array;
}

/** Sorts rows 0 … rows - 1 by buckets[row]. */
export function scatter(buckets: Uint32Array, rows: number, count: number): Scatter {
  const starts = new Uint32Array(count + 1);
  for (let i = 0; i < rows; i++) starts[buckets[i] + 1]++;
  for (let b = 0; b < count; b++) starts[b + 1] += starts[b];
  const places = starts.slice(0, count);
  const order = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) order[places[buckets[i]]++] = i;
  return { order, starts };
}

/** A Uint32Array that grows by doubling. */
export class GrowingNumbers {
  #values = new Uint32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Room for `count` more at the end, to be filled by the caller at once. */
  extend(count: number): Uint32Array {
    const length = this.#length + count;
    if (length > this.#values.length) {
      const grown = new Uint32Array(Math.max(length, this.#values.length * 2));
      grown.set(this.#values.subarray(0, this.#length));
      this.#values = grown;
    }
    const room = this.#values.subarray(this.#length, length);
    this.#length = length;
    return room;
  }

  /** A view that is good until the next change. */
  view(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }

  clear(): void {
    this.#values = new Uint32Array(1024);
    this.#length = 0;
  }
}
