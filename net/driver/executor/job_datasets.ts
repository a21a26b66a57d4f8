/**
 * What the scheduler of a job knows of datasets and of where they lie: for whoever reads or plans. It changes nothing.
 */
import type { WorkerPlace } from "../../../core/connected/graph_places.ts";
import type { ShardPiece } from "../../../core/plan/physical.ts";
import type { JobState } from "../../../core/schedule/job_state.ts";
import {
  datasetPartSizes,
  datasetPieces,
  datasetSizes,
  isDatasetOrdered,
} from "../../../core/schedule/shards/dataset_reads.ts";
import { datasetBytes, readsOpenChannel, workerPlaces } from "../../../core/schedule/slots/worker_places.ts";

interface Size {
  readonly rows: number;
  readonly bytes: number;
}

export class JobDatasets {
  readonly #state: JobState;

  constructor(state: JobState) {
    this.#state = state;
  }

  /** @param only The number of the one shard that is asked for. */
  pieces(dataset: string, only?: number): readonly { readonly shard: number; readonly piece: ShardPiece }[] {
    return datasetPieces(this.#state, dataset, only);
  }

  /** True when the rows were sorted, so that the order of the shards means something. */
  isOrdered(dataset: string): boolean {
    return isDatasetOrdered(this.#state, dataset);
  }

  /** Rows and bytes of each part of a complete dataset, as `pieces` names them. */
  sizes(dataset: string): readonly Size[] {
    return datasetPartSizes(this.#state, dataset);
  }

  /** Rows and bytes of each shard of a complete dataset; a shard that was divided has several parts. */
  shardSizes(dataset: string): readonly Size[] {
    return datasetSizes(this.#state, dataset);
  }

  /** Where its bytes lie. */
  bytesByAgent(dataset: string): ReadonlyMap<string, number> {
    return datasetBytes(this.#state, dataset);
  }

  /** Workers that may be given tasks. */
  places(): readonly WorkerPlace[] {
    return workerPlaces(this.#state);
  }

  /** True while an execution reads a channel that is open. */
  readsOpenChannel(execution: string): boolean {
    return readsOpenChannel(this.#state, execution);
  }
}
