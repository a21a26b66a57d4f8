/**
 * One sorted side of a merge join, read key by key.
 *
 * It finds where the rows of a key end; it knows nothing of the other side's rows.
 */
import type { Column } from "../../batch/column.ts";
import { sliceColumn } from "../../batch/gather.ts";
import { type RowReader, rowReader } from "../../batch/row_reader.ts";
import { columnComparator } from "../../key/compare_columns.ts";
import { pairColumns } from "../keyed/pair_columns.ts";
import type { BatchReader } from "../ports.ts";

type Comparator = (i: number, j: number) => number;

const NOTHING: Column = { kind: "null", length: 0, absent: "null" };

export class PairStream {
  /** Row of the batch at which the stream stands. */
  index = 0;
  /** Number of rows of the batch. */
  end = 0;
  readKey: RowReader = () => undefined;
  readValue: RowReader = () => undefined;
  readonly #reader: BatchReader;
  #keys = NOTHING;
  #values = NOTHING;
  #order: Comparator = () => 0;
  #other: { readonly keys: Column; readonly order: Comparator } | undefined;

  constructor(reader: BatchReader) {
    this.#reader = reader;
  }

  /** Goes to the next batch when this one is used up; false at the end. */
  async fill(): Promise<boolean> {
    while (this.index >= this.end) {
      const batch = await this.#reader.next();
      if (batch === undefined) return false;
      ({ keys: this.#keys, values: this.#values } = pairColumns(batch));
      this.readKey = rowReader(this.#keys);
      this.readValue = rowReader(this.#values);
      this.#order = columnComparator(this.#keys, this.#keys);
      this.#other = undefined;
      this.index = 0;
      this.end = batch.rows;
    }
    return true;
  }

  /** Compares the keys at which both sides stand. */
  compare(other: PairStream): number {
    if (this.#other?.keys !== other.#keys) {
      this.#other = { keys: other.#keys, order: columnComparator(this.#keys, other.#keys) };
    }
    return this.#other.order(this.index, other.index);
  }

  /** Row after the last one of this key in the batch; when that is `end`, the next batch may have more. */
  groupEnd(): number {
    let at = this.index + 1;
    while (at < this.end && this.#order(this.index, at) === 0) at += 1;
    return at;
  }

  /** Gives the values of this key stretch by stretch, over as many batches as it has, and goes past them. */
  async takeGroup(take: (values: Column) => void | Promise<void>): Promise<void> {
    for (let to = this.groupEnd(); ; to = this.groupEnd()) {
      const keys = this.#keys;
      const stretch = sliceColumn(this.#values, this.index, to);
      const isLast = to < this.end;
      this.index = to;
      await take(stretch);
      if (isLast || !(await this.fill())) return;
      if (columnComparator(keys, this.#keys)(keys.length - 1, 0) !== 0) return;
    }
  }
}
