/**
 * The rows that a merge has chosen.
 *
 * A merge takes the rows of each batch in order, so an output needs only the
 * number of the batch for each row: each batch gives one stretch. Rows are moved
 * by who takes them. It knows nothing of keys.
 */
import type { Batch, Column } from "../../batch/column.ts";
import { columnBytes, sliceColumn } from "../../batch/gather.ts";
import { PickedBatch } from "../../batch/picks.ts";

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
    const batch = this.#batch(rows);
    this.count = 0;
    this.#segments = [];
    this.#rowBytes = 0;
    this.limit = this.#maxRows;
    return batch;
  }

  #batch(rows: number): Batch {
    const segments = this.#segments;
    if (segments.length === 1) {
      const [{ column, from }] = segments;
      return { rows, column: sliceColumn(column, from, from + rows) };
    }
    const choices = this.choices.slice(0, rows);
    const next = Uint32Array.from(segments, ({ from }) => from);
    const places = new Uint32Array(rows);
    for (let i = 0; i < rows; i += 1) places[i] = next[choices[i]]++;
    return new PickedBatch({ sources: segments.map(({ column }) => column), choices, rows: places });
  }
}
