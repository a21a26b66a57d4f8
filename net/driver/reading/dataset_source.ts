/**
 * What the handle of an output reads: the dataset of an execution, as the executor knows it.
 */

import type { ExecutionRecord } from "../execution.ts";
import type { Executor } from "../executor/executor.ts";
import type { DatasetSource } from "../handle.ts";
import { countUses } from "../uses.ts";
import { type LocalShards, readDataset } from "./read_dataset.ts";

export interface DatasetSourceParts extends Pick<DatasetSource, "persist"> {
  /** What users know it by; told when it is asked for. */
  readonly nameOf: () => string;
  readonly executor: Executor;
  /** Shards on this host, which need no request to be read. */
  readonly local: LocalShards | undefined;
  readonly record: ExecutionRecord;
  readonly node: number;
  /** It is read while it is written. */
  readonly isFollowed: boolean;
  /** Aborted at the end of the job. */
  readonly signal: AbortSignal;
  /** Nobody uses it any more. */
  readonly onReleased: (dataset: string) => void;
}

export function datasetSource(parts: DatasetSourceParts): DatasetSource {
  const { executor, local, record, node, nameOf, isFollowed, signal, onReleased, persist } = parts;
  const dataset = `${record.id}.${node}`;
  let isReleased = false;
  const onUnused = (): void => {
    isReleased = true;
    onReleased(dataset);
    record.dropped.add(dataset);
    executor.feed({ kind: "datasetReleased", dataset });
  };
  const complete = async (): Promise<void> => {
    await record.heard().ended.promise;
  };
  const recovers = true;
  return {
    dataset,
    get name() {
      return nameOf();
    },
    ready: async () => {
      if (signal.aborted) throw new TypeError(`Cannot read ${nameOf()}: its job is closed`);
      await (isFollowed ? record.heard().ready(node) : complete());
    },
    complete,
    isComplete: () => record.hasEnded && record.failure === undefined,
    batches: () =>
      readDataset({ executor, dataset, local, signal, record, recovers, isReleased: () => isReleased }),
    sizes: () => executor.datasets.shardSizes(dataset),
    retain: countUses(onUnused),
    persist,
  };
}
