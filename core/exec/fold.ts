/**
 * Aggregation without key: reduce, aggregate, count, sum, min, max, mean, stats.
 *
 * Holds one accumulator. Columns of numbers are folded by typed loops; everything
 * else row by row. Knows nothing of keys.
 */

import type { Batch } from "../batch/column.ts";
import { rowReader } from "../batch/row_reader.ts";
import type { StepPlan } from "../plan/physical.ts";
import { type Aggregator, aggregatorOf } from "./aggregator.ts";
import type { Operator } from "./operator.ts";
import { nodeOf, type TaskScope } from "./task_scope.ts";

/** The step that emits one row: an accumulator (partial, none when there was no row) or the result. */
export function createFold(
  scope: TaskScope,
  step: StepPlan & { readonly op: "fold" },
  next: Operator,
): Operator {
  return new Fold(scope, step, next);
}

class Fold implements Operator {
  readonly #scope: TaskScope;
  readonly #step: StepPlan & { readonly op: "fold" };
  readonly #next: Operator;
  readonly #aggregator: Aggregator;
  #acc: unknown;
  /** Rows taken; 0 means that there is no accumulator yet. */
  #rows = 0;

  constructor(scope: TaskScope, step: StepPlan & { readonly op: "fold" }, next: Operator) {
    this.#scope = scope;
    this.#step = step;
    this.#next = next;
    this.#aggregator = aggregatorOf(nodeOf(scope.graph, step.node));
  }

  row(row: unknown): void {
    const { first, add, merge } = this.#aggregator;
    const isMerge = this.#step.phase === "merge";
    try {
      if (this.#rows === 0) this.#acc = isMerge ? row : first(row);
      else this.#acc = isMerge ? merge(this.#acc, row) : add(this.#acc, row);
    } catch (error) {
      this.#scope.fail(this.#step.node, error, this.#rows);
    }
    this.#rows++;
  }

  batch(batch: Batch): void {
    if (batch.rows === 0) return;
    const { shape, addAll } = this.#aggregator;
    const column = batch.column;
    if (this.#step.phase !== "merge" && shape === "count") {
      this.#acc = ((this.#acc as number | undefined) ?? 0) + batch.rows;
      this.#rows += batch.rows;
    } else if (
      this.#step.phase !== "merge" &&
      addAll !== undefined &&
      column.kind === "number" &&
      column.validity === undefined
    ) {
      const values = column.values.subarray(0, batch.rows);
      // An absent accumulator is told by the number of rows: undefined may be an extreme itself.
      this.#acc = this.#rows === 0 ? addAll(undefined, values) : this.#addMore(addAll, values);
      this.#rows += batch.rows;
    } else {
      const read = rowReader(column);
      for (let i = 0; i < batch.rows; i++) this.row(read(i));
    }
  }

  #addMore(addAll: NonNullable<Aggregator["addAll"]>, values: Float64Array): unknown {
    return this.#acc === undefined
      ? this.#aggregator.merge(undefined, addAll(undefined, values))
      : addAll(this.#acc, values);
  }

  async finish(): Promise<void> {
    const { finish, empty } = this.#aggregator;
    const isPartial = this.#step.phase === "partial";
    let results: unknown[] = [];
    try {
      if (this.#rows > 0) results = [isPartial ? this.#acc : finish(this.#acc)];
      else if (!isPartial && empty !== undefined) results = [empty()];
    } catch (error) {
      this.#scope.fail(this.#step.node, error);
    }
    for (const result of results) this.#next.row(result);
    await this.#next.finish();
  }
}
