/**
 * The step "limit": the first n rows, after which nothing more is read.
 */
import type { Batch } from "../../batch/column.ts";
import { sliceColumn } from "../../batch/gather.ts";
import type { StepPlan } from "../../plan/physical.ts";
import type { Operator } from "../operator.ts";
import type { TaskScope } from "../task_scope.ts";

export function createLimit(
  _scope: TaskScope,
  step: StepPlan & { readonly op: "limit" },
  next: Operator,
): Operator {
  let left = step.n;
  return {
    row(row: unknown): void {
      if (left <= 0) return;
      left -= 1;
      next.row(row);
    },
    batch(batch: Batch): void {
      if (left <= 0) return;
      const rows = Math.min(left, batch.rows);
      left -= rows;
      next.batch(rows === batch.rows ? batch : { rows, column: sliceColumn(batch.column, 0, rows) });
    },
    finish: () => next.finish(),
    isDone: () => left <= 0 || (next.isDone?.() ?? false),
    drained: () => next.drained?.(),
  };
}
