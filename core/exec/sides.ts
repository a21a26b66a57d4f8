/**
 * The datasets that a task reads whole before its rows flow: `with` and broadcast joins.
 *
 * Rows for closures, batches for joins. They count towards nobody's budget: a
 * broadcast dataset is small by the user's word.
 */
import type { Batch } from "../batch/column.ts";
import { rowReader } from "../batch/row_reader.ts";
import type { StepPlan } from "../plan/physical.ts";
import type { SideContext, TaskContext } from "./context.ts";
import { sideKey } from "./keyed/kept_table.ts";
import { openPieces } from "./piece_head.ts";
import type { TaskScope } from "./task_scope.ts";

export type SideBatches = ReadonlyMap<StepPlan, readonly Batch[]>;

/** Reads the sides of all steps. */
export async function loadSides(scope: TaskScope): Promise<SideBatches> {
  const sides = new Map<StepPlan, readonly Batch[]>();
  for (const [place, step] of scope.plan.steps.entries()) {
    const pieces = scope.input.sides[place];
    if (pieces === undefined || scope.kept?.find(sideKey(scope, step)) !== undefined) continue;
    const batches: Batch[] = [];
    const reader = openPieces(scope, pieces);
    try {
      for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
        batches.push(batch);
        await scope.settle();
      }
    } finally {
      reader.close();
    }
    sides.set(step, batches);
  }
  return sides;
}

/** The task's context with the rows of a side; its methods stay bound to the context that they belong to. */
export function sideContext(context: TaskContext, batches: readonly Batch[]): SideContext<unknown> {
  const side: unknown[] = [];
  for (const batch of batches) {
    const read = rowReader(batch.column);
    for (let i = 0; i < batch.rows; i++) side.push(read(i));
  }
  return {
    shard: context.shard,
    shards: context.shards,
    worker: context.worker,
    signal: context.signal,
    log: (text) => context.log(text),
    count: (name, by) => context.count(name, by),
    sendToDriver: (message) => context.sendToDriver(message),
    on: context.on.bind(context),
    side,
  };
}
