/**
 * Worker programs: a function that runs on every worker of a set, as a flow.
 */
import { isPlainObject } from "../batch/shape.ts";
import type { WorkerContext } from "../exec/worker_context.ts";
import { checkFunction, checkOptions, show } from "../graph/arguments.ts";
import { addProgram } from "../graph/builder.ts";
import type { Dataset } from "../graph/dataset.ts";
import type { Row } from "../graph/row_types.ts";
import { DatasetRef } from "./dataset_ref.ts";
import { parseDuration } from "./duration.ts";
import { type Flow, flow } from "./flow.ts";

const TIMEOUT = "10min";

/**
 * Options of `worker`.
 *
 * @example A program that gives up soon
 * ```ts
 * import { run, worker, type WorkerOptions } from "luciole";
 * const options: WorkerOptions = { timeout: "30s" };
 * const meet = worker("meet", (ctx) => ctx.barrier(), options);
 * await run(async (job) => {
 *   console.log((await (await job.execute(meet)).count()) > 0); // true
 * });
 * ```
 */
export interface WorkerOptions {
  /** How long a worker waits for another one in one operation, such as "30s". Default "10min". */
  readonly timeout?: string;
}

/**
 * Defines a worker program: a flow that runs a function on every worker of its set, all at the same time.
 *
 * Its dataset has one row for each worker, in the order of ranks: what the function returned. The workers are started
 * together or not at all; when one is lost, all begin again, and when one throws, the program fails with that.
 *
 * @param name Unique within the program.
 * @param fn Gets the worker's context and the parameters, which are plain values and handles of datasets.
 * @param options How long workers wait for each other.
 * @returns A flow, for `job.execute` with all of its options.
 * @throws {TypeError} If the name is empty, `fn` is not a function, or the time is not one.
 * @throws {Error} If another flow has the name; both lines are told.
 * @example
 * ```ts
 * import { run, worker } from "luciole";
 * const hello = worker("hello", async (ctx, p: { greeting: string }) => {
 *   const ranks = await ctx.allGather(ctx.rank);
 *   return `${p.greeting} from ${ctx.rank} of ${ranks.length}`;
 * });
 * await run(async (job) => {
 *   const [first] = await (await job.execute(hello, { greeting: "Hi" })).collect();
 *   console.log(first.startsWith("Hi from 0 of ")); // true
 * });
 * ```
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing gives rows without a value
export function worker<P = void, R extends Row | void = Row>(
  name: string,
  fn: (ctx: WorkerContext, params: P) => Promise<R> | R,
  options?: WorkerOptions,
): Flow<P, Dataset<R>> {
  checkFunction("worker", "fn", fn);
  const { timeout = TIMEOUT } = checkOptions("worker", options, ["timeout"]);
  const timeoutMs = typeof timeout === "string" ? parseDuration(timeout) : undefined;
  if (timeoutMs === undefined || timeoutMs < 1) {
    throw new TypeError(`Cannot use worker: timeout must be a time such as "30s", got ${show(timeout)}`);
  }
  return flow(name, (f, params: P): Dataset<R> => {
    const call = (ctx: WorkerContext): Promise<R> | R => fn(ctx, params);
    return addProgram<R>(f, { kind: "worker", fn: call, timeoutMs }, datasetsOf(params));
  });
}

/** The datasets in parameters, in arrays and objects of any depth, each once. */
function datasetsOf(params: unknown): readonly DatasetRef[] {
  const found = new Map<string, DatasetRef>();
  const look = (value: unknown): void => {
    if (value instanceof DatasetRef) found.set(value.id, value);
    else if (Array.isArray(value)) for (const item of value) look(item);
    else if (isPlainObject(value)) for (const item of Object.values(value)) look(item);
  };
  look(params);
  return [...found.values()];
}
