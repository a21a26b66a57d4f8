/**
 * The accumulators of a keyed aggregation, one for each entry of a key table.
 *
 * Numbers lie in a Float64Array; the first accumulator that is none moves all of
 * them to a plain array. Knows nothing of keys beside their entry numbers, which
 * come densely: a new entry is the number of entries so far.
 */
import type { Column } from "../../batch/column.ts";
import { columnOf } from "../../batch/make.ts";
import { rowReader } from "../../batch/row_reader.ts";
import { detached } from "../../batch/text.ts";
import type { Aggregator } from "../aggregator.ts";
import { sizeOf } from "./size_of.ts";

export interface Accumulators {
  readonly sizeBytes: number;
  /** Row of the last `addColumn` or `mergeColumn` that was being worked on, for messages. */
  readonly place: number;
  add(entry: number, value: unknown): void;
  merge(entry: number, acc: unknown): void;
  /** The same for many; there is no column where keys alone count. */
  addColumn(entries: Uint32Array, values: Column | undefined): void;
  mergeColumn(entries: Uint32Array, accs: Column | undefined): void;
  /** Accumulators [from, to) as a column of their own; undefined when keys alone count. */
  column(from: number, to: number): Column | undefined;
  clear(): void;
}

export function accumulatorsOf(aggregator: Aggregator): Accumulators {
  if (aggregator.shape === "keys") return NO_ACCUMULATORS;
  return aggregator.shape === "count" ? new Counts() : new Folded(aggregator);
}

const NO_ACCUMULATORS: Accumulators = {
  sizeBytes: 0,
  place: 0,
  add: () => undefined,
  merge: () => undefined,
  addColumn: () => undefined,
  mergeColumn: () => undefined,
  column: () => undefined,
  clear: () => undefined,
};

const FIRST_CAPACITY = 1024;

/** How often each key occurred. */
class Counts implements Accumulators {
  readonly place = 0;
  #counts: Float64Array = new Float64Array(FIRST_CAPACITY);

  get sizeBytes(): number {
    return this.#counts.byteLength;
  }

