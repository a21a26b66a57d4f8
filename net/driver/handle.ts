/**
 * Handles: what a program holds of datasets that live on the agents.
 *
 * A handle reads through its DatasetSource, so it knows neither the scheduler nor HTTP.
 */
import type { Batch } from "../../core/batch/column.ts";
import { rowReader } from "../../core/batch/row_reader.ts";
import { type DatasetInput, DatasetRef } from "../../core/program/dataset_ref.ts";
import type { SinkResult } from "./executor/sink_results.ts";
import { type EndUse, endWhenDropped } from "./uses.ts";

/** Where the shards of one dataset are read. */
export interface DatasetSource {
  readonly dataset: string;
  /** What users know it by. */
  readonly name: string;
  /** Resolves when the place of the shards is known: at the end, or at once for a streamed output. */
  ready(): Promise<void>;
  /** Resolves when the dataset is whole; rejects with the failure of its execution. */
  complete(): Promise<void>;
  isComplete(): boolean;
  /** The batches, in the order of the shards; as they come while the dataset is being written. */
  batches(): AsyncIterable<Batch>;
  /** Rows and bytes of each shard, once the dataset is complete. */
  sizes(): readonly { readonly rows: number; readonly bytes: number }[];
  /** Begins a use of the shards: they stay until all uses have ended. */
  retain(): EndUse;
  persist(ref: DatasetRef<unknown>, path: string): Promise<SinkResult>;
}

/** A dataset or channel among parameters: kept until the execution that reads it is known to the scheduler. */
export interface HeldInput {
  /** Resolves when it can be read. */
  complete(): Promise<void>;
  /** What stands for it, with the figures that are known now. */
  ref(): DatasetRef<unknown>;
  readonly end: EndUse;
}

/** Whose references are in use: a handle lives as long as a reference to its dataset. */
const referred = new WeakMap<DatasetRef<unknown>, DatasetHandle<unknown>>();

/** The handle that a reference was asked of. */
export function handleOf(ref: DatasetRef<unknown>): DatasetHandle<unknown> | undefined {
  return referred.get(ref);
}

/** What console.log of Bun, Deno and Node asks for a text. */
const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** Makes the handle of a dataset. */
export let createDatasetHandle: <T>(source: DatasetSource) => DatasetHandle<T>;
/** Begins a use of a handle's dataset that outlives its release. @throws {TypeError} If it was released. */
export let holdDataset: (handle: DatasetHandle<unknown>) => HeldInput;
/** Makes the handle of a sink. */
export let createSinkHandle: (read: () => Promise<SinkResult>) => SinkHandle;

/**
 * A dataset of the job, on the machines where it was computed.
 *
 * Its rows can be read any number of times until it is released, and it can be a
 * parameter of a further flow, which reads it there with `f.from(handle)`. Datasets
 * never change: each execution makes datasets of its own, so whoever reads the one of
 * the last turn of a loop goes on reading that, whatever the next turn makes.
 *
 * The rows are kept as long as somebody needs them: a handle that is not released, a reader,
 * an execution that was begun with the handle. After the last of them their memory and
 * disk space is free again; at the end of the job that of all is. `using` releases a
 * handle at the end of a block, and one that the program has forgotten is released when
 * the garbage collector finds it.
 *
 * @example Reading a few rows, and all of them one by one
 * ```ts
 * import { type DatasetHandle, flow, run } from "luciole";
 * const numbers = flow("handle", (f) => f.range(4));
 * async function sumOf(rows: DatasetHandle<number>): Promise<number> {
 *   let sum = 0;
 *   for await (const row of rows) sum += row;
 *   return sum;
 * }
 * await run(async (job) => {
 *   const handle = await job.execute(numbers);
 *   console.log(await handle.take(2), await handle.count(), await sumOf(handle)); // [0, 1] 4 6
 *   handle.release();
 * });
 * ```
 */
export class DatasetHandle<T> implements AsyncIterable<T>, DatasetInput<T>, Disposable {
  readonly #source: DatasetSource;
  readonly #end: EndUse;
  #isReleased = false;

  static {
    createDatasetHandle = (source) => new DatasetHandle(source);
    holdDataset = (handle) => handle.#hold();
    Object.defineProperty(DatasetHandle.prototype, INSPECT, {
      value(this: DatasetHandle<unknown>): string {
        return `DatasetHandle(${this.#describe()})`;
      },
    });
  }

  private constructor(source: DatasetSource) {
    this.#source = source;
    this.#end = source.retain();
    endWhenDropped(this, this.#end);
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
   * computed, and a slow reader slows the workers down. Rows of different shards then come in
   * between each other, unless they were sorted.
   *
   * @throws {LucioleError} If the execution fails before its last row.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const batch of this.#batches()) {
      const read = rowReader(batch.column);
      for (let i = 0; i < batch.rows; i++) yield read(i) as T;
    }
  }

  /**
   * Reads all rows into an array, in the order of the shards.
   *
   * @returns The rows; all of them must fit in the driver's memory.
   * @throws {TypeError} If the dataset was released.
   */
  async collect(): Promise<T[]> {
    const rows: T[] = [];
    for await (const batch of this.#batches()) {
      const read = rowReader(batch.column);
      for (let i = 0; i < batch.rows; i++) rows.push(read(i) as T);
    }
    return rows;
  }

