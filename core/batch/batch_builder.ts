/**
 * Builds batches of rows: infers the shape, and widens it when a row does not fit.
 *
 * It knows nothing of where the batches go. Shapes only ever widen, so the number
 * of early batches is bounded by the height of the lattice.
 */
import { LucioleError } from "../errors.ts";
import type { Batch } from "./column.ts";
import { type ColumnWriter, columnWriter } from "./column_writer.ts";
import { rowReader } from "./row_reader.ts";
import { checkSerialisable } from "./serialisable.ts";
import { NONE, shapeOf, widen } from "./shape.ts";

export interface BatchBuilderOptions {
  /** Rows of one batch at most. Default 65536. */
  readonly maxRows?: number;
  /** A batch that has grown to this many bytes is emitted. Default 1 MiB. */
  readonly maxBytes?: number;
  readonly onBatch: (batch: Batch) => void;
}

/** So few rows are written again in the wider shape instead of leaving as a tiny batch. */
const FEW_ROWS = 1024;

export class BatchBuilder {
  readonly #maxRows: number;
  readonly #maxBytes: number;
  readonly #onBatch: (batch: Batch) => void;
  #shape = NONE;
  #writer: ColumnWriter = columnWriter(NONE);
  #rows = 0;
  #sizeBytes = 0;

  constructor(options: BatchBuilderOptions) {
    this.#maxRows = options.maxRows ?? 65536;
    this.#maxBytes = options.maxBytes ?? 1 << 20;
    this.#onBatch = options.onBatch;
  }

  /** Rows held now. */
  get rows(): number {
    return this.#rows;
  }

  /** About how many bytes are held now. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Takes one row. @throws {LucioleError} code "not-serialisable" when it cannot be stored. */
  append(row: unknown): void {
    let size = this.#writer.write(row, this.#rows);
    if (size < 0) size = this.#widenFor(row);
    this.#sizeBytes += size;
    this.#rows++;
    if (this.#rows >= this.#maxRows || this.#sizeBytes >= this.#maxBytes) this.flush();
  }

  /** Emits what is held, if anything. */
  flush(): void {
    if (this.#rows === 0) return;
    const rows = this.#rows;
    const column = this.#writer.finish(rows);
    this.#rows = 0;
    this.#sizeBytes = 0;
    this.#onBatch({ rows, column });
  }

  #widenFor(row: unknown): number {
    checkSerialisable(row);
    if (this.#rows > FEW_ROWS) this.flush();
    const held = this.#rows;
    const read = rowReader(this.#writer.finish(held));
    this.#shape = widen(this.#shape, shapeOf(row));
    this.#writer = columnWriter(this.#shape);
    this.#sizeBytes = 0;
    for (let i = 0; i < held; i++) this.#sizeBytes += this.#writer.write(read(i), i);
    const size = this.#writer.write(row, held);
    if (size >= 0) return size;
    throw new LucioleError("not-serialisable", "Cannot store a row: it is another one each time it is read");
  }
}