  add(entry: number): void {
    if (entry >= this.#counts.length) this.#counts = grown(this.#counts, entry);
    this.#counts[entry]++;
  }

  merge(entry: number, acc: unknown): void {
    if (entry >= this.#counts.length) this.#counts = grown(this.#counts, entry);
    this.#counts[entry] += acc as number;
  }

  addColumn(entries: Uint32Array): void {
    const counts = this.#fitting(entries);
    for (let i = 0; i < entries.length; i++) counts[entries[i]]++;
  }

  mergeColumn(entries: Uint32Array, accs: Column | undefined): void {
    const counts = this.#fitting(entries);
    const values = accs?.kind === "number" ? accs.values : undefined;
    if (values === undefined) throw new RangeError(`Cannot add counts: they are a column of ${accs?.kind}`);
    for (let i = 0; i < entries.length; i++) counts[entries[i]] += values[i];
  }

  column(from: number, to: number): Column {
    return { kind: "number", length: to - from, values: this.#counts.slice(from, to) };
  }

  clear(): void {
    this.#counts = new Float64Array(FIRST_CAPACITY);
  }

  #fitting(entries: Uint32Array): Float64Array {
    let last = 0;
    for (let i = 0; i < entries.length; i++) if (entries[i] > last) last = entries[i];
    if (last >= this.#counts.length) this.#counts = grown(this.#counts, last);
    return this.#counts;
  }
}

/** What an array has room for, filled or not, for each of its values. */
const SLOT_BYTES = 12;

/** Accumulators that closures make. */
class Folded implements Accumulators {
  place = 0;
  readonly #aggregator: Aggregator;
  #size = 0;
  /** Used while every accumulator is a number; afterwards `#others` is. */
  #numbers: Float64Array | undefined = new Float64Array(FIRST_CAPACITY);
  #others: unknown[] = [];

  constructor(aggregator: Aggregator) {
    this.#aggregator = aggregator;
  }

  /** Estimated from a few of them, as closures may let them grow unseen. */
  get sizeBytes(): number {
    if (this.#numbers !== undefined) return this.#numbers.byteLength;
    const step = Math.max(1, Math.floor(this.#size / 64));
    let bytes = 0;
    let count = 0;
    for (let i = 0; i < this.#size; i += step) {
      bytes += sizeOf(this.#others[i]);
      count++;
    }
    return count === 0 ? 0 : (SLOT_BYTES + bytes / count) * this.#size;
  }

  add(entry: number, value: unknown): void {
    if (entry >= this.#size) this.#set(entry, this.#aggregator.first(value), undefined);
    else {
      const acc = this.#numbers === undefined ? this.#others[entry] : this.#numbers[entry];
      this.#set(entry, this.#aggregator.add(acc, value), acc);
    }
  }

  merge(entry: number, other: unknown): void {
    if (entry >= this.#size) this.#set(entry, other, undefined);
    else {
      const acc = this.#numbers === undefined ? this.#others[entry] : this.#numbers[entry];
      this.#set(entry, this.#aggregator.merge(acc, other), acc);
    }
  }

  addColumn(entries: Uint32Array, values: Column | undefined): void {
    const from =
      this.#aggregator.shape === "value" ? this.#foldNumbers(this.#aggregator.add, entries, values) : 0;
    const read = values === undefined ? () => undefined : rowReader(values);
    for (this.place = from; this.place < entries.length; this.place++) {
      this.add(entries[this.place], read(this.place));
    }
  }

  mergeColumn(entries: Uint32Array, accs: Column | undefined): void {
    const from =
      this.#aggregator.shape === "value" ? this.#foldNumbers(this.#aggregator.merge, entries, accs) : 0;
    const read = accs === undefined ? () => undefined : rowReader(accs);
    for (this.place = from; this.place < entries.length; this.place++) {
      this.merge(entries[this.place], read(this.place));
    }
  }

  column(from: number, to: number): Column {
    return this.#numbers === undefined
      ? columnOf(this.#others.slice(from, to))
      : { kind: "number", length: to - from, values: this.#numbers.slice(from, to) };
  }

  clear(): void {
    this.#size = 0;
    this.#numbers = new Float64Array(FIRST_CAPACITY);
    this.#others = [];
  }

  /**
   * Folds a column of numbers into numbers, while they stay so, where the first value is its own accumulator.
   *
   * @returns The first row that was not folded.
   */
  #foldNumbers(fold: Aggregator["add"], entries: Uint32Array, column: Column | undefined): number {
    if (this.#numbers === undefined || column?.kind !== "number" || column.validity !== undefined) return 0;
    let last = 0;
    for (let i = 0; i < entries.length; i++) if (entries[i] > last) last = entries[i];
    if (last >= this.#numbers.length) this.#numbers = grown(this.#numbers, last);
    const { values } = column;
    const numbers = this.#numbers;
    if (this.#aggregator.fold !== undefined) {
      this.#size = foldKnown(this.#aggregator.fold, { entries, values, numbers, size: this.#size });
      return entries.length;
    }
    let size = this.#size;
    let i = 0;
    try {
      for (; i < entries.length; i++) {
        const entry = entries[i];
        if (entry >= size) {
          numbers[entry] = values[i];
          size = entry + 1;
          continue;
        }
        const acc = fold(numbers[entry], values[i]);
        if (typeof acc !== "number") {
          this.#size = size;
          this.#set(entry, acc, undefined);
          return i + 1;
        }
        numbers[entry] = acc;
      }
    } finally {
      this.#size = size;
      this.place = i;
    }
    return i;
  }

  #set(entry: number, acc: unknown, before: unknown): void {
    if (entry >= this.#size) this.#size = entry + 1;
    if (this.#numbers !== undefined) {
      if (typeof acc === "number") {
        if (entry >= this.#numbers.length) this.#numbers = grown(this.#numbers, entry);
        this.#numbers[entry] = acc;
        return;
      }
      this.#others = Array.from(this.#numbers.subarray(0, this.#size));
      this.#numbers = undefined;
    }
    this.#others[entry] = typeof acc === "string" && acc !== before ? detached(acc) : acc;
  }
}

function grown(values: Float64Array, entry: number): Float64Array {
  const larger = new Float64Array(Math.max(entry + 1, values.length * 2));
  larger.set(values);
  return larger;
}

interface Fold {
  readonly entries: Uint32Array;
  readonly values: Float64Array;
  /** Room for all entries. */
  readonly numbers: Float64Array;
  /** Entries that have an accumulator. */
  readonly size: number;
}

/** Folds numbers without a call for each; tells how many entries there are now. */
function foldKnown(fold: NonNullable<Aggregator["fold"]>, { entries, values, numbers, size }: Fold): number {
  let end = size;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    const value = values[i];
    if (entry >= end) {
      numbers[entry] = value;
      end = entry + 1;
    } else if (fold === "sum") {
      numbers[entry] += value;
    } else {
      // NaN comes after every number.
      const acc = numbers[entry];
      const isBetter =
        fold === "max"
          ? value > acc || (Number.isNaN(value) && !Number.isNaN(acc))
          : value < acc || (Number.isNaN(acc) && !Number.isNaN(value));
      if (isBetter) numbers[entry] = value;
    }
  }
  return end;
}
