/**
 * The rows that a merge has chosen, as columns.
 *
 * A merge takes the rows of each batch in order, so an output needs only the
 * number of the batch for each row: each batch gives one stretch, and stretches
 * are joined and moved once. It knows nothing of keys.
 */
import type { Batch, Column } from "../../batch/column.ts";
import { columnBytes, concatColumns, gather, sliceColumn } from "../../batch/gather.ts";

interface Segment {
  readonly column: Column;
  readonly from: number;
}

export class MergeOutput {
  readonly #maxRows: number;
  readonly #maxBytes: number;
  /** Segment of each row. */
  readonly choices: Uint32Array;
  /** Number of rows chosen. */
  count = 0;
  /** Rows after which it must be taken. */
  limit: number;
  #segments: Segment[] = [];
  #rowBytes = 0;

  constructor(maxRows: number, maxBytes: number) {
    this.#maxRows = maxRows;
    this.#maxBytes = maxBytes;
    this.choices = new Uint32Array(maxRows);
    this.limit = maxRows;
  }

  /** Begins a stretch at a row of a batch and tells its number. */
  open(column: Column, from: number): number {
    // The largest mean of all batches that take part keeps the output within bounds.
    this.#rowBytes = Math.max(this.#rowBytes, columnBytes(column) / Math.max(1, column.length));
    const rows = Math.floor(this.#maxBytes / Math.max(1, this.#rowBytes));
    this.limit = Math.max(1, Math.min(this.#maxRows, rows));
    return this.#segments.push({ column, from }) - 1;
  }

  /** Takes what was chosen, undefined when nothing was. */
  take(): Batch | undefined {
    const rows = this.count;
    if (rows === 0) return undefined;
    const column = this.#column(rows);
    this.count = 0;
    this.#segments = [];
    this.#rowBytes = 0;
    this.limit = this.#maxRows;
    return { rows, column };
  }

  #column(rows: number): Column {
    const segments = this.#segments;
    if (segments.length === 1)
      return sliceColumn(segments[0].column, segments[0].from, segments[0].from + rows);
    const lengths = new Uint32Array(segments.length);
    const isInOrder = this.#measure(rows, lengths);
    const stretches = segments.map(({ column, from }, i) => sliceColumn(column, from, from + lengths[i]));
    const joined = concatColumns(stretches);
    return isInOrder ? joined : gather(joined, this.#places(rows, lengths));
  }

  /** Counts the rows of each stretch; true when the stretches follow each other. */
  #measure(rows: number, lengths: Uint32Array): boolean {
    const choices = this.choices;
    let isInOrder = true;
    let last = 0;
    for (let i = 0; i < rows; i += 1) {
      const choice = choices[i];
      lengths[choice] += 1;
      if (choice < last) isInOrder = false;
      last = choice;
    }
    return isInOrder;
  }

  #places(rows: number, lengths: Uint32Array): Uint32Array {
    const next = new Uint32Array(lengths.length);
    for (let i = 1; i < next.length; i += 1) next[i] = next[i - 1] + lengths[i - 1];
    const places = new Uint32Array(rows);
    for (let i = 0; i < rows; i += 1) places[i] = next[this.choices[i]]++;
    return places;
  }
}
