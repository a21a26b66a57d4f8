/**
 * `run`: the main function of a program.
 *
 * In a worker it becomes the worker's loop; in the driver it hands over to run_driver.ts.
 */
import process from "node:process";
import { show } from "../../core/graph/arguments.ts";
import { EXIT } from "../../core/program/exit_codes.ts";
import { type Flow, type FlowOutput, isFlow } from "../../core/program/flow.ts";
import { host } from "../program/host.ts";
import { WORKER_ENV } from "../protocol.ts";
import type { Job } from "./job.ts";
import { runDriver } from "./run_driver.ts";

/**
 * A program's own function: gets the job, and may use it until it returns.
 *
 * @example Giving every driver function the same frame
 * ```ts
 * import { type Driver, flow, run } from "luciole";
 * const numbers = flow("driver", (f) => f.range(3));
 * const timed = (driver: Driver): Driver => async (job) => {
 *   const start = performance.now();
 *   await driver(job);
 *   if (performance.now() - start > 60_000) job.log("That took a while");
 * };
 * await run(timed(async (job) => console.log(await (await job.execute(numbers)).count()))); // 3
 * ```
 */
export type Driver = (job: Job) => unknown;

/**
 * Runs a program: calls the driver function with a job, once.
 *
 * Reads the engine's own flags (`--workers`, `--memory`, …; see docs/cli.md) and the LUCIOLE_*
 * variables; the other arguments are in `job.args`. When the driver function fails, one line
 * names the first cause, everything is cleaned up, and the process ends with the exit code of
 * that cause. To handle failures yourself, catch them in the driver function or use `openJob`.
 *
 * @param driver The driver function.
 * @returns When everything is done and cleaned up.
 * @example A program of its own arguments
 * ```ts
 * import { flow, run } from "luciole";
 * const greet = flow("greet", (f, p: { names: readonly string[] }) => f.values(p.names).map((name) => `Hello ${name}`));
 * await run(async (job) => {
 *   const names = job.args.length > 0 ? job.args : ["world"];
 *   console.log(await (await job.execute(greet, { names })).collect()); // ["Hello world"]
 * });
 * ```
 */
export async function run(driver: Driver): Promise<void>;
/**
 * Runs a program of one flow that has no parameters.
 *
 * @param flow The flow; its sinks are its results.
 * @returns When everything is done and cleaned up.
 * @example The shortest program
 * ```ts
 * import { flow, run } from "luciole";
 * await run(flow("numbers-to-disk", (f) => f.range(3).writeText("numbers-to-disk", String, { overwrite: true })));
 * ```
 */
export async function run<R extends FlowOutput>(flow: Flow<void, R>): Promise<void>;
/**
 * Runs a program of one flow.
 *
 * @param flow The flow; its sinks are its results.
 * @param params Its parameters.
 * @returns When everything is done and cleaned up.
 */
export async function run<P, R extends FlowOutput>(flow: Flow<P, R>, params: P): Promise<void>;
export async function run<P, R extends FlowOutput>(program: Driver | Flow<P, R>, params?: P): Promise<void> {
  if (process.env[WORKER_ENV.role] === "task") {
    const { runWorker } = await import("../worker/main.ts");
    return runWorker();
  }
  host.wasCalled = true;
  if (host.onRun !== undefined) return host.onRun();
  const driver: Driver =
    typeof program === "function" ? program : (job) => job.execute(program as Flow<P, R>, params as P);
  const code = await runDriver(isCallable(program) ? driver : () => refuse(program));
  if (code !== EXIT.ok) process.exit(code);
}

function isCallable(program: unknown): boolean {
  return typeof program === "function" || isFlow(program);
}

function refuse(program: unknown): never {
  throw new TypeError(`Cannot run: expected a driver function or a flow, got ${show(program)}`);
}
