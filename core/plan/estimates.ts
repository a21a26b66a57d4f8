/**
 * Guesses of how many bytes a step hands on.
 *
 * Closures cannot be looked into, so these are plain factors, as other planners
 * use without statistics. They decide partition counts and broadcasts, never
 * results; a user's `hint` takes their place.
 */
import type { Graph, GraphNode, NodeSpec } from "../graph/node.ts";

/** Bytes of one row, where only rows are known. */
export const ROW_BYTES = 64;

const FACTORS: Partial<Record<NodeSpec["kind"], number>> = {
  filter: 0.5,
  keys: 0.5,
  values: 0.5,
  keyBy: 1.5,
  reduceByKey: 0.5,
  localReduceByKey: 0.5,
  aggregateByKey: 0.5,
  countByKey: 0.3,
  sumByKey: 0.5,
  minByKey: 0.5,
  maxByKey: 0.5,
  countByValue: 0.5,
  distinct: 0.5,
  lines: Number.POSITIVE_INFINITY,
};

const ONE_ROW: ReadonlySet<NodeSpec["kind"]> = new Set([
  "reduce",
  "aggregate",
  "count",
  "sum",
  "min",
  "max",
  "mean",
  "stats",
]);

/** Estimates the bytes that a node makes of the bytes that it reads. */
export function bytesAfter(spec: NodeSpec, bytes: number): number {
  if (spec.kind === "sample") return bytes * spec.fraction;
  if (spec.kind === "limit" || spec.kind === "top") return Math.min(bytes, spec.n * ROW_BYTES);
  if (ONE_ROW.has(spec.kind)) return ROW_BYTES;
  // A product with 0 bytes is 0 even for an unknown factor: nothing comes of nothing.
  return bytes === 0 ? 0 : bytes * (FACTORS[spec.kind] ?? 1);
}

/** The bytes that the user's hints say, by node; the last hint on a node counts. */
export function hintedBytes(graph: Graph, real: (id: number) => number): ReadonlyMap<number, number> {
  const hinted = new Map<number, number>();
  for (const node of graph.nodes) {
    const bytes = hintOf(node);
    if (bytes !== undefined) hinted.set(real(node.id), bytes);
  }
  return hinted;
}

function hintOf({ spec }: GraphNode): number | undefined {
  if (spec.kind !== "mark" || spec.marks.hint === undefined) return undefined;
  const { bytes, rows } = spec.marks.hint;
  return bytes ?? (rows === undefined ? undefined : rows * ROW_BYTES);
}
