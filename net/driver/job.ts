/**
 * The job, as a driver program holds it: its worker set, executions and datasets.
 *
 * Types only, made for users; net/driver/driver_job.ts has the class behind them.
 * The reference gives AsyncDisposable to projects whose own `lib` is older than it.
 */
/// <reference lib="esnext.disposable" preserve="true" />
import type { WorkerInfo } from "../../core/job/worker_info.ts";
import type { Flow, FlowOutput } from "../../core/program/flow.ts";
import type { ExecuteOptions } from "./execute_options.ts";
import type { Execution } from "./execution_types.ts";
import type { Messenger } from "./members/messenger.ts";
import type { Scaler } from "./members/scaler.ts";
import type { Metagraph, Vertices } from "./metagraph_types.ts";
import type { Outputs } from "./outputs.ts";
import type { Channel } from "./reading/channel.ts";

/**
 * One run of a driver. Owns its workers and datasets until it is closed.
 *
 * `run` gives one to the driver function, `openJob` to any other program.
 *
 * @example A loop over executions
 * ```ts
 * import { flow, type Job, run } from "luciole";
 * const halve = flow("halve", (f, p: { n: number }) => f.values([p.n]).map((n) => Math.floor(n / 2)));
 * async function countHalvings(job: Job, n: number): Promise<number> {
 *   let count = 0;
 *   for (let rest = n; rest > 1; count++) [rest = 0] = await (await job.execute(halve, { n: rest })).collect();
 *   return count;
 * }
 * await run(async (job) => console.log(await countHalvings(job, 10))); // 3
 * ```
 */
export interface Job extends AsyncDisposable {
  /** The program's own arguments: what `run` left of the command line; none with `openJob`. */
  readonly args: readonly string[];
  /** Unique among all jobs. */
  readonly id: string;
  /** Sends messages to the workers. */
  readonly messenger: Messenger;
  /** Changes the number of workers. */
  readonly scaler: Scaler;
  /** The number of workers now; of a job that is being scaled down, without those that are to go. */
  readonly workers: number;
  /** Number of the worker set, from 1: each change of it, by scaling or by a loss, begins the next one. */
  readonly epoch: number;

  /**
   * Writes a line to the job's log (stderr); never to a result.
   *
   * @param text The line.
   */
  log(text: string): void;

  /**
   * Listens to values that user code sends with `ctx.sendToDriver`: of each worker in order, each of them once. What
   * comes before anybody listens is kept; all that the tasks of an execution sent is heard before it ends.
   *
   * @param event The kind of event.
   * @param listener Gets the value and the number of the worker.
   * @example Collecting messages
   * ```ts
   * import { flow, run } from "luciole";
   * const talking = flow("talking", (f) => f.values(["a", "b"], { shards: 1 }).tap((row, ctx) => ctx.sendToDriver(row)));
   * await run(async (job) => {
   *   job.on("workerMessage", (message, worker) => console.log(message, worker)); // a 0
   *   await job.execute(talking);
   * });
   * ```
   */
  on<T = unknown>(event: "workerMessage", listener: (message: T, worker: number) => unknown): void;
  /**
   * Listens to all workers of an epoch being there: told once for each epoch, of the first one too. Who listens later
   * is told of the present one.
   *
   * @param event The kind of event.
   * @param listener Gets the workers of the epoch, and its number.
   * @example Who works for a job
   * ```ts
   * import { flow, run } from "luciole";
   * const numbers = flow("joined", (f) => f.range(3));
   * await run(async (job) => {
   *   const all = new Promise((resolve) => job.on("allWorkersJoined", (workers, epoch) => resolve([workers.length, epoch])));
   *   await job.execute(numbers);
   *   console.log(String(await all) === `${job.workers},1`); // true
   * });
   * ```
   */
  on(event: "allWorkersJoined", listener: (workers: readonly WorkerInfo[], epoch: number) => void): void;
  /**
   * Listens to the processes of workers that end before they should. Their agent starts others in their place.
   *
   * @param event The kind of event.
   * @param listener Gets the worker, and how it ended.
   */
  on(event: "workerFailed", listener: (worker: WorkerInfo, cause: string) => void): void;
  /**
   * Listens to workers that are there again after they had failed.
   *
   * @param event The kind of event.
   * @param listener Gets the worker.
   */
  on(event: "workerRestarted", listener: (worker: WorkerInfo) => void): void;

