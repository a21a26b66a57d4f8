/**
 * The head "merge": reads sorted runs, or sorted shards, as one sorted stream.
 *
 * Each piece of the input is one run; with a range, only keys inside it count. It
 * knows nothing of how the scheduler chose the pieces.
 */

import type { Batch } from "../../batch/column.ts";
import { columnBytes } from "../../batch/gather.ts";
import type { Head, ShardPiece } from "../../plan/physical.ts";
import { pushAll } from "../each_batch.ts";
import type { Operator } from "../operator.ts";
import type { BatchReader } from "../ports.ts";
import type { TaskScope } from "../task_scope.ts";
import { mergeRuns } from "./merge_passes.ts";
import { sortKeysOf } from "./sort_keys.ts";

const MIN_AHEAD_BYTES = 256 << 10;
const MAX_AHEAD_BYTES = 4 << 20;

/** Pushes the rows; the task finishes `next`. */
export async function runMergeHead(
  scope: TaskScope,
  head: Head & { readonly kind: "merge" },
  next: Operator,
): Promise<void> {
  const { lower, upper } = scope.input;
  const pieces = scope.input.pieces[0] ?? [];
  // All runs are read side by side.
  const aheadBytes = Math.min(
    MAX_AHEAD_BYTES,
    Math.max(MIN_AHEAD_BYTES, scope.memoryBytes / 4 / pieces.length),
  );
  const reader = await mergeRuns(
    scope,
    pieces.map((piece) => () => openRun(scope, piece, aheadBytes)),
    {
      keys: sortKeysOf(scope, head.order),
      hasKeyColumn: head.hasKeyColumn,
      memoryBytes: scope.memoryBytes,
      ranges: pieces.map(({ excludesLower, includesUpper }) => {
        return { lower, upper, excludesLower, includesUpper };
      }),
    },
  );
  try {
    await pushAll(scope, reader, next);
  } finally {
    reader.close();
  }
}

/** Reads one piece and counts what is read. */
function openRun(scope: TaskScope, piece: ShardPiece, aheadBytes: number): BatchReader {
  const reader = scope.ports.readPiece(piece, aheadBytes);
  const count = (batch: Batch | undefined) => {
    if (batch !== undefined) {
      scope.totals.rowsIn += batch.rows;
      scope.totals.bytesIn += columnBytes(batch.column);
    }
    return batch;
  };
  return {
    next() {
      const read = reader.next();
      return read instanceof Promise ? read.then(count) : count(read);
    },
    close: () => reader.close(),
  };
}
