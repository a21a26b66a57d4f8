/**
 * What a dataset of the job is inside the parameters of a flow.
 *
 * It names the dataset and carries the figures that planning needs; it knows
 * nothing of agents or shards' places, so it may travel to every worker.
 */

declare const ROW: unique symbol;

/**
 * Anything that stands for rows of type T in the parameters of a flow: a dataset
 * handle, a channel, or the reference that either of them becomes.
 */
export interface DatasetInput<T> {
  /** What travels in its place. */
  readonly ref: DatasetRef<T>;
}

/** The figures of a dataset reference. */
export interface DatasetRefFields {
  /** Id of the dataset in its job. */
  readonly id: string;
  /** Number of shards, at least 1. */
  readonly shards: number;
  /** Number of rows, Infinity while it is not known. */
  readonly rows: number;
  /** Size in bytes, Infinity while it is not known. */
  readonly bytes: number;
}

/** References a dataset of the job by its id. */
export class DatasetRef<T = unknown> implements DatasetInput<T>, DatasetRefFields {
  declare readonly [ROW]: T;
  readonly id: string;
  readonly shards: number;
  readonly rows: number;
  readonly bytes: number;

  constructor(fields: DatasetRefFields) {
    this.id = fields.id;
    this.shards = fields.shards;
    this.rows = fields.rows;
    this.bytes = fields.bytes;
  }

  /** Is its own reference, so that a builder may take either form. */
  get ref(): DatasetRef<T> {
    return this;
  }
}
