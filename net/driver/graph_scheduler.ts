/**
 * What programs say of the workers that an execution is to run on, and what they are shown when they choose themselves.
 *
 * Types only, made for users; worker_sets.ts asks schedulers and core/connected/graph_queue.ts is the default.
 */

/**
 * What each worker of an execution must have for itself.
 *
 * A worker has one processor and its share of the job's memory. For an execution that asks for more, other workers of the
 * same agent are left idle by executions that ask for workers too.
 *
 * @example Twice the memory for each of two workers
 * ```ts
 * import { flow, openJob, type WorkerResources } from "luciole";
 * const sorted = flow("sorted-wide", (f) => f.range(4).map((n) => -n).sort());
 * const resources: WorkerResources = { cpu: 2 };
 * await using job = await openJob({ workers: 4 });
 * const rows = await job.execute(sorted, undefined, { workers: 2, resources });
 * console.log(await rows.collect()); // [-3, -2, -1, -0]
 * ```
 */
export interface WorkerResources {
  /** Processors of each worker. Default 1. */
  readonly cpu?: number;
  /** Memory for the operators of each worker: bytes, or a size such as "2GiB". Default: a worker's share. */
  readonly memory?: number | string;
}

/**
 * An execution that wants workers, as a GraphScheduler sees it.
 *
 * @example Few workers for what reads little
 * ```ts
 * import type { GraphToSchedule } from "luciole";
 * const wanted = ({ bytes, workers }: GraphToSchedule) => (typeof workers === "number" ? workers : bytes > 1e9 ? 8 : 1);
 * console.log(wanted({ flow: "count", tasks: 4, bytes: 100, inputs: [] })); // 1
 * ```
 */
export interface GraphToSchedule {
  /** The name of its flow. */
  readonly flow: string;
  /** Its tasks, if all workers ran it. */
  readonly tasks: number;
  /** Bytes that it reads of files and datasets, as far as that is known. */
  readonly bytes: number;
  /** The option of the execution: a number, or which. */
  readonly workers?: number | readonly number[];
  /** The option of the execution. */
  readonly resources?: WorkerResources;
  /** Bytes of each dataset among its parameters, by the agent that holds them. */
  readonly inputs: readonly { readonly dataset: string; readonly agents: Readonly<Record<string, number>> }[];
}

/**
 * A worker of the job with its load, as a GraphScheduler sees it.
 *
 * @example The one with the least to do
 * ```ts
 * import type { GraphWorker } from "luciole";
 * const leastLoaded = (workers: readonly GraphWorker[]) =>
 *   workers.toSorted((a, b) => a.executions - b.executions)[0].worker;
 * const idle = { agent: "a", isBusy: false, memoryBytes: 1, inputBytes: 0 };
 * console.log(leastLoaded([{ ...idle, worker: 0, executions: 2 }, { ...idle, worker: 1, executions: 0 }])); // 1
 * ```
 */
export interface GraphWorker {
  /** Its number. */
  readonly worker: number;
  /** The agent that keeps it. */
  readonly agent: string;
  /** It performs a task now. */
  readonly isBusy: boolean;
  /** Executions with a set of workers that it belongs to. */
  readonly executions: number;
  /** Memory of its operators. */
  readonly memoryBytes: number;
  /** Bytes of the execution's datasets that its agent holds. */
  readonly inputBytes: number;
}

/**
 * Says which workers run an execution: `schedule(graph) → worker set`.
 *
 * Its answer is taken as it is, also where others run. It has ten seconds.
 *
 * @param graph What is to run.
 * @param workers Those that there are now.
 * @returns Their numbers: at least one, each once, each of a worker that is there; as many as were asked for.
 * @example Every second worker
 * ```ts
 * import { flow, type GraphScheduler, openJob } from "luciole";
 * const squares = flow("scheduled", (f) => f.range(4).map((n) => n * n).sum());
 * const schedule: GraphScheduler = (_graph, workers) => workers.map(({ worker }) => worker).filter((n) => n % 2 === 0);
 * await using job = await openJob({ workers: 4 });
 * console.log(await (await job.execute(squares, undefined, { schedule })).collect()); // [14]
 * ```
 */
export type GraphScheduler = (
  graph: GraphToSchedule,
  workers: readonly GraphWorker[],
) => readonly number[] | Promise<readonly number[]>;
