/**
 * The place of a merge in one sorted run: its batch, its next row, its bounds.
 *
 * It knows how keys of two runs compare, not which run wins or where rows go.
 */
import type { Batch, Column } from "../../batch/column.ts";
import { columnOf } from "../../batch/make.ts";
import { type RowReader, rowReader } from "../../batch/row_reader.ts";
import { columnComparator } from "../../key/compare_columns.ts";
import type { KeyRange } from "../../plan/splitters.ts";
import type { BatchReader } from "../ports.ts";
import type { SortKeys } from "./sort_keys.ts";

type Comparator = (i: number, j: number) => number;

export interface CursorOptions {
  readonly keys: SortKeys;
  /** The batches hold [key, row] pairs. */
  readonly hasKeyColumn: boolean;
  /** Rows are given on with their keys, as [key, row]. */
  readonly keepsKeys: boolean;
  readonly range: KeyRange;
}

const NO_COLUMN: Column = { kind: "null", length: 0, absent: "null" };

export class RunCursor {
  /** Place among the runs: of equal keys the lower one comes first. */
  readonly place: number;
  keys: Column = NO_COLUMN;
  /** What is given on of the batch. */
  rows: Column = NO_COLUMN;
  index = 0;
  end = 0;
  /** Number of the batch's segment in the output that is being made, -1 before it has one. */
  segment = -1;
  /** The key at `index`, when user code compares. */
  head: unknown;
  readonly #options: CursorOptions;
  readonly #source: BatchReader;
  #read: RowReader | undefined;
  #comparators: (Comparator | undefined)[] = [];
  #isPastLower: boolean;
  #isLast = false;

  constructor(place: number, source: BatchReader, options: CursorOptions) {
    this.place = place;
    this.#source = source;
    this.#options = options;
    this.#isPastLower = options.range.lower === undefined;
  }

  /** Goes to the next batch with rows in range; false at the end of the run. */
  load(): boolean | Promise<boolean> {
    while (!this.#isLast) {
      const batch = this.#source.next();
      if (batch instanceof Promise) {
        return batch.then((late) => (this.#take(late) ? true : this.load()));
      }
      if (this.#take(batch)) return true;
    }
    return false;
  }

  /** Reads the key at `index` into `head`. */
  readHead(): void {
    if (this.#read !== undefined) this.head = this.#read(this.index);
  }

  /** Compares the keys at which two cursors stand, in the order of the sort. */
  compareTo(other: RunCursor): number {
    const { compare, descending } = this.#options.keys;
    if (compare !== undefined) return compare(this.head, other.head);
    let comparator = this.#comparators[other.place];
    if (comparator === undefined) {
      comparator = columnComparator(this.keys, other.keys);
      this.#comparators[other.place] = comparator;
    }
    const order = comparator(this.index, other.index);
    return descending ? -order : order;
  }

  /** Forgets what belongs to a batch of another cursor that is gone. */
  forget(other: RunCursor): void {
    this.#comparators[other.place] = undefined;
  }

  close(): void {
    this.#isLast = true;
    this.#source.close();
  }

  #take(batch: Batch | undefined): boolean {
    if (batch === undefined) {
      this.#isLast = true;
      return false;
    }
    if (batch.rows === 0) return false;
    this.#split(batch);
    const { range, keys } = this.#options;
    this.#comparators = [];
    this.segment = -1;
    this.#read = keys.compare === undefined ? undefined : rowReader(this.keys);
    this.index = 0;
    this.end = batch.rows;
    if (range.upper !== undefined) this.#cutUpper(range.upper.key, range.includesUpper === true);
    if (!this.#isPastLower && range.lower !== undefined) {
      this.index = this.#search(this.#against(range.lower.key), range.excludesLower === true);
      this.#isPastLower = this.index < this.end;
    }
    if (this.index >= this.end) return false;
    this.readHead();
    return true;
  }

  #split({ column }: Batch): void {
    const { hasKeyColumn, keepsKeys, keys } = this.#options;
    if (!hasKeyColumn) {
      this.keys = keys.keyColumn(column);
      this.rows = column;
      return;
    }
    if (column.kind !== "tuple" || column.columns.length !== 2) {
      throw new RangeError(`Cannot merge sorted runs: a batch of [key, row] is of kind ${column.kind}`);
    }
    this.keys = column.columns[0];
    this.rows = keepsKeys ? column : column.columns[1];
  }

  #cutUpper(key: unknown, isIncluded: boolean): void {
    const order = this.#against(key);
    const last = order(this.end - 1);
    if (last < 0 || (isIncluded && last === 0)) return;
    this.end = this.#search(order, isIncluded);
    this.#isLast = true;
  }

  /** How row i of the batch compares with a bound. */
  #against(key: unknown): (i: number) => number {
    const { compare, descending } = this.#options.keys;
    const read = this.#read;
    if (compare !== undefined && read !== undefined) return (i) => compare(read(i), key);
    const comparator = columnComparator(this.keys, columnOf([key]));
    return descending ? (i) => -comparator(i, 0) : (i) => comparator(i, 0);
  }

  /** The first row that comes after the bound, or, unless its equals are passed over, is equal to it. */
  #search(order: (i: number) => number, passesEquals: boolean): number {
    let low = 0;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const side = order(middle);
      if (side < 0 || (passesEquals && side === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
