/**
 * Where chains of steps are cut: the fusion rule, seen from the dataset.
 *
 * A step joins the task group of its input while the input has one reader and
 * the step has one task for each of its shards. So a dataset is stored when more
 * than one step reads it, when it leaves the execution, or when the user marked it.
 */
import type { Graph, GraphNode, NodeId } from "../graph/node.ts";

export interface FusionRule {
  /** The node behind marks and broadcasts, which plan as their input. */
  real(id: NodeId): NodeId;
  /** Real nodes that an output or sink needs, in order. */
  readonly reachable: readonly GraphNode[];
  /** True when the dataset must be stored, so that the chain ends with it. */
  isCut(id: NodeId): boolean;
  /** True when the user wants it in the checkpoint of the job. */
  isCheckpoint(id: NodeId): boolean;
  /** Where the user wants its shards, should they be stored. */
  storageOf(id: NodeId): "memory" | "disk" | undefined;
  /** True when it becomes a handle of the execution. */
  isOutput(id: NodeId): boolean;
}

export function fusionRule(graph: Graph): FusionRule {
  const reals = realNodes(graph);
  const real = (id: NodeId): NodeId => reals[id];
  const outputs = new Set(graph.outputs.map(real));
  const needed = new Set<NodeId>(graph.outputs);
  for (const node of graph.nodes.toReversed()) {
    if (!needed.has(node.id)) continue;
    for (const input of node.inputs) needed.add(input);
  }
  const readers = new Uint32Array(graph.nodes.length);
  const marked = new Set<NodeId>();
  const checkpoints = new Set<NodeId>();
  const storages = new Map<NodeId, "memory" | "disk">();
  for (const node of graph.nodes) {
    if (!needed.has(node.id)) continue;
    if (isKept(node)) marked.add(reals[node.id]);
    if (node.spec.kind === "mark" && node.spec.marks.checkpoint === true) checkpoints.add(reals[node.id]);
    if (node.spec.kind === "mark" && node.spec.marks.storage !== undefined)
      storages.set(reals[node.id], node.spec.marks.storage);
    if (reals[node.id] !== node.id) continue;
    for (const input of node.inputs) readers[reals[input]] += 1;
  }
  return {
    real,
    reachable: graph.nodes.filter((node) => needed.has(node.id) && reals[node.id] === node.id),
    isCut: (id) => readers[id] > 1 || marked.has(id) || (outputs.has(id) && !isSink(graph.nodes[id])),
    isCheckpoint: (id) => checkpoints.has(id),
    storageOf: (id) => storages.get(id),
    isOutput: (id) => outputs.has(id) && !isSink(graph.nodes[id]),
  };
}

export function isSink({ spec }: GraphNode): boolean {
  return spec.kind === "sink" || spec.kind === "forEach";
}

function isKept({ spec }: GraphNode): boolean {
  return spec.kind === "mark" && (spec.marks.cache === true || spec.marks.checkpoint === true);
}

function realNodes(graph: Graph): readonly NodeId[] {
  const reals: NodeId[] = [];
  for (const { id, spec, inputs } of graph.nodes) {
    reals.push(spec.kind === "mark" || spec.kind === "broadcast" ? reals[inputs[0]] : id);
  }
  return reals;
}
