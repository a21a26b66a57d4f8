/**
 * Has garbage collected when operators let go of much memory at once.
 *
 * The runtime looks for garbage when the heap has doubled since it last did. Tables and
 * runs are as large as the budget, so without this there would be two or three of them
 * at a time: the one that is filled and those that are long forgotten.
 */

const WORTHWHILE_BYTES = 16 * 1024 * 1024;
/** Collecting takes at most about this share of the time, however large the user's own heap is. */
const MAX_SHARE = 0.5;

export class ReleasedMemory {
  readonly #collect: () => void;
  readonly #now: () => number;
  #releasedBytes = 0;
  #notBefore = 0;

  constructor(collect: () => void, now: () => number = () => performance.now()) {
    this.#collect = collect;
    this.#now = now;
  }

  add(sizeBytes: number): void {
    this.#releasedBytes += sizeBytes;
    const start = this.#now();
    if (this.#releasedBytes < WORTHWHILE_BYTES || start < this.#notBefore) return;
    this.#releasedBytes = 0;
    this.#collect();
    const end = this.#now();
    this.#notBefore = end + (end - start) * (1 / MAX_SHARE - 1);
  }
}
