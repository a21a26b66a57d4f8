/**
 * How an execution ended, as plain data for the driver's report.
 */
import type { WireError } from "../errors.ts";
import type { TaskReport } from "./report.ts";

/** What one task group did, for the report at the end. */
export interface StageReport {
  readonly group: number;
  readonly label: string;
  readonly tasks: number;
  /** Attempts launched; more than tasks when some were retried. */
  readonly attempts: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly totals: TaskReport;
}

export type ExecutionOutcome =
  | { readonly kind: "done"; readonly totals: TaskReport; readonly stages: readonly StageReport[] }
  | { readonly kind: "failed"; readonly error: WireError }
  | { readonly kind: "cancelled"; readonly error: WireError };
