/**
 * What a job shows on stderr (its progress, log lines, warnings).
 *
 * It knows nothing of where the job runs.
 */
import { LOG_LEVELS } from "../../core/program/limits.ts";
import type { RunFlags } from "../../core/program/run_flags.ts";
import { createProgress } from "../program/progress.ts";
import type { JobParts } from "./driver_job.ts";
import { NO_EVENT_LOG, openEventLog } from "./executor/event_log.ts";
import type { JobListener } from "./executor/running_executions.ts";

export interface JobOutput {
  readonly listener: JobListener;
  readonly parts: Pick<JobParts, "log" | "onProgress" | "record">;
  close(): void;
}

export function createJobOutput(
  flags: Pick<RunFlags, "isJson" | "isQuiet" | "logLevel" | "eventLog">,
): JobOutput {
  const progress = createProgress({ isJson: flags.isJson, isQuiet: flags.isQuiet });
  const log = (text: string): void => progress.print(text);
  const warn = (text: string): void => log(`warning: ${text}`);
  const events = flags.eventLog === undefined ? NO_EVENT_LOG : openEventLog(flags.eventLog, warn);
  return {
    listener: {
      onLog: ({ level, worker, text }) => {
        if (LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(flags.logLevel))
          log(`[worker ${worker}] ${text}`);
      },
      onWarning: (text) => {
        warn(text);
        events.add({ kind: "warning", text });
      },
      record: events.add,
    },
    parts: {
      log,
      record: events.add,
      onProgress: (snapshot) => progress.show(snapshot?.groups),
    },
    close: () => {
      progress.close();
      events.close();
    },
  };
}
