/**
 * What an attempt tells about itself, while it runs and when it ends.
 */

import type { WireError } from "../errors.ts";

/** Running totals of one attempt. */
export interface TaskReport {
  readonly rowsIn: number;
  readonly bytesIn: number;
  readonly rowsOut: number;
  readonly bytesOut: number;
  readonly spilledBytes: number;
  /** User counters (`ctx.count`) by name. */
  readonly counters: Readonly<Record<string, number>>;
  /** First rows of what was skipped (malformed input), a few at most. */
  readonly samples: Readonly<Record<string, readonly string[]>>;
}

/** Totals of an attempt that has done nothing. */
export const NO_TOTALS: TaskReport = {
  rowsIn: 0,
  bytesIn: 0,
  rowsOut: 0,
  bytesOut: 0,
  spilledBytes: 0,
  // One for all: whoever changes it changes what others were told.
  counters: Object.freeze({}),
  samples: Object.freeze({}),
};

/** Facts of one chunk that the driver later needs to cut a sorted exchange. */
export interface ChunkMark {
  /** Sorted run that the chunk belongs to; runs are numbered from 0 in their attempt. */
  readonly run: number;
  /** Sort key of the first row. */
  readonly firstKey: unknown;
}

/** What a committed attempt left on its agent. */
export interface ShardReport {
  /** Rows, bytes and chunks of each partition. */
  readonly partitions: readonly PartitionReport[];
  /** Marks of all chunks in order, when the tail writes sorted runs. */
  readonly marks?: readonly ChunkMark[];
  /** The staged file of a sink, relative to its staging directory. */
  readonly sinkFile?: { readonly name: string; readonly rows: number; readonly bytes: number };
}

export interface PartitionReport {
  readonly rows: number;
  readonly bytes: number;
  readonly chunks: number;
}

/** How an attempt ended. */
export type AttemptResult =
  | {
      readonly kind: "committed";
      readonly shard: ShardReport;
      readonly totals: TaskReport;
      /** How long it ran, by its worker's clock. */
      readonly ms?: number;
    }
  | { readonly kind: "failed"; readonly error: WireError; readonly totals: TaskReport };
