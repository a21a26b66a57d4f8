/**
 * Reads batches to their end, and lets what is behind them keep up: heads and operators that take many at a time.
 */
import type { Batch } from "../batch/column.ts";
import type { Operator } from "./operator.ts";
import type { BatchReader } from "./ports.ts";
import type { TaskScope } from "./task_scope.ts";

/** Reads to the end, or until `take` returns false; tells which. */
export async function eachBatch(
  scope: TaskScope,
  reader: BatchReader,
  take: (batch: Batch) => unknown,
): Promise<boolean> {
  for (;;) {
    const read = reader.next();
    const batch = read instanceof Promise ? await read : read;
    if (batch === undefined) return true;
    if (take(batch) === false) return false;
    const waiting = scope.settle();
    if (waiting !== undefined) await waiting;
  }
}

/** Pushes what a reader gives until it ends or no further row matters. */
export async function pushAll(scope: TaskScope, reader: BatchReader, next: Operator): Promise<void> {
  if (next.isDone?.()) return;
  await eachBatch(scope, reader, (batch) => {
    next.batch(batch);
    return !next.isDone?.();
  });
}
