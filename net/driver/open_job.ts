/**
 * `openJob`: a job for programs that are more than a driver function, such as servers and tests.
 *
 * In a worker it becomes the worker's loop, as `run` does.
 */
import process from "node:process";
import { checkOptions } from "../../core/graph/arguments.ts";
import { MAX_WORKERS } from "../../core/program/limits.ts";
import { compileRunFlags, type RunFlags } from "../../core/program/run_flags.ts";
import { parseSize } from "../../core/program/size.ts";
import { host } from "../program/host.ts";
import { WORKER_ENV } from "../protocol.ts";
import type { Job } from "./job.ts";

/**
 * Where a job runs, and what it may use there.
 *
 * @example A job of a service
 * ```ts
 * import { flow, type JobOptions, openJob } from "luciole";
 * const options: JobOptions = { workers: 1, memory: "512MiB", logLevel: "warn" };
 * const numbers = flow("job-options", (f) => f.range(3));
 * await using job = await openJob(options);
 * console.log(await (await job.execute(numbers)).collect()); // [0, 1, 2]
 * ```
 */
export interface JobOptions {
  /** Number of workers; all cores when missing. */
  readonly workers?: number;
  /** Memory of all workers together: bytes, or "2GiB"; half of the machine's when missing. */
  readonly memory?: number | string;
  /** `host:7400` of a cluster's master, or of several with commas between them; this machine alone when missing. */
  readonly master?: string;
  /** Least level of log lines that are shown on stderr. Default "info". */
  readonly logLevel?: "debug" | "info" | "warn" | "error";
  /** Whether `job.scaler` may change the number of workers. Default true. */
  readonly scalable?: boolean;
  /** Show progress on stderr. Default false. */
  readonly progress?: boolean;
  /**
   * Tasks that take much longer than most of their step are run a second time on another agent of the cluster, and the
   * first to end counts. To be switched off when the program's functions have effects that must not happen twice.
   * Default true.
   */
  readonly speculation?: boolean;
  /**
   * Directory where the job's checkpoint is kept, for a later process to go on from. It is left there when the job is
   * closed: the program deletes it when all is done.
   */
  readonly checkpoint?: string;
  /** Go on from what an earlier process left in `checkpoint`. Default false. */
  readonly resume?: boolean;
}

const OPTIONS: readonly (keyof JobOptions)[] = [
  "workers",
  "memory",
  "master",
  "logLevel",
  "scalable",
  "progress",
  "speculation",
  "checkpoint",
  "resume",
];

/**
 * Opens a job on this machine, or on the cluster of a master, to be closed by `await job.close()` or `await using`.
 *
 * Unlike `run` it handles no signals and never ends the process; failures are thrown to the
 * caller. The module that calls it is loaded by the workers too, which stop at this call.
 *
 * @throws {RangeError} If an option is out of range.
 * @throws {TypeError} If an option is not known.
 * @example
 * ```ts
 * import { flow, openJob } from "luciole";
 * const squares = flow("squares", (f) => f.range(4).map((n) => n * n));
 * await using job = await openJob({ workers: 2 });
 * console.log(await (await job.execute(squares)).collect()); // [0, 1, 4, 9]
 * ```
 */
export async function openJob(options: JobOptions = {}): Promise<Job> {
  if (process.env[WORKER_ENV.role] === "task") {
    const { runWorker } = await import("../worker/main.ts");
    return runWorker();
  }
  host.wasCalled = true;
  checkOptions("openJob", options, OPTIONS);
  const {
    workers,
    memory,
    logLevel = "info",
    progress = false,
    speculation = true,
    scalable = true,
  } = options;
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 1 && workers <= MAX_WORKERS)) {
    throw new RangeError(
      `Cannot open a job: workers must be an integer from 1 to ${MAX_WORKERS}, got ${workers}`,
    );
  }
  const memoryBytes = typeof memory === "string" ? parseSize(memory) : memory;
  if (memory !== undefined && (memoryBytes === undefined || !(memoryBytes >= 1))) {
    throw new RangeError(`Cannot open a job: memory must be bytes or a size such as "2GiB", got ${memory}`);
  }
  const { openDriverJob } = await import("./open_driver_job.ts");
  return openDriverJob(
    {
      ...(workers === undefined ? {} : { workers }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...setFlags(options),
      isJson: false,
      isQuiet: !progress,
      logLevel,
      speculates: speculation,
      ...(scalable ? {} : { isFixed: true }),
    },
    [],
  );
}

/** Which cluster the job runs on, and where its checkpoint is: the program's own choice, or that of whoever runs it. */
function setFlags({ master, checkpoint, resume }: JobOptions): Pick<RunFlags, "cluster" | "checkpoint"> {
  const texts = {
    ...(master === undefined ? {} : { master }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(resume === undefined ? {} : { resume: String(resume) }),
  };
  const flags = compileRunFlags({ ...texts, "log-level": "info" }, process.env);
  return {
    ...(flags.cluster === undefined ? {} : { cluster: flags.cluster }),
    ...(flags.checkpoint === undefined ? {} : { checkpoint: flags.checkpoint }),
  };
}
