/**
 * Lowers what ends in one task: folds, top, limit; and numbering.
 */
import type { GraphNode } from "../graph/node.ts";
import { type Draft, readAll, readShards } from "./draft.ts";
import { addStep } from "./lower_rows.ts";
import type { Lowering } from "./lowering.ts";
import type { StepPlan } from "./physical.ts";
import { placementAfter } from "./placement.ts";

/** reduce, aggregate, count, sum, min, max, mean, stats. */
export function lowerFold(lowering: Lowering, node: GraphNode): Draft {
  const draft = lowering.chain(node.inputs[0]);
  if (draft.tasks === 1) {
    addStep(draft, node, { op: "fold", node: node.id, phase: "complete" });
    return draft;
  }
  addStep(draft, node, { op: "fold", node: node.id, phase: "partial" });
  draft.notes.push(`folded in every task before one task finishes ${node.spec.kind}`);
  const whole = readAll(lowering.store(draft));
  addStep(whole, node, { op: "fold", node: node.id, phase: "merge" });
  return whole;
}

export function lowerTop(lowering: Lowering, node: GraphNode): Draft {
  return inEveryTaskAndOne(lowering, node, { op: "top", node: node.id });
}

export function lowerLimit(lowering: Lowering, node: GraphNode): Draft {
  if (node.spec.kind !== "limit") throw new RangeError(`Cannot limit by node ${node.id}`);
  return inEveryTaskAndOne(lowering, node, { op: "limit", node: node.id, n: node.spec.n });
}

/** The step keeps few rows in every task; the same step in one task keeps the right ones of these. */
function inEveryTaskAndOne(lowering: Lowering, node: GraphNode, step: StepPlan): Draft {
  const draft = lowering.chain(node.inputs[0]);
  const { tasks } = draft;
  addStep(draft, node, step);
  if (tasks === 1) return draft;
  draft.notes.push(`${node.spec.kind} in every task before one task`);
  const whole = readAll(lowering.store(draft));
  addStep(whole, node, step);
  return whole;
}

/** Numbers need the row counts of all shards before, so the input is stored. */
export function lowerIndex(lowering: Lowering, node: GraphNode): Draft {
  const stored = lowering.store(lowering.chain(node.inputs[0]));
  const draft = readShards(stored, true);
  addStep(draft, node, { op: "index", node: node.id });
  draft.placement = placementAfter(node.spec, stored.placement);
  return draft;
}
