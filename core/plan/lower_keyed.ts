/**
 * Lowers keyed aggregation: combine before the exchange, and no exchange where
 * equal keys share a shard already.
 */
import type { GraphNode } from "../graph/node.ts";
import { keyedPartitions } from "./aligned.ts";
import type { Draft } from "./draft.ts";
import { readPartitions } from "./lower_placement.ts";
import { addStep } from "./lower_rows.ts";
import type { Lowering } from "./lowering.ts";
import { choosePartitions } from "./partitions.ts";
import { isColocated, type Placement } from "./placement.ts";

/** The keyed aggregations, countByValue and distinct. */
export function lowerCombine(lowering: Lowering, node: GraphNode): Draft {
  const { kind } = node.spec;
  const key = kind === "countByValue" || kind === "distinct" ? "row" : "pair";
  const draft = lowering.chain(node.inputs[0]);
  if (canStay(lowering, draft, key, kind)) {
    addStep(draft, node, { op: "combine", node: node.id, phase: "complete", key });
    return placed(draft, kind);
  }
  addStep(draft, node, { op: "combine", node: node.id, phase: "partial", key });
  draft.notes.push(`combined before the exchange that ${kind} needs`);
  // Partial counts of rows are pairs [row, count].
  const keyOut = kind === "distinct" ? "row" : "pair";
  const partitions =
    keyOut === "pair"
      ? keyedPartitions(lowering, node, draft.bytes)
      : choosePartitions(draft.bytes, lowering.facts.slots);
  const placement: Placement = { how: "hash", key: keyOut, partitions };
  const merged = readPartitions(lowering, draft, { kind: "hash", partitions, key: keyOut }, placement);
  merged.steps.push({ op: "combine", node: node.id, phase: "merge", key: keyOut });
  merged.nodes.push(node.id);
  return merged;
}

export function lowerGroup(lowering: Lowering, node: GraphNode): Draft {
  const draft = lowering.chain(node.inputs[0]);
  if (canStay(lowering, draft, "pair", node.spec.kind)) {
    addStep(draft, node, { op: "group", node: node.id });
    return placed(draft, node.spec.kind);
  }
  const partitions = keyedPartitions(lowering, node, draft.bytes);
  const placement: Placement = { how: "hash", key: "pair", partitions };
  draft.notes.push(`exchanged by key for ${node.spec.kind}`);
  const tail = { kind: "hash", partitions, key: "pair", node: node.id } as const;
  const grouped = readPartitions(lowering, draft, tail, placement);
  addStep(grouped, node, { op: "group", node: node.id });
  return grouped;
}

/** The `local…` forms: the step alone. */
export function lowerLocalKeyed(lowering: Lowering, node: GraphNode): Draft {
  const draft = lowering.chain(node.inputs[0]);
  if (node.spec.kind === "localGroupByKey") addStep(draft, node, { op: "group", node: node.id });
  else addStep(draft, node, { op: "combine", node: node.id, phase: "complete", key: "pair" });
  return draft;
}

function canStay(lowering: Lowering, draft: Draft, key: "pair" | "row", kind: string): boolean {
  if (isColocated(draft.placement, key)) {
    draft.notes.push(`no exchange for ${kind}: equal keys share a shard already`);
    return true;
  }
  if (draft.tasks > 1 || choosePartitions(draft.bytes, lowering.facts.slots) > 1) return false;
  draft.notes.push(`no exchange for ${kind}: there is one small shard`);
  return true;
}

/** One shard is placed by any key. */
function placed(draft: Draft, kind: string): Draft {
  if (draft.tasks === 1) {
    draft.placement = { how: "hash", key: kind === "distinct" ? "row" : "pair", partitions: 1 };
  }
  return draft;
}