  /**
   * Runs a flow that has no parameters to its end.
   *
   * @param flow The flow, made by `flow(name, builder)`.
   * @returns The outputs in the structure that the builder returned: a handle for each dataset and sink.
   * @throws {PlanError} If the flow cannot be planned.
   * @throws {TaskError} If user code, a source or a sink failed; its cause is the first one.
   * @example Two outputs
   * ```ts
   * import { flow, run } from "luciole";
   * const parts = flow("parts", (f) => ({ small: f.range(2), large: f.range(100, 102) }));
   * await run(async (job) => {
   *   const { small, large } = await job.execute(parts);
   *   console.log(await small.collect(), await large.collect()); // [0, 1] [100, 101]
   * });
   * ```
   */
  execute<R extends FlowOutput>(flow: Flow<void, R>): Promise<Outputs<R>>;
  /**
   * Runs a flow to its end.
   *
   * @param flow The flow, made by `flow(name, builder)`.
   * @param params Its parameters: anything that CBOR can carry, dataset handles and channels included.
   * @param options Which workers run it, and a signal that cancels it.
   * @returns The outputs in the structure that the builder returned: a handle for each dataset and sink.
   * @throws {PlanError} If the flow cannot be planned.
   * @throws {TaskError} If user code, a source or a sink failed; its cause is the first one.
   * @throws {CancelledError} If it was cancelled.
   * @example Parameters
   * ```ts
   * import { flow, run } from "luciole";
   * const powers = flow("powers", (f, p: { of: number }) => f.range(4).map((n) => p.of ** n));
   * await run(async (job) => {
   *   console.log(await (await job.execute(powers, { of: 2 })).collect()); // [1, 2, 4, 8]
   * });
   * ```
   */
  execute<P, R extends FlowOutput>(
    flow: Flow<P, R>,
    params: P,
    options?: ExecuteOptions,
  ): Promise<Outputs<R>>;

  /**
   * Starts a flow that has no parameters and returns at once: its outputs can be read while it runs.
   *
   * @param flow The flow, made by `flow(name, builder)`.
   * @returns Its outputs, its end, its progress, and how to cancel it.
   * @throws {TypeError} If the job is closed.
   * @throws {PlanError} If the builder fails; what fails later rejects `done`.
   * @example Rows as they are computed
   * ```ts
   * import { flow, run } from "luciole";
   * const squares = flow("streamed", (f) => f.range(3).map((n) => n * n));
   * await run(async (job) => {
   *   const { outputs, done } = job.start(squares);
   *   for await (const row of outputs) console.log(row);
   *   console.log((await done).rowsOut); // 3
   * });
   * ```
   */
  start<R extends FlowOutput>(flow: Flow<void, R>): Execution<R>;
  /**
   * Starts a flow and returns at once: its outputs can be read while it runs.
   *
   * @param flow The flow, made by `flow(name, builder)`.
   * @param params Its parameters: anything that CBOR can carry, dataset handles and channels included.
   * @param options Which workers run it, and a signal that cancels it.
   * @returns Its outputs, its end, its progress, and how to cancel it.
   * @throws {TypeError} If the job is closed.
   * @throws {PlanError} If the builder fails; what fails later rejects `done`.
   */
  start<P, R extends FlowOutput>(flow: Flow<P, R>, params: P, options?: ExecuteOptions): Execution<R>;

  /**
   * Declares several flows at once, each of which may read what others make, and checks them before anything runs.
   *
   * @param vertices Flows by name, with what each reads, its parameters and options.
   * @returns What runs, tells and draws them.
   * @throws {PlanError} If they cannot be run: a cycle, a dataset that nobody makes or that two make, options that are
   *   out of range.
   * @example A diamond
   * ```ts
   * import { type DatasetInput, flow, run } from "luciole";
   * type Rows = DatasetInput<number>;
   * const numbers = flow("diamond-numbers", (f, p: { n: number }) => f.range(p.n));
   * const scaled = flow("diamond-scaled", (f, p: { rows: Rows; by: number }) => f.from(p.rows).map((n) => n * p.by));
   * const joined = flow("diamond-joined", (f, p: { left: Rows; right: Rows }) => f.from(p.left).union(f.from(p.right)).sum());
   * await run(async (job) => {
   *   const { d } = await job.metagraph({
   *     a: { flow: numbers, params: { n: 4 } },
   *     b: { flow: scaled, inputs: { rows: "a" }, params: { by: 10 } },
   *     c: { flow: scaled, inputs: { rows: "a" }, params: { by: 100 } },
   *     d: { flow: joined, inputs: { left: "b", right: "c" } },
   *   }).run();
   *   console.log(await d.collect()); // [660]
   * });
   * ```
   */
  metagraph<P, R>(vertices: Vertices<P, R>): Metagraph<R>;

  /**
   * Opens a channel: rows of a source in the driver, read by flows while they come.
   *
   * @param source Anything that can be iterated, also asynchronously.
   * @returns What goes into the parameters of a flow, which reads it with `f.from(channel)`.
   * @throws {TypeError} If the job is closed.
   * @example Feeding rows into a flow
   * ```ts
   * import { type DatasetInput, flow, run } from "luciole";
   * const double = flow("double", (f, p: { rows: DatasetInput<number> }) => f.from(p.rows).map((n) => n * 2));
   * await run(async (job) => {
   *   const rows = job.channel([1, 2, 3]);
   *   console.log(await (await job.execute(double, { rows })).collect()); // [2, 4, 6]
   * });
   * ```
   */
  channel<T>(source: AsyncIterable<T> | Iterable<T>): Channel<T>;

  /** Cancels what runs, ends the workers and deletes every shard. Safe to call twice. */
  close(): Promise<void>;
}