  /**
   * Reads the first n rows, in the order of the shards.
   *
   * @param n How many, at least 0; fewer come when the dataset has fewer.
   * @returns The rows.
   * @throws {RangeError} If n is negative or no integer.
   */
  async take(n: number): Promise<T[]> {
    if (!Number.isInteger(n) || n < 0)
      throw new RangeError(`Cannot take ${n} rows: expected an integer of at least 0`);
    const rows: T[] = [];
    if (n === 0) return rows;
    for await (const batch of this.#batches()) {
      const read = rowReader(batch.column);
      for (let i = 0; i < batch.rows && rows.length < n; i++) rows.push(read(i) as T);
      if (rows.length === n) break;
    }
    return rows;
  }

  /**
   * Counts the rows, without reading them.
   *
   * @returns How many, once the dataset is complete.
   * @throws {TypeError} If the dataset was released.
   */
  async count(): Promise<number> {
    this.#check();
    await this.#source.complete();
    return this.#source.sizes().reduce((sum, shard) => sum + shard.rows, 0);
  }

  /**
   * Writes the dataset to a directory in Luciole's binary form, to be read again with `f.binary(path)`.
   *
   * @param path The directory, which must not exist.
   * @returns The path, rows, bytes and part files.
   * @throws {TypeError} If the dataset was released.
   * @example Keeping rows for another program
   * ```ts
   * import { flow, run } from "luciole";
   * const squares = flow("squares-kept", (f) => f.range(3).map((n) => n * n));
   * const again = flow("squares-again", (f, p: { path: string }) => f.binary<number>(p.path).sum());
   * await run(async (job) => {
   *   const { rows } = await (await job.execute(squares)).persist("squares-kept");
   *   console.log(rows, await (await job.execute(again, { path: "squares-kept" })).collect()); // 3 [5]
   * });
   * ```
   */
  async persist(path: string): Promise<SinkResult> {
    this.#check();
    await this.#source.complete();
    return this.#source.persist(this.ref, path);
  }

  /**
   * Gives the dataset up: later reads by this handle are refused. Its shards are freed when no other handle shares it
   * and whoever reads it now is at the end. Safe to call twice.
   */
  release(): void {
    this.#isReleased = true;
    this.#end();
  }

  /** Releases it, at the end of the block that says `using handle = …`. */
  [Symbol.dispose](): void {
    this.release();
  }

  /**
   * Makes another handle of the same dataset, for a part of the program that releases it by itself.
   *
   * @returns A handle that must be released like this one.
   * @throws {TypeError} If the dataset was released.
   * @example A function that keeps what it was given
   * ```ts
   * import { type DatasetHandle, flow, run } from "luciole";
   * const numbers = flow("numbers-shared", (f) => f.range(3));
   * const kept: DatasetHandle<number>[] = [];
   * const keep = (rows: DatasetHandle<number>) => void kept.push(rows.share());
   * await run(async (job) => {
   *   const rows = await job.execute(numbers);
   *   keep(rows);
   *   rows.release();
   *   console.log(await kept[0].collect()); // [0, 1, 2]
   * });
   * ```
   */
  share(): DatasetHandle<T> {
    this.#check();
    return new DatasetHandle<T>(this.#source);
  }

  /** Resolves when the dataset is whole; rejects with the failure of its execution. */
  complete(): Promise<void> {
    return this.#source.complete();
  }

  /** What stands for the handle in a flow's parameters; its sizes are unknown (Infinity) before the dataset is complete. */
  get ref(): DatasetRef<T> {
    this.#check();
    const ref = this.#refer();
    referred.set(ref, this);
    return ref;
  }

  #refer(): DatasetRef<T> {
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

  #hold(): HeldInput {
    this.#check();
    const source = this.#source;
    return { complete: () => source.complete(), ref: () => this.#refer(), end: source.retain() };
  }

  async *#batches(): AsyncGenerator<Batch> {
    this.#check();
    const end = this.#source.retain();
    try {
      await this.#source.ready();
      yield* this.#source.batches();
      await this.#source.complete();
    } finally {
      end();
    }
  }

  #describe(): string {
    if (this.#isReleased) return "released";
    const how = "collect(), take(n) and for await read them";
    if (!this.#source.isComplete()) return `its rows are being computed; ${how}`;
    const rows = this.#source.sizes().reduce((sum, shard) => sum + shard.rows, 0);
    return `rows: ${rows}, shards: ${this.shards}; ${how}`;
  }

  #check(): void {
    if (this.#isReleased) throw new TypeError(`Cannot read ${this.#source.name}: it was released`);
  }
}

/**
 * What an execution knows of one of its sinks.
 *
 * @example Asking what was written
 * ```ts
 * import { flow, run, type SinkHandle } from "luciole";
 * const write = flow("write-few", (f, p: { out: string }) =>
 *   f.range(3).writeText(p.out, String, { single: true, overwrite: true }));
 * const rowsOf = async (sink: SinkHandle): Promise<number> => (await sink.result()).rows;
 * await run(async (job) => {
 *   console.log(await rowsOf(await job.execute(write, { out: "few.txt" }))); // 3
 * });
 * ```
 */
export class SinkHandle {
  readonly #read: () => Promise<SinkResult>;

  static {
    createSinkHandle = (read) => new SinkHandle(read);
    Object.defineProperty(SinkHandle.prototype, INSPECT, {
      value: () => "SinkHandle(result() tells what was written)",
    });
  }

  private constructor(read: () => Promise<SinkResult>) {
    this.#read = read;
  }

  /**
   * Tells what was written, once it is published.
   *
   * @returns The path, rows, bytes and part files; of a `forEach` neither path nor files.
   * @throws {LucioleError} If the execution fails.
   */
  result(): Promise<SinkResult> {
    return this.#read();
  }
}
