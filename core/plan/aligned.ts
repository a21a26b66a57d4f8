/**
 * Which partitions of a keyed step spare an exchange behind it: those of the dataset that its rows are joined with.
 *
 * It looks along the graph, so it does not matter which side of a join was written first. A guess: what it says
 * decides partition counts, never results.
 */
import type { GraphNode, NodeId } from "../graph/node.ts";
import type { Lowering } from "./lowering.ts";
import { choosePartitions } from "./partitions.ts";
import { hashedPartitions, type Placement, placementAfter } from "./placement.ts";

/** More tasks than that for each one that the sizes ask for cost more than an exchange does. */
const MAX_FINER = 4;

/** How many partitions an exchange by key before this node should have. */
export function keyedPartitions(lowering: Lowering, node: GraphNode, bytes: number): number {
  const { slots } = lowering.facts;
  const wanted = choosePartitions(bytes, slots);
  const aligned = wanted > 1 ? joinedPartitions(lowering, node.id) : undefined;
  const isFit = aligned !== undefined && aligned * 2 >= wanted && aligned <= MAX_FINER * wanted;
  return isFit ? aligned : wanted;
}

/** Partitions of what the rows are joined with before their keys change. */
function joinedPartitions(lowering: Lowering, id: NodeId): number | undefined {
  for (const reader of lowering.graph.nodes) {
    if (!reader.inputs.includes(id)) continue;
    const partitions = isJoin(reader)
      ? placedPartitions(lowering, reader.inputs[reader.inputs[0] === id ? 1 : 0])
      : keepsPlace(reader)
        ? joinedPartitions(lowering, reader.id)
        : undefined;
    if (partitions !== undefined) return partitions;
  }
  return undefined;
}

/** Partitions by key in which a node's rows will lie, as far as the graph tells. */
function placedPartitions(lowering: Lowering, id: NodeId): number | undefined {
  const node = lowering.graph.nodes[id];
  const { spec, inputs } = node;
  if (spec.kind === "from") return hashedPartitions(lowering.facts.datasets.get(spec.dataset)?.placement);
  if (spec.kind === "partitionByKey") return spec.shards;
  return keepsPlace(node) ? placedPartitions(lowering, inputs[0]) : undefined;
}

function isJoin({ spec }: GraphNode): boolean {
  return spec.kind === "cogroup" || (spec.kind === "join" && spec.strategy !== "broadcast");
}

const BY_KEY: Placement = { how: "hash", key: "pair", partitions: 1 };

/** Whether rows that lie by key still do so behind a node. */
function keepsPlace({ spec }: GraphNode): boolean {
  return spec.kind === "mark" || hashedPartitions(placementAfter(spec, BY_KEY)) !== undefined;
}
