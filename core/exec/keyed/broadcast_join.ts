/**
 * Step "broadcastJoin": joins the rows that pass with a small side that every task holds whole.
 *
 * Rows keep their order. A join that keeps side rows without a partner cannot be
 * done this way, as no task sees all the rows that might match.
 */

import { BatchBuilder } from "../../batch/batch_builder.ts";
import type { Batch } from "../../batch/column.ts";
import { PlanError } from "../../errors.ts";
import type { StepPlan } from "../../plan/physical.ts";
import type { Operator } from "../operator.ts";
import type { TaskScope } from "../task_scope.ts";
import { JoinTable } from "./join_table.ts";
import { sideKey } from "./kept_table.ts";
import { pairColumns, pairOf } from "./pair_columns.ts";

type BroadcastStep = StepPlan & { readonly op: "broadcastJoin" };

export interface BroadcastJoinOptions {
  readonly scope: TaskScope;
  readonly step: BroadcastStep;
  /** All batches of the side. */
  readonly side: readonly Batch[];
  readonly next: Operator;
}

/** @throws {PlanError} If the join keeps rows of the side that have no partner. */
export function createBroadcastJoin(options: BroadcastJoinOptions): Operator {
  const { how, streamed } = options.step;
  if (how !== "inner" && how !== streamed) {
    throw new PlanError(`Cannot broadcast for a ${how} join: the ${how} side must be streamed`);
  }
  return options.next.isDone === undefined ? new BroadcastJoin(options) : new StoppableBroadcastJoin(options);
}

class BroadcastJoin implements Operator {
  protected readonly next: Operator;
  readonly #scope: TaskScope;
  readonly #step: BroadcastStep;
  readonly #table: JoinTable;
  readonly #isKept: boolean;
  readonly #builder = new BatchBuilder({ onBatch: (batch) => this.#probe(batch) });
  #rows = 0;

  constructor({ scope, step, side, next }: BroadcastJoinOptions) {
    this.next = next;
    this.#scope = scope;
    this.#step = step;
    const key = sideKey(scope, step);
    const kept = scope.kept?.find(key);
    this.#table = kept ?? buildTable(scope, step, side);
    this.#table.emitTo((batch) => next.batch(batch));
    if (key !== undefined && kept === undefined && this.#table.sizeBytes <= scope.memoryBytes) {
      scope.kept?.keep(key, this.#table);
    }
    this.#isKept = scope.kept?.find(key) !== undefined;
  }

  row(row: unknown): void {
    try {
      this.#builder.append(pairOf(row));
    } catch (error) {
      this.#scope.fail(this.#step.node, error, this.#rows);
    }
  }

  batch(batch: Batch): void {
    this.#builder.flush();
    this.#probe(batch);
  }

  flush(): void {
    this.#builder.flush();
  }

  finish(): void | Promise<void> {
    this.#builder.flush();
    return this.next.finish();
  }

  drained(): Promise<void> | undefined {
    return this.next.drained?.();
  }

  close(): void {
    if (!this.#isKept) this.#table.clear();
  }

  #probe(batch: Batch): void {
    try {
      this.#table.probe(batch);
    } catch (error) {
      if (error instanceof TypeError) this.#scope.fail(this.#step.node, error, this.#rows);
      throw error;
    }
    this.#rows += batch.rows;
  }
}

class StoppableBroadcastJoin extends BroadcastJoin {
  isDone(): boolean {
    return this.next.isDone?.() ?? false;
  }
}

function buildTable(scope: TaskScope, step: BroadcastStep, side: readonly Batch[]): JoinTable {
  const table = new JoinTable({
    built: step.streamed === "left" ? "right" : "left",
    keepsProbing: step.how === step.streamed,
    keepsBuilt: false,
  });
  try {
    for (const batch of side) table.build(pairColumns(batch));
  } catch (error) {
    scope.fail(step.node, error);
  }
  table.seal();
  return table;
}
