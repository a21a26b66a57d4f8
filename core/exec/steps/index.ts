/**
 * The step "index": [row, number of the row in the whole dataset].
 *
 * The task brings the number of rows before its shard; the step only counts on.
 */
import type { Batch } from "../../batch/column.ts";
import { tupleBatch } from "../../batch/make.ts";
import type { StepPlan } from "../../plan/physical.ts";
import type { Operator } from "../operator.ts";
import type { TaskScope } from "../task_scope.ts";

export function createIndex(
  scope: TaskScope,
  _step: StepPlan & { readonly op: "index" },
  next: Operator,
): Operator {
  let index = scope.input.firstIndex ?? 0;
  const operator: Operator = {
    row: (row: unknown) => next.row([row, index++]),
    batch({ rows, column }: Batch): void {
      const values = new Float64Array(rows);
      for (let i = 0; i < rows; i += 1) values[i] = index + i;
      index += rows;
      next.batch(tupleBatch([column, { kind: "number", length: rows, values }], rows));
    },
    finish: () => next.finish(),
    drained: () => next.drained?.(),
  };
  // Loops before an operator without isDone are spared to ask.
  return next.isDone === undefined ? operator : { ...operator, isDone: () => next.isDone?.() ?? false };
}
