/**
 * What is known of where equal keys lie, and which steps keep it so.
 *
 * This is what makes an exchange needless: a keyed step over rows whose equal
 * keys share a shard already works in place.
 */
import type { NodeSpec } from "../graph/node.ts";

export interface Placement {
  /**
   * hash: shard i holds the keys whose stable hash is i modulo the number of shards.
   * grouped: equal keys share a shard, by whatever rule (a sort, for one).
   */
  readonly how: "hash" | "grouped";
  /** The key is row[0], or the whole row. */
  readonly key: "pair" | "row";
  readonly partitions: number;
}

/** Steps that change neither keys nor whole rows, or only leave some out. */
const KEEPS_ROWS: ReadonlySet<NodeSpec["kind"]> = new Set(["filter", "tap", "sample", "localSort", "limit"]);
/** Steps that keep row[0] of every row. */
const KEEPS_PAIR_KEY: ReadonlySet<NodeSpec["kind"]> = new Set([
  "mapValues",
  "reduceByKey",
  "localReduceByKey",
  "aggregateByKey",
  "groupByKey",
  "localGroupByKey",
  "countByKey",
  "sumByKey",
  "minByKey",
  "maxByKey",
]);

/** What is left of the placement when a node's step has run in place. */
export function placementAfter(spec: NodeSpec, placement: Placement | undefined): Placement | undefined {
  if (placement === undefined || KEEPS_ROWS.has(spec.kind) || spec.kind === "distinct") return placement;
  if (KEEPS_PAIR_KEY.has(spec.kind)) return placement.key === "pair" ? placement : undefined;
  if (spec.kind === "keys") return placement.key === "pair" ? { ...placement, key: "row" } : undefined;
  if (spec.kind === "countByValue" || spec.kind === "zipWithIndex") {
    // The row becomes row[0]. Where row[0] was the key, its hash is not the hash of the new key.
    return { ...placement, key: "pair", how: placement.key === "row" ? placement.how : "grouped" };
  }
  return undefined;
}

/** True when equal keys share a shard, so that a step with one input needs no exchange. */
export function isColocated(placement: Placement | undefined, key: "pair" | "row"): boolean {
  // Equal rows have equal row[0], so what is placed by row[0] is placed by row as well.
  return placement !== undefined && (key === "row" || placement.key === "pair");
}

/** The number of partitions by the hash of row[0], undefined when placed otherwise. */
export function hashedPartitions(placement: Placement | undefined): number | undefined {
  return placement?.how === "hash" && placement.key === "pair" ? placement.partitions : undefined;
}
