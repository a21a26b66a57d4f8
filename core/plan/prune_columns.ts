/**
 * Finds sources of which only some columns are ever looked at.
 *
 * A closure may look at anything, so this is known only where built-in steps lead all the way from the source to
 * sinks with declared columns, to fields that are picked, or to counts.
 */
import type { Graph, GraphNode, NodeId } from "../graph/node.ts";
import type { FusionRule } from "./fusion.ts";

/** Columns that somebody looks at, of a row or of the value of a pair; "all" when that cannot be known. */
type Need = ReadonlySet<string> | { readonly ofValue: ReadonlySet<string> } | "all";

/** The columns that suffice, of every source that need not read all. */
export function wantedColumns(graph: Graph, rule: FusionRule): ReadonlyMap<NodeId, readonly string[]> {
  const needs = new Map<NodeId, Need>();
  for (const node of rule.reachable) if (rule.isOutput(node.id)) needs.set(node.id, "all");
  for (const node of rule.reachable.toReversed()) {
    const need = needOfInput(node, needs.get(node.id) ?? new Set());
    for (const input of node.inputs.map(rule.real)) needs.set(input, both(needs.get(input), need));
  }
  const wanted = new Map<NodeId, readonly string[]>();
  for (const [id, need] of needs) {
    const columns = pruned(graph.nodes[id], need);
    if (columns !== undefined) wanted.set(id, columns);
  }
  return wanted;
}

/** What a step looks at in its input, when `own` is looked at in what it makes. */
function needOfInput({ spec }: GraphNode, own: Need): Need {
  switch (spec.kind) {
    case "sink":
      return spec.format.kind === "csv" && spec.format.columns !== undefined
        ? new Set(spec.format.columns)
        : "all";
    case "keyBy":
      // The pairs that it makes hold whole rows, of which later steps may look at a part only.
      return typeof spec.field === "string" && own !== "all" && "ofValue" in own
        ? new Set([...own.ofValue, spec.field])
        : "all";
    case "keys":
    case "countByKey":
      return { ofValue: new Set() };
    case "values":
      return own === "all" || "ofValue" in own ? "all" : { ofValue: own };
    case "count":
      return new Set();
    case "mapValues":
      return typeof spec.field === "string" ? { ofValue: new Set([spec.field]) } : "all";
    case "sortBy":
      return typeof spec.field === "string" ? both(own, new Set([spec.field])) : "all";
    case "sample":
    case "limit":
    case "repartition":
    case "roundRobin":
    case "coalesce":
    case "union":
      return own;
    default:
      return "all";
  }
}

function both(a: Need | undefined, b: Need): Need {
  if (a === undefined) return b;
  if (a === "all" || b === "all") return "all";
  if ("ofValue" in a) {
    if ("ofValue" in b) return { ofValue: new Set([...a.ofValue, ...b.ofValue]) };
    return b.size === 0 ? a : "all";
  }
  if ("ofValue" in b) return a.size === 0 ? b : "all";
  return new Set([...a, ...b]);
}

function pruned({ spec }: GraphNode, need: Need): readonly string[] | undefined {
  if (need === "all" || "ofValue" in need || (spec.kind !== "csv" && spec.kind !== "jsonl")) return undefined;
  // Without a header the declared columns name the fields, they do not choose among them.
  if (spec.kind === "csv" && spec.options.header === false) return undefined;
  const { columns } = spec.options;
  if (columns === undefined) return [...need];
  const kept = columns.filter((column) => need.has(column));
  return kept.length === columns.length ? undefined : kept;
}
