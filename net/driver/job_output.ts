/**
 * What a job shows on stderr (its progress, log lines, warnings), and who listens to its workers' messages.
 *
 * It knows nothing of where the job runs.
 */
import { LOG_LEVELS } from "../../core/program/limits.ts";
import type { RunFlags } from "../../core/program/run_flags.ts";
import { createProgress } from "../program/progress.ts";
import type { JobParts } from "./driver_job.ts";
import type { JobListener } from "./executor.ts";

export interface JobOutput {
  readonly listener: JobListener;
  readonly parts: Pick<JobParts, "log" | "onProgress" | "onWorkerMessage">;
  close(): void;
}

export function createJobOutput(flags: Pick<RunFlags, "isJson" | "isQuiet" | "logLevel">): JobOutput {
  const progress = createProgress({ isJson: flags.isJson, isQuiet: flags.isQuiet });
  const listeners: ((message: unknown, worker: number) => void)[] = [];
  const log = (text: string): void => progress.print(text);
  return {
    listener: {
      onLog: ({ level, worker, text }) => {
        if (LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(flags.logLevel))
          log(`[worker ${worker}] ${text}`);
      },
      onWarning: (text) => log(`warning: ${text}`),
      onWorkerMessage: (worker, message) => {
        for (const listener of listeners) listener(message, worker);
      },
    },
    parts: {
      log,
      onProgress: (snapshot) => progress.show(snapshot?.groups),
      onWorkerMessage: (listener) => listeners.push(listener),
    },
    close: () => progress.close(),
  };
}
