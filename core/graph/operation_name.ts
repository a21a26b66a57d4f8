/**
 * The operations of a graph by the names that users know: their own, or as they call them.
 */
import { formatCallSite } from "./call_site.ts";
import type { Graph, NodeId, NodeSpec } from "./node.ts";

/** The method that made a node. */
export function operationName(spec: NodeSpec): string {
  switch (spec.kind) {
    case "array":
      return "values";
    case "join":
      return spec.how === "inner" ? "join" : `${spec.how}Join`;
    case "limit":
      return spec.isFirst ? "first" : "limit";
    case "sink": {
      const { kind } = spec.format;
      return `write${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
    }
    default:
      return spec.kind;
  }
}

/** An output for messages: `countByValue of flow "words" at job.ts:3`. */
export function outputName(graph: Graph, output: NodeId): string {
  const { spec, inputs, callSite } = graph.nodes[output];
  // A mark has a line of its own; what it marks is the operation.
  if (spec.kind === "mark") return outputName(graph, inputs[0]);
  const site = callSite === undefined ? "" : ` at ${formatCallSite(callSite)}`;
  return `${operationName(spec)} of flow "${graph.flow}"${site}`;
}

/** What the user named with `name`, by the node that is meant. */
export function givenNames(graph: Graph): ReadonlyMap<NodeId, string> {
  const names = new Map<NodeId, string>();
  const real = (id: NodeId): NodeId => {
    const { spec, inputs } = graph.nodes[id];
    return spec.kind === "mark" || spec.kind === "broadcast" ? real(inputs[0]) : id;
  };
  for (const { id, spec } of graph.nodes) {
    if (spec.kind === "mark" && spec.marks.name !== undefined) names.set(real(id), spec.marks.name);
  }
  return names;
}
