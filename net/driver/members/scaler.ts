/**
 * The scaler of a job, as a driver program holds it. Types only; net/driver/members/job_scaler.ts has the class behind it.
 */
import type { AdaptiveOptions } from "../../../core/job/adaptive.ts";

/**
 * Changes the number of a job's workers while it runs.
 *
 * Calls are performed one after the other. Each change begins an epoch, of which `allWorkersJoined` tells when all of
 * its workers are there.
 *
 * @example More workers for the second half
 * ```ts
 * import { flow, run, type Scaler } from "luciole";
 * const squares = flow("scaled-squares", (f) => f.range(4).map((n) => n * n));
 * const grow = (scaler: Scaler): Promise<boolean> => scaler.scaleUp(1);
 * await run(async (job) => {
 *   const rows = await job.execute(squares);
 *   const before = job.workers;
 *   console.log(await grow(job.scaler), job.workers - before); // true 1
 *   console.log(await rows.collect(), await job.scaler.scaleDown(1)); // [0, 1, 4, 9] true
 * });
 * ```
 */
export interface Scaler {
  /** Whether the number of workers may change: not with `scalable: false`, nor in a symmetric run. */
  readonly scalable: boolean;
  /**
   * Adds workers. Datasets stay where they are and can be read as before; the first flow after it uses the new workers.
   *
   * @param count How many.
   * @returns True when all of them are there and have asked for work. False when none was added: the job is not
   *   scalable, there is no room for all of them now, or they cannot be started; the job's log says which.
   * @throws {RangeError} If `count` is no whole number of at least 1.
   * @throws {TypeError} If the job is closed.
   */
  scaleUp(count: number): Promise<boolean>;
  /**
   * Takes workers away, those with the highest numbers first. They get no new tasks at once, and are removed when they
   * have ended what they run, or after ten seconds, when it runs again elsewhere. What they have made can be read as before.
   *
   * @param count How many.
   * @returns True when they are gone. False when none was taken away: the job is not scalable, or would have no worker left.
   * @throws {RangeError} If `count` is no whole number of at least 1.
   * @throws {TypeError} If the job is closed.
   */
  scaleDown(count: number): Promise<boolean>;
  /**
   * Has the job scale itself by what waits for its workers, until it is told otherwise.
   *
   * @param options Within which bounds and how quickly; false ends it.
   * @returns False when the job is not scalable.
   * @throws {RangeError} If the bounds are none.
   * @throws {TypeError} If the job is closed.
   */
  adaptive(options: AdaptiveOptions | false): boolean;
}
