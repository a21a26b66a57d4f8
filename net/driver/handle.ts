/**
 * Handles: what a program holds of datasets that live on the agents.
 *
 * A handle reads through its DatasetSource, so it knows neither the scheduler nor HTTP.
 */
import type { Batch } from "../../core/batch/column.ts";
import { rowReader } from "../../core/batch/row_reader.ts";
import { type DatasetInput, DatasetRef } from "../../core/program/dataset_ref.ts";
import type { SinkResult } from "./sink_results.ts";

/** Where the shards of one dataset are read. */
export interface DatasetSource {
  readonly dataset: string;
  /** Resolves when the place of the shards is known: at the end, or at once for a streamed output. */
  ready(): Promise<void>;
  /** Resolves when the dataset is whole; rejects with the failure of its execution. */
  complete(): Promise<void>;
  isComplete(): boolean;
  /** The batches, in the order of the shards; as they come while the dataset is being written. */
  batches(): AsyncIterable<Batch>;
  /** Rows and bytes of each shard, once the dataset is complete. */
  sizes(): readonly { readonly rows: number; readonly bytes: number }[];
  release(): void;
  persist(ref: DatasetRef<unknown>, path: string): Promise<SinkResult>;
}

/**
 * A dataset of the job, on the machines where it was computed.
 *
 * Its rows can be read any number of times until it is released, and it can be a
 * parameter of a further flow, which reads it there with `f.from(handle)`.
 */
export class DatasetHandle<T> implements AsyncIterable<T>, DatasetInput<T> {
  readonly #source: DatasetSource;
  #isReleased = false;

  constructor(source: DatasetSource) {
    this.#source = source;
  }

  /** The id of the dataset within its job. */
  get id(): string {
    return this.#source.dataset;
  }

  /**
   * The number of shards, once the execution is complete.
   *
   * @throws {TypeError} If the dataset was released.
   */
  get shards(): number {
    this.#check();
    return this.#source.sizes().length;
  }

  /**
   * Iterates over all rows, shard after shard.
   *
   * An output of a running execution (`job.start`) is followed: rows come as they are
   * computed, those of different shards in between each other, and a slow reader slows the
   * workers down.
   *
   * @throws {LucioleError} If the execution fails before its last row.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const batch of this.batches()) {
      const read = rowReader(batch.column);
      for (let i = 0; i < batch.rows; i++) yield read(i) as T;
    }
  }

  /** Reads all rows into an array. */
  async collect(): Promise<T[]> {
    const rows: T[] = [];
    for await (const batch of this.batches()) {
      const read = rowReader(batch.column);
      for (let i = 0; i < batch.rows; i++) rows.push(read(i) as T);
    }
    return rows;
  }

  /**
   * Reads the first n rows, in the order of the shards.
   *
   * @param n How many, at least 0; fewer come when the dataset has fewer.
   * @throws {RangeError} If n is negative or no integer.
   */
  async take(n: number): Promise<T[]> {
    if (!Number.isInteger(n) || n < 0)
      throw new RangeError(`Cannot take ${n} rows: expected an integer of at least 0`);
    const rows: T[] = [];
    if (n === 0) return rows;
    for await (const batch of this.batches()) {
      const read = rowReader(batch.column);
      for (let i = 0; i < batch.rows && rows.length < n; i++) rows.push(read(i) as T);
      if (rows.length === n) break;
    }
    return rows;
  }

  /** Counts the rows, without reading them. */
  async count(): Promise<number> {
    this.#check();
    await this.#source.complete();
    return this.#source.sizes().reduce((sum, shard) => sum + shard.rows, 0);
  }

  /**
   * Writes the dataset to a directory in Luciole's binary form, to be read again with `f.binary(path)`.
   *
   * @returns The path, rows, bytes and part files.
   */
  async persist(path: string): Promise<SinkResult> {
    this.#check();
    await this.#source.complete();
    return this.#source.persist(this.ref, path);
  }

  /** Frees the shards; later reads are refused. Safe to call twice. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#source.release();
  }

  /** Resolves when the dataset is whole; rejects with the failure of its execution. */
  complete(): Promise<void> {
    return this.#source.complete();
  }

  /** What stands for the handle in a flow's parameters; its sizes are unknown (Infinity) before the dataset is complete. */
  get ref(): DatasetRef<T> {
    this.#check();
    const id = this.#source.dataset;
    if (!this.#source.isComplete())
      return new DatasetRef<T>({ id, shards: 1, rows: Infinity, bytes: Infinity });
    const sizes = this.#source.sizes();
    return new DatasetRef<T>({
      id,
      shards: Math.max(1, sizes.length),
      rows: sizes.reduce((sum, shard) => sum + shard.rows, 0),
      bytes: sizes.reduce((sum, shard) => sum + shard.bytes, 0),
    });
  }

  /** The batches of all shards in order. */
  async *batches(): AsyncGenerator<Batch> {
    this.#check();
    await this.#source.ready();
    yield* this.#source.batches();
    await this.#source.complete();
  }

  #check(): void {
    if (this.#isReleased) throw new TypeError(`Cannot read dataset ${this.#source.dataset}: it was released`);
  }
}

/** What an execution knows of one of its sinks. */
export class SinkHandle {
  readonly #read: () => Promise<SinkResult>;

  constructor(read: () => Promise<SinkResult>) {
    this.#read = read;
  }

  /** What was written, once it is published: path, rows, bytes and part files. */
  result(): Promise<SinkResult> {
    return this.#read();
  }
}
