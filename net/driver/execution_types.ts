/**
 * An execution, as a driver program holds it: how far it is, its outputs and its totals. Types only, made for users.
 */
import type { GroupProgress } from "../../core/schedule/job_state.ts";
import type { Outputs } from "./outputs.ts";

/**
 * What all tasks of an execution did together, the last attempt of each.
 *
 * @example What an execution wrote
 * ```ts
 * import { type ExecutionTotals, flow, run } from "luciole";
 * const describe = ({ rowsOut, spilledBytes }: ExecutionTotals) => `${rowsOut} rows, ${spilledBytes} bytes spilled`;
 * const numbers = flow("totals", (f) => f.range(3));
 * await run(async (job) => {
 *   console.log(describe(await job.start(numbers).done)); // 3 rows, 0 bytes spilled
 * });
 * ```
 */
export interface ExecutionTotals {
  /** Rows that the tasks read. */
  readonly rowsIn: number;
  /** Bytes that the tasks read, as stored. */
  readonly bytesIn: number;
  /** Rows that the tasks wrote. */
  readonly rowsOut: number;
  /** Bytes that the tasks wrote. */
  readonly bytesOut: number;
  /** Bytes that were put on disk for want of memory. */
  readonly spilledBytes: number;
  /** Sums of `ctx.count`, by name. */
  readonly counters: Readonly<Record<string, number>>;
  /** First rows of what was skipped (malformed input), a few at most. */
  readonly samples: Readonly<Record<string, readonly string[]>>;
}

/**
 * How far an execution is.
 *
 * @example Looking at a running execution
 * ```ts
 * import { type ExecutionProgress, flow, run } from "luciole";
 * const rowsOf = (progress?: ExecutionProgress) => progress?.groups.map(({ rows }) => rows) ?? [];
 * const numbers = flow("rows-so-far", (f) => f.range(3));
 * await run(async (job) => {
 *   const execution = job.start(numbers);
 *   await execution.done;
 *   console.log(rowsOf(execution.progress).length <= 1); // true
 * });
 * ```
 */
export interface ExecutionProgress {
  /** Its task groups, in the order of the plan. */
  readonly groups: readonly GroupProgress[];
}

/**
 * A running execution, as `job.start` gives it.
 *
 * @example Reading counters at the end
 * ```ts
 * import { type Execution, flow, run } from "luciole";
 * const counted = flow("counted-rows", (f) => f.range(3).forEach((_, ctx) => ctx.count("rows")));
 * const countersOf = async (execution: Execution<unknown>) => (await execution.done).counters;
 * await run(async (job) => {
 *   console.log(await countersOf(job.start(counted))); // { rows: 3 }
 * });
 * ```
 */
export interface Execution<R> {
  /** Unique among all jobs. */
  readonly id: string;
  /** The flow's outputs: readable while it runs. */
  readonly outputs: Outputs<R>;
  /** Resolves with the totals when everything is computed and published; rejects with the first cause. */
  readonly done: Promise<ExecutionTotals>;
  /** How far it is; undefined before it started. */
  readonly progress: ExecutionProgress | undefined;
  /** Ends it; `done` then rejects with a CancelledError. */
  cancel(): void;
}
