/**
 * Who a worker of a job is, as programs see it: plain data that goes to drivers and workers alike.
 *
 * It knows nothing of what the worker does, nor of how it is reached.
 */

/**
 * One worker of a job.
 *
 * @example Where workers are
 * ```ts
 * import { run, type WorkerInfo } from "luciole";
 * const place = ({ worker, agent }: WorkerInfo) => `worker ${worker} on agent ${agent}`;
 * await run((job) => console.log(job.workers > 0, place({ worker: 0, agent: "local", host: "here" }))); // true worker 0 on agent local
 * ```
 */
export interface WorkerInfo {
  /** Its number, from 0: no other worker of the job has it, not even after this one is gone. */
  readonly worker: number;
  /** The agent that keeps it; "local" without a cluster. */
  readonly agent: string;
  /** The host of the agent. */
  readonly host: string;
}
