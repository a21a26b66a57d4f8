/**
 * `--event-log FILE`: what happened to a job, one JSON object a line, for people and tools that look afterwards.
 *
 * Milestones and what went wrong, not every task; it decides nothing, and a job that cannot write it goes on.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import type { JobEnd } from "../../../core/cluster/job_end.ts";
import { LucioleError } from "../../../core/errors.ts";
import type { StageReport } from "../../../core/schedule/outcome.ts";
import { systemReason } from "../../system_reason.ts";

/** One line, without its time. */
export type JobRecord =
  | {
      readonly kind: "jobStarted";
      readonly job: string;
      readonly workers: number;
      readonly agents: readonly string[];
    }
  | {
      readonly kind: "executionStarted";
      readonly execution: string;
      readonly flow: string;
      readonly groups: readonly { readonly group: number; readonly label: string; readonly tasks: number }[];
    }
  /** An attempt that threw, or whose machine or worker went; in the words of the agent. */
  | {
      readonly kind: "attemptFailed" | "attemptLost";
      readonly agent: string;
      readonly attempt: string;
      readonly cause: string;
    }
  | { readonly kind: "workerExited"; readonly agent: string; readonly worker: number; readonly cause: string }
  | { readonly kind: "agentLost"; readonly agent: string; readonly cause: string }
  | { readonly kind: "warning"; readonly text: string }
  | {
      readonly kind: "executionEnded";
      readonly execution: string;
      readonly outcome: "done" | "failed" | "cancelled";
      readonly cause?: string;
      readonly stages?: readonly Omit<StageReport, "totals">[];
    }
  | ({ readonly kind: "jobEnded"; readonly job: string } & JobEnd);

export interface EventLog {
  add(record: JobRecord): void;
  close(): void;
}

/**
 * Opens the file to append to it; several jobs may write one after the other.
 *
 * @param onTrouble Told once when it cannot be written any more.
 * @throws {LucioleError} code "output-unwritable" when it cannot be opened.
 */
export function openEventLog(path: string, onTrouble: (text: string) => void): EventLog {
  let file: number | undefined;
  try {
    file = openSync(path, "a");
  } catch (cause) {
    const message = `Cannot write the event log "${path}": ${systemReason(cause)}`;
    throw new LucioleError("output-unwritable", message, { fields: { path } });
  }
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return {
    add: (record) => {
      if (file === undefined) return;
      try {
        writeSync(file, `${JSON.stringify({ time: new Date().toISOString(), ...record })}\n`);
      } catch (error) {
        close();
        onTrouble(
          `the event log "${path}" is not written any more: ${error instanceof Error ? error.message : error}`,
        );
      }
    },
    close,
  };
}

export const NO_EVENT_LOG: EventLog = { add: () => undefined, close: () => undefined };
