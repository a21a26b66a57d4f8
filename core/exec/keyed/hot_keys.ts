/**
 * Keys with so many rows that their partition would be far larger than the others.
 *
 * A partial combine that hands rows on as they are, because few keys repeat, still combines those of these keys. They
 * are found in samples of the rows that it tried to combine. Rows of a hot key that is not found are handed on, and
 * combined after the exchange like all others.
 */
import type { Column } from "../../batch/column.ts";
import { rowReader } from "../../batch/row_reader.ts";
import { KeyTable } from "../../key/key_table.ts";

/** Rows that are looked at each time. */
const SAMPLES = 64;
/** One row is no sign of a key that repeats. */
const MIN_SAMPLES = 2;

/** Counts how often keys come, by their entries in a table. */
export class KeySample {
  readonly #counts = new Map<number, number>();
  #rows = 0;

  /** Takes a few of these entries. */
  note(entries: Uint32Array): void {
    const step = Math.max(1, Math.floor(entries.length / SAMPLES));
    for (let i = 0; i < entries.length; i += step) {
      this.#counts.set(entries[i], (this.#counts.get(entries[i]) ?? 0) + 1);
      this.#rows++;
    }
  }

  /** Entries with at least so large a share of the rows, and forgets all. */
  take(share: number): Uint32Array {
    const least = Math.max(MIN_SAMPLES, this.#rows * share);
    const hot = [...this.#counts].filter(([, count]) => count >= least).map(([entry]) => entry);
    this.#counts.clear();
    this.#rows = 0;
    return Uint32Array.from(hot);
  }
}

export class HotKeys {
  readonly #table = new KeyTable();
  /** For single rows; objects are not found in it, and go on as they are. */
  readonly #values: ReadonlySet<unknown>;
  #found = new Uint32Array(0);

  constructor(keys: Column) {
    this.#table.addColumn(keys, new Uint32Array(keys.length));
    const read = rowReader(keys);
    this.#values = new Set(Array.from({ length: keys.length }, (_, i) => read(i)));
  }

  has(key: unknown): boolean {
    return this.#values.has(key);
  }

  /** Places of the rows with hot keys and of all others; undefined when there is no hot one. */
  split(keys: Column): { readonly hot: Uint32Array; readonly others: Uint32Array } | undefined {
    if (this.#found.length < keys.length) this.#found = new Uint32Array(keys.length);
    const found = this.#found.subarray(0, keys.length);
    this.#table.findColumn(keys, found);
    let count = 0;
    for (let i = 0; i < found.length; i++) if (found[i] > 0) count++;
    if (count === 0) return undefined;
    const hot = new Uint32Array(count);
    const others = new Uint32Array(keys.length - count);
    for (let i = 0, h = 0, o = 0; i < found.length; i++) {
      if (found[i] > 0) hot[h++] = i;
      else others[o++] = i;
    }
    return { hot, others };
  }
}
