/**
 * Step "group": all values of each key as one row [key, values].
 *
 * Values keep the order in which they came. A key's values must fit in memory
 * together, as they become one row.
 */

import { BatchBuilder } from "../../batch/batch_builder.ts";
import type { Batch } from "../../batch/column.ts";
import type { StepPlan } from "../../plan/physical.ts";
import type { Operator } from "../operator.ts";
import type { TaskScope } from "../task_scope.ts";
import { GroupTable } from "./group_table.ts";
import { pairColumns, pairOf } from "./pair_columns.ts";

type GroupStep = StepPlan & { readonly op: "group" };

export function createGroup(scope: TaskScope, step: GroupStep, next: Operator): Operator {
  return new Group(scope, step, next);
}

class Group implements Operator {
  readonly #scope: TaskScope;
  readonly #step: GroupStep;
  readonly #next: Operator;
  readonly #table: GroupTable;
  readonly #builder: BatchBuilder;
  #rows = 0;

  constructor(scope: TaskScope, step: GroupStep, next: Operator) {
    this.#scope = scope;
    this.#step = step;
    this.#next = next;
    this.#table = new GroupTable(scope, 1);
    this.#builder = new BatchBuilder({ onBatch: (batch) => this.#table.add(0, pairColumns(batch)) });
  }

  row(row: unknown): void {
    try {
      this.#builder.append(pairOf(row));
    } catch (error) {
      this.#scope.fail(this.#step.node, error, this.#rows);
    }
    this.#rows++;
  }

  batch(batch: Batch): void {
    try {
      this.#builder.flush();
      this.#table.add(0, pairColumns(batch));
    } catch (error) {
      this.#scope.fail(this.#step.node, error, this.#rows);
    }
    this.#rows += batch.rows;
  }

  async finish(): Promise<void> {
    try {
      this.#builder.flush();
    } catch (error) {
      this.#scope.fail(this.#step.node, error);
    }
    await this.#table.drain((batch) => this.#next.batch(batch));
    await this.#next.finish();
  }

  close(): void {
    this.#table.close();
  }
}
