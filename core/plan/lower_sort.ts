/**
 * Lowers sorts: runs in every task, then a merge of one range of keys in each.
 */
import type { GraphNode } from "../graph/node.ts";
import { type Draft, startDraft } from "./draft.ts";
import type { Lowering } from "./lowering.ts";
import { isOrdered, orderingOf, sortOrderOf } from "./ordering.ts";
import { choosePartitions } from "./partitions.ts";
import type { Head, SortOrder } from "./physical.ts";
import type { Placement } from "./placement.ts";

/** sortBy, sortByKey, sort. */
export function lowerSort(lowering: Lowering, node: GraphNode): Draft {
  const draft = lowering.chain(node.inputs[0]);
  const order = sortOrderOf(node);
  const ordering = orderingOf(node, order, true);
  const wanted = "shards" in node.spec ? node.spec.shards : undefined;
  draft.nodes.push(node.id);
  if (isOrdered(draft.ordering, ordering) && (wanted === undefined || wanted === draft.tasks)) {
    draft.notes.push(`no ${node.spec.kind}: the rows are in this order already`);
    return draft;
  }
  const shards = wanted ?? chooseRanges(draft.bytes, lowering.facts.slots);
  if (shards === 1 && draft.tasks === 1) {
    draft.steps.push({ op: "sort", order });
    draft.ordering = ordering;
    return draft;
  }
  return startDraft({
    head: mergeRanges(lowering, draft, order),
    tasks: shards,
    bytes: draft.bytes,
    nodes: [node.id],
    needsCommittedInput: true,
    hasDemandedShards: wanted !== undefined,
    ordering,
    placement: sortedPlacement(node, order, shards),
  });
}

/** A merge passes its rows on, so a range may be larger than cache; each one reads a chunk of each run in vain. */
const RANGE_PIECES = 2;
/** So many tasks a slot still come to an end together. */
const SLOT_RANGES = 4;

function chooseRanges(bytes: number, slots: number): number {
  const pieces = choosePartitions(bytes, slots);
  return Math.min(pieces, Math.max(Math.ceil(pieces / RANGE_PIECES), Math.floor(slots) * SLOT_RANGES));
}

function mergeRanges(lowering: Lowering, draft: Draft, order: SortOrder): Head {
  const hasKeyColumn = order.by === "key";
  const { from } = lowering.exchange(draft, { kind: "runs", order, hasKeyColumn }, draft.tasks);
  return { kind: "merge", input: { from, mode: "range" }, order, hasKeyColumn };
}

/**
 * Ranges do not overlap, so equal keys share a shard, and so do equal rows where their keys are equal. A closure may
 * give any key, such as a random one, and of a compare function nobody knows.
 */
function sortedPlacement({ spec }: GraphNode, { by }: SortOrder, partitions: number): Placement | undefined {
  const isClosure = by === "key" && !("field" in spec && spec.field !== undefined);
  if (by === "compare" || isClosure) return undefined;
  return { how: "grouped", key: by === "pairKey" ? "pair" : "row", partitions };
}

export function lowerLocalSort(lowering: Lowering, node: GraphNode): Draft {
  const draft = lowering.chain(node.inputs[0]);
  const order = sortOrderOf(node);
  draft.nodes.push(node.id);
  if (isOrdered(draft.ordering, orderingOf(node, order, false))) {
    draft.notes.push("no localSort: the rows are in this order already");
    return draft;
  }
  draft.steps.push({ op: "sort", order });
  draft.ordering = orderingOf(node, order, draft.tasks === 1);
  return draft;
}

export function lowerMergeSorted(lowering: Lowering, node: GraphNode): Draft {
  if (node.spec.kind !== "mergeSorted") throw new RangeError(`Cannot merge by node ${node.id}`);
  const draft = lowering.chain(node.inputs[0]);
  if (draft.tasks <= node.spec.shards) {
    draft.nodes.push(node.id);
    draft.notes.push(`no mergeSorted: there are ${draft.tasks} shards`);
    return draft;
  }
  const { from } = lowering.store(draft);
  const tasks = node.spec.shards;
  const order = sortOrderOf(node);
  const input = { from, mode: tasks === 1 ? "all" : "spread" } as const;
  return startDraft({
    head: { kind: "merge", input, order, hasKeyColumn: false },
    tasks,
    bytes: draft.bytes,
    nodes: [node.id],
    ordering: orderingOf(node, order, tasks === 1),
  });
}
