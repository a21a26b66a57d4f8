/**
 * What planning must know of the world, gathered by the driver beforehand.
 */
import type { NodeId } from "../graph/node.ts";
import type { SourceSplit } from "./physical.ts";
import type { Placement } from "./placement.ts";

export interface DatasetFacts {
  readonly shards: number;
  readonly bytes: number;
  readonly rows: number;
  readonly placement?: Placement;
}

export interface PlanFacts {
  /** Slots that the tasks will run on, at least 1. */
  readonly slots: number;
  /** Splits of every source, and their bytes (Infinity when unknown). */
  readonly sources: ReadonlyMap<NodeId, { readonly splits: readonly SourceSplit[]; readonly bytes: number }>;
  /** Datasets of the job, by id; the figures of a `from` node serve where one is missing. */
  readonly datasets: ReadonlyMap<string, DatasetFacts>;
  /** Bytes that the operators of one task may hold in memory. */
  readonly memoryBytes: number;
}
