/**
 * Lowers what moves rows between shards and changes nothing else.
 */
import type { GraphNode, NodeId } from "../graph/node.ts";
import { type Draft, startDraft } from "./draft.ts";
import type { Lowering } from "./lowering.ts";
import type { Head, InputEdge, Tail } from "./physical.ts";
import { hashedPartitions, type Placement } from "./placement.ts";

/**
 * Ends a draft with an exchange and begins the group that reads its partitions.
 *
 * @param nodes The operation that demands just so many partitions, if one does.
 */
export function readPartitions(
  lowering: Lowering,
  draft: Draft,
  tail: Tail & { readonly partitions: number },
  placement?: Placement,
  nodes: readonly NodeId[] = [],
): Draft {
  const { from } = lowering.exchange(draft, tail, tail.partitions);
  const head: Head = { kind: "read", inputs: [{ from, mode: "partition" }] };
  const { partitions: tasks } = tail;
  return startDraft({
    head,
    tasks,
    bytes: draft.bytes,
    placement,
    nodes,
    hasDemandedShards: nodes.length > 0,
  });
}

export function lowerPlacement(lowering: Lowering, node: GraphNode): Draft {
  const { spec } = node;
  const draft = lowering.chain(node.inputs[0]);
  switch (spec.kind) {
    case "partitionByKey":
      return partitionByKey(lowering, draft, node, spec.shards);
    case "partitionBy": {
      draft.nodes.push(node.id);
      return readPartitions(
        lowering,
        draft,
        { kind: "function", partitions: spec.shards, node: node.id },
        undefined,
        [node.id],
      );
    }
    case "coalesce":
      return coalesce(lowering, draft, node, spec.shards);
    case "repartition":
    case "roundRobin": {
      draft.nodes.push(node.id);
      return readPartitions(lowering, draft, { kind: "roundRobin", partitions: spec.shards }, undefined, [
        node.id,
      ]);
    }
    default:
      throw new RangeError(`Cannot place rows by node ${node.id}: it is ${spec.kind}`);
  }
}

function partitionByKey(lowering: Lowering, draft: Draft, node: GraphNode, partitions: number): Draft {
  if (hashedPartitions(draft.placement) === partitions) {
    draft.notes.push(`no exchange for partitionByKey: the pairs lie by key in ${partitions} shards already`);
    draft.nodes.push(node.id);
    return draft;
  }
  draft.nodes.push(node.id);
  const tail = { kind: "hash", partitions, key: "pair", node: node.id } as const;
  return readPartitions(lowering, draft, tail, { how: "hash", key: "pair", partitions }, [node.id]);
}

function coalesce(lowering: Lowering, draft: Draft, node: GraphNode, shards: number): Draft {
  if (draft.tasks <= shards) {
    draft.notes.push(`no coalesce: there are ${draft.tasks} shards`);
    draft.nodes.push(node.id);
    return draft;
  }
  const { from, bytes, ordering } = lowering.store(draft);
  const head: Head = { kind: "read", inputs: [{ from, mode: "spread" }] };
  return startDraft({
    head,
    tasks: shards,
    bytes,
    nodes: [node.id],
    // Neighbours in order stay in order.
    ordering: ordering?.isGlobal ? ordering : undefined,
  });
}

/** One task for each shard of each input; a union of unions is one. */
export function lowerUnion(lowering: Lowering, node: GraphNode): Draft {
  const inputs: InputEdge[] = [];
  const nodes = [];
  let tasks = 0;
  let bytes = 0;
  for (const input of node.inputs) {
    const draft = lowering.chain(input);
    tasks += draft.tasks;
    bytes += draft.bytes;
    if (isBareUnion(draft)) {
      inputs.push(...draft.head.inputs);
      nodes.push(...draft.nodes);
    } else {
      inputs.push({ from: lowering.store(draft).from, mode: "union" });
    }
  }
  return startDraft({ head: { kind: "read", inputs }, tasks, bytes, nodes: [...nodes, node.id] });
}

function isBareUnion(draft: Draft): draft is Draft & { readonly head: Head & { readonly kind: "read" } } {
  return (
    draft.steps.length === 0 &&
    draft.head.kind === "read" &&
    draft.head.inputs.every(({ mode }) => mode === "union")
  );
}
