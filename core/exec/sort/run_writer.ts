/**
 * The tail "runs": sorts what fits in memory and writes it as one run of small
 * chunks, each marked with its first key; then the next run.
 *
 * It knows nothing of splitters or of how many tasks will merge the runs.
 */
import { CborWriter } from "../../batch/cbor_writer.ts";
import { encodeBatch } from "../../batch/codec.ts";
import type { Batch } from "../../batch/column.ts";
import type { SortOrder } from "../../plan/physical.ts";
import type { Operator } from "../operator.ts";
import type { ShardWriter } from "../ports.ts";
import type { TaskScope } from "../task_scope.ts";
import { RunBuffer } from "./run_buffer.ts";
import { readableKeys, sortKeysOf } from "./sort_keys.ts";

const FIRST_SCRATCH_BYTES = 4096;

export function createRunWriter(
  scope: TaskScope,
  order: SortOrder,
  hasKeyColumn: boolean,
  writer: ShardWriter,
): Operator {
  const buffer = new RunBuffer(sortKeysOf(scope, order), scope.memoryBytes);
  const scratch = new CborWriter(FIRST_SCRATCH_BYTES);
  let runs = 0;
  const writeRows = () => {
    const sorted = buffer.take();
    const run = runs++;
    sorted.forEachChunk(hasKeyColumn, (batch, from) => {
      const item = encodeBatch(batch, scope.ports.codec, scratch);
      writer.write(0, item, batch.rows, { run, firstKey: sorted.keyAt(from) });
    });
  };
  const writeRun = () => {
    const { sizeBytes } = buffer;
    writeRows();
    scope.ports.released?.(sizeBytes);
  };
  return {
    row(row: unknown): void {
      buffer.row(row);
      if (buffer.isFull) writeRun();
    },
    batch({ rows, column }: Batch): void {
      buffer.batch({ rows, column: readableKeys(order, column) });
      if (buffer.isFull) writeRun();
    },
    finish(): void {
      if (buffer.rows > 0) writeRun();
    },
    drained: () => writer.drained?.(),
  };
}
