/**
 * What is known of the order of rows, and which steps keep it so.
 *
 * A sort of what is in that order already is left out.
 */
import type { GraphNode, NodeSpec } from "../graph/node.ts";
import type { SortOrder } from "./physical.ts";

export interface Ordering {
  readonly by: SortOrder["by"];
  /** The closure or field that orders them; compared by identity. */
  readonly key: unknown;
  readonly descending: boolean;
  /** Shard after shard too, not only within each. */
  readonly isGlobal: boolean;
}

const KEEPS_ROWS: ReadonlySet<NodeSpec["kind"]> = new Set(["filter", "tap", "sample", "limit"]);

/** What is left of the order when a node's step has run in place. */
export function orderingAfter(spec: NodeSpec, ordering: Ordering | undefined): Ordering | undefined {
  if (ordering === undefined || KEEPS_ROWS.has(spec.kind)) return ordering;
  if (ordering.by !== "pairKey") return undefined;
  if (spec.kind === "mapValues") return ordering;
  return spec.kind === "keys" ? { ...ordering, by: "row" } : undefined;
}

/** True when the rows lie in that order already. */
export function isOrdered(have: Ordering | undefined, want: Ordering): boolean {
  if (have === undefined) return false;
  if (have.by !== want.by || have.key !== want.key || have.descending !== want.descending) return false;
  return have.isGlobal || !want.isGlobal;
}

/** The order that a sorting node asks for. The place 0 of a tuple is the key of a pair. */
export function sortOrderOf(node: GraphNode): SortOrder {
  const { id, spec } = node;
  switch (spec.kind) {
    case "sortByKey":
      return { node: id, by: "pairKey", descending: spec.descending };
    case "sortBy":
      return { node: id, by: spec.field === 0 ? "pairKey" : "key", descending: spec.descending };
    case "sort":
    case "localSort":
    case "mergeSorted":
      return { node: id, by: spec.fn === undefined ? "row" : "compare", descending: spec.descending };
    default:
      throw new RangeError(`Cannot sort by node ${id}: it is ${spec.kind}`);
  }
}

/** The order of rows after that sort. */
export function orderingOf({ spec }: GraphNode, { by, descending }: SortOrder, isGlobal: boolean): Ordering {
  const fn = "fn" in spec ? spec.fn : undefined;
  const field = "field" in spec ? spec.field : undefined;
  const key = by === "key" || by === "compare" ? (field ?? fn) : undefined;
  return { by, key, descending, isGlobal };
}
