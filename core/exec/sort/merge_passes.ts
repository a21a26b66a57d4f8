/**
 * Merges any number of runs within a memory budget.
 *
 * When there are more runs than batches fit in memory, neighbouring runs are
 * first merged into scratch files, just as many as it takes. It knows nothing of
 * where runs come from.
 */
import type { KeyRange } from "../../plan/splitters.ts";
import { eachBatch } from "../each_batch.ts";
import type { BatchReader } from "../ports.ts";
import type { TaskScope } from "../task_scope.ts";
import { Merge } from "./merge.ts";
import type { SortKeys } from "./sort_keys.ts";
import { SpilledRun } from "./spilled_run.ts";

/** Opens a run; each is opened once, when its turn comes. */
export type OpenRun = () => BatchReader;

export interface MergePassesOptions {
  readonly keys: SortKeys;
  /** The batches of the runs hold [key, row] pairs. */
  readonly hasKeyColumn: boolean;
  readonly memoryBytes: number;
  /** What counts of each run; all of it when missing. */
  readonly ranges?: readonly KeyRange[];
}

/** What a run takes while it is read: a chunk as bytes, as columns, and its prefixes. */
const RUN_BYTES = 512 << 10;
const MAX_RUNS = 128;
const OUTPUT = { maxRows: 16_384, maxBytes: 1 << 20 };
const SPILL = { maxRows: 8192, maxBytes: 256 << 10 };

/** Merges runs, in their order where keys are equal, into batches of rows without the key column. */
export async function mergeRuns(
  scope: TaskScope,
  runs: readonly OpenRun[],
  options: MergePassesOptions,
): Promise<BatchReader> {
  const { keys, hasKeyColumn, memoryBytes } = options;
  const most = Math.max(2, Math.min(MAX_RUNS, Math.floor(memoryBytes / RUN_BYTES)));
  const left = [...runs];
  const ranges = runs.map((_, i) => options.ranges?.[i] ?? {});
  const spilled = new Set<() => void>();
  const discard = () => {
    for (const one of spilled) one();
  };
  try {
    for (let at = 0; left.length > most; at = at + 1 < left.length - 1 ? at + 1 : 0) {
      const some = left.slice(at, at + Math.min(most, left.length - most + 1));
      // What is merged already is cut already.
      const cut = ranges.splice(at, some.length, {});
      const merge = new Merge(open(some), { ...SPILL, keys, hasKeyColumn, keepsKeys: true, ranges: cut });
      left.splice(at, some.length, await spill(scope, merge, spilled));
    }
    const merge = new Merge(open(left), { ...OUTPUT, keys, hasKeyColumn, keepsKeys: false, ranges });
    return {
      next: () => merge.next(),
      close: () => {
        merge.close();
        discard();
      },
    };
  } catch (error) {
    discard();
    throw error;
  }
}

function open(runs: readonly OpenRun[]): BatchReader[] {
  const readers: BatchReader[] = [];
  try {
    for (const run of runs) readers.push(run());
  } catch (error) {
    for (const reader of readers) reader.close();
    throw error;
  }
  return readers;
}

async function spill(scope: TaskScope, merge: Merge, spilled: Set<() => void>): Promise<OpenRun> {
  const file = scope.ports.spill.create();
  const discard = () => {
    if (spilled.delete(discard)) file.delete();
  };
  spilled.add(discard);
  const run = new SpilledRun(scope, file);
  try {
    await eachBatch(scope, merge, (batch) => run.write(batch));
    return () => run.open(discard);
  } finally {
    merge.close();
  }
}
