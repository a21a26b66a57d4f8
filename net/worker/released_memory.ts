/**
 * Has garbage collected when operators let go of much memory at once, and when attempts moved much of it.
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

/** Attempts that moved so much take far longer than a collection (20 ms). */
const MIN_PASSED_BYTES = 8 * 1024 * 1024;
/** What they leave behind is about as much, which a worker with plenty of memory has room for. */
const MAX_PASSED_BYTES = 64 * 1024 * 1024;
const PASSED_SHARE = 1 / 16;

/** By which part of its budget the process must have grown: memory that is used again costs nothing more. */
const GROWN_SHARE = 1 / 8;

/**
 * What attempts read and wrote since garbage was looked at. Their tables and batches are few and large: the collector
 * sees no reason to hurry, and those of the next attempts would come on top.
 *
 * It collects only when the process has grown meanwhile: the rows of a turn of a loop that are garbage at its end
 * are found without it, and a collection takes longer than such a turn.
 */
export class PassedMemory {
  readonly #usedBytes: () => number;
  readonly #collect: () => void;
  #bytes = 0;
  /** What the process used after it was collected last. */
  #base: number;

  /** @param usedBytes What the process uses now. */
  constructor(usedBytes: () => number, collect: () => void) {
    this.#usedBytes = usedBytes;
    this.#collect = collect;
    this.#base = usedBytes();
  }

  /** An attempt has ended. @param memoryBytes The worker's budget. */
  add(bytes: number, memoryBytes: number): void {
    this.#bytes += bytes;
    const most = Math.min(MAX_PASSED_BYTES, memoryBytes * PASSED_SHARE);
    if (this.#bytes < Math.max(MIN_PASSED_BYTES, most)) return;
    this.#bytes = 0;
    if (this.#usedBytes() - this.#base < memoryBytes * GROWN_SHARE) return;
    this.#collect();
    this.#base = this.#usedBytes();
  }
}
