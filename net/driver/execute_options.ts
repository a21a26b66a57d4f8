/**
 * What programs say of how one execution runs.
 *
 * A type only, made for users; execute_limits.ts checks it.
 */
import type { GraphScheduler, WorkerResources } from "./graph_scheduler.ts";

/**
 * How one execution runs.
 *
 * @example Giving up after a while
 * ```ts
 * import { type ExecuteOptions, flow, run } from "luciole";
 * const quick = flow("quick", (f, p: { n: number }) => f.range(p.n).sum());
 * await run(async (job) => {
 *   const options: ExecuteOptions = { signal: AbortSignal.timeout(60_000) };
 *   console.log(await (await job.execute(quick, { n: 4 }, options)).collect()); // [6]
 * });
 * ```
 */
export interface ExecuteOptions {
  /** Cancels the execution when it is aborted. */
  readonly signal?: AbortSignal;
  /**
   * How many workers run it, or which. A number of workers is given from those that no other execution was given: it
   * waits for them in the order of asking. Named workers may be shared. Default: all workers.
   */
  readonly workers?: number | readonly number[];
  /** What each of its workers must have. Default: what every worker has. */
  readonly resources?: WorkerResources;
  /** Says which workers run it. Default: free ones, where most of what it reads lies. */
  readonly schedule?: GraphScheduler;
  /** Attempts of a task that may fail beyond the first. Default 3. */
  readonly retries?: number;
  /** Whether it waits for room; else it is refused. Default true. */
  readonly queue?: boolean;
}
