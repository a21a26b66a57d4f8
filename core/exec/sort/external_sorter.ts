/**
 * Sorts any number of rows within a memory budget.
 *
 * What fits is sorted in memory; more goes to a scratch file as sorted runs that
 * are merged at the end. It knows nothing of steps or of who takes the rows.
 */
import { CborWriter } from "../../batch/cbor_writer.ts";
import type { Batch } from "../../batch/column.ts";
import type { BatchReader, SpillFile } from "../ports.ts";
import type { TaskScope } from "../task_scope.ts";
import { mergeRuns } from "./merge_passes.ts";
import { RunBuffer, type SortedRun } from "./run_buffer.ts";
import type { SortKeys } from "./sort_keys.ts";
import { SpilledRun } from "./spilled_run.ts";

const OUTPUT_ROWS = 16_384;
const FIRST_SCRATCH_BYTES = 4096;

export class ExternalSorter {
  readonly #scope: TaskScope;
  readonly #keys: SortKeys;
  readonly #memoryBytes: number;
  readonly #buffer: RunBuffer;
  readonly #runs: SpilledRun[] = [];
  readonly #scratch = new CborWriter(FIRST_SCRATCH_BYTES);
  #file: SpillFile | undefined;
  #sorted: BatchReader | undefined;

  constructor(scope: TaskScope, keys: SortKeys, memoryBytes: number) {
    this.#scope = scope;
    this.#keys = keys;
    this.#memoryBytes = memoryBytes;
    this.#buffer = new RunBuffer(keys, memoryBytes);
  }

  row(row: unknown): void {
    this.#buffer.row(row);
    if (this.#buffer.isFull) this.#makeRoom();
  }

  batch(batch: Batch): void {
    this.#buffer.batch(batch);
    if (this.#buffer.isFull) this.#makeRoom();
  }

  /** Ends the input and gives the rows in order; the sorter closes the reader. */
  async finish(): Promise<BatchReader> {
    if (this.#runs.length === 0) {
      this.#sorted = runReader(this.#buffer.rows === 0 ? undefined : this.#buffer.take());
      return this.#sorted;
    }
    if (this.#buffer.rows > 0) this.#makeRoom();
    this.#sorted = await mergeRuns(
      this.#scope,
      this.#runs.map((run) => () => run.open()),
      { keys: this.#keys, hasKeyColumn: this.#keys.isComputed, memoryBytes: this.#memoryBytes },
    );
    return this.#sorted;
  }

  close(): void {
    this.#sorted?.close();
    this.#sorted = undefined;
    this.#file?.delete();
    this.#file = undefined;
  }

  #makeRoom(): void {
    const { sizeBytes } = this.#buffer;
    this.#spill();
    this.#scope.ports.released?.(sizeBytes);
  }

  #spill(): void {
    this.#file ??= this.#scope.ports.spill.create();
    const run = new SpilledRun(this.#scope, this.#file, this.#scratch);
    this.#buffer.take().forEachChunk(this.#keys.isComputed, (batch) => run.write(batch));
    this.#runs.push(run);
  }
}

function runReader(run: SortedRun | undefined): BatchReader {
  let left = run;
  let from = 0;
  return {
    next() {
      if (left === undefined || from >= left.rows) return undefined;
      const start = from;
      from = Math.min(start + OUTPUT_ROWS, left.rows);
      return left.chunk(start, from);
    },
    close() {
      left = undefined;
    },
  };
}
