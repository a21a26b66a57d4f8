/**
 * Lowers joins: broadcast a small side, else bring both sides to equal hash
 * partitions, with no exchange for a side that lies so already.
 */
import type { GraphNode } from "../graph/node.ts";
import { broadcastSide } from "./broadcast.ts";
import { type Draft, startDraft } from "./draft.ts";
import type { Lowering } from "./lowering.ts";
import { choosePartitions } from "./partitions.ts";
import type { Head, InputEdge } from "./physical.ts";
import { hashedPartitions } from "./placement.ts";

export function lowerJoin(lowering: Lowering, node: GraphNode): Draft {
  const { spec } = node;
  if (spec.kind !== "join") throw new RangeError(`Cannot join by node ${node.id}: it is ${spec.kind}`);
  const left = lowering.chain(node.inputs[0]);
  const right = lowering.chain(node.inputs[1]);
  const areAligned =
    hashedPartitions(left.placement) !== undefined &&
    hashedPartitions(left.placement) === hashedPartitions(right.placement);
  const side = areAligned && spec.strategy === "auto" ? undefined : broadcastSide({ ...spec, left, right });
  if (side !== undefined) return broadcastJoin(lowering, node, left, right, side);
  const strategy = spec.strategy === "sort-merge" ? "sort-merge" : "hash";
  return hashJoin(lowering, node, left, right, { how: spec.how, strategy });
}

export function lowerCogroup(lowering: Lowering, node: GraphNode): Draft {
  const left = lowering.chain(node.inputs[0]);
  const right = lowering.chain(node.inputs[1]);
  return hashJoin(lowering, node, left, right, { how: "cogroup", strategy: "hash" });
}

function broadcastJoin(
  lowering: Lowering,
  node: GraphNode,
  left: Draft,
  right: Draft,
  side: "left" | "right",
): Draft {
  if (node.spec.kind !== "join" || node.spec.how === "full") {
    throw new RangeError(`Cannot broadcast a side of node ${node.id}`);
  }
  const [small, streamed] = side === "left" ? [left, right] : [right, left];
  const { from } = lowering.store(small);
  streamed.notes.push(`the ${side} side is broadcast`);
  streamed.steps.push({
    op: "broadcastJoin",
    node: node.id,
    how: node.spec.how,
    streamed: side === "left" ? "right" : "left",
    side: { from, mode: "all" },
  });
  streamed.nodes.push(node.id);
  streamed.bytes += small.bytes;
  // Keys stay where they are; values change.
  if (streamed.placement?.key === "row") streamed.placement = undefined;
  if (streamed.ordering?.by !== "pairKey") streamed.ordering = undefined;
  return streamed;
}

type JoinForm = Pick<Head & { readonly kind: "join" }, "how" | "strategy">;

function hashJoin(lowering: Lowering, node: GraphNode, left: Draft, right: Draft, form: JoinForm): Draft {
  const partitions = joinPartitions(lowering, left, right);
  const notes: string[] = [];
  const align = (draft: Draft, side: string): InputEdge => {
    if (hashedPartitions(draft.placement) === partitions || (partitions === 1 && draft.tasks === 1)) {
      notes.push(`no exchange of the ${side} side: it lies by key in ${partitions} shards already`);
      return { from: lowering.store(draft).from, mode: "forward" };
    }
    const tail = { kind: "hash", partitions, key: "pair", node: node.id } as const;
    return { from: lowering.exchange(draft, tail, partitions).from, mode: "partition" };
  };
  const head: Head = {
    kind: "join",
    node: node.id,
    ...form,
    left: align(left, "left"),
    right: align(right, "right"),
  };
  const draft = startDraft({
    head,
    tasks: partitions,
    bytes: left.bytes + right.bytes,
    nodes: [node.id],
    placement: { how: "hash", key: "pair", partitions },
    // A side that lies by key already may do so because the user wanted so many shards.
    hasDemandedShards: notes.length > 0,
  });
  draft.notes.push(...notes);
  return draft;
}

/** What is placed already decides, unless it is much coarser than the sizes ask for. */
function joinPartitions(lowering: Lowering, left: Draft, right: Draft): number {
  const [one, other] = [hashedPartitions(left.placement), hashedPartitions(right.placement)];
  if (one !== undefined && one === other) return one;
  const wanted = choosePartitions(left.bytes + right.bytes, lowering.facts.slots);
  const placed = Math.max(one ?? 0, other ?? 0);
  return placed * 2 >= wanted ? placed : wanted;
}
