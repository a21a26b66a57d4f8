/**
 * Tells the operator of a role of requests that failed: one by one, up to a few in a second.
 */
import { LogGuard } from "./agent/workers/log_guard.ts";
import type { OnFailure } from "./request_id.ts";

/** A flood of them must not fill a disk. */
const PER_SECOND = 10;

export interface FailureLog {
  readonly onFailure: OnFailure;
  /** Tells what was dropped last. */
  close(): void;
}

export function openFailureLog(onNotice: (text: string) => void): FailureLog {
  const guard = new LogGuard({
    onLine: onNotice,
    onDropped: (lines) => onNotice(`${lines} more requests failed`),
    linesPerSecond: PER_SECOND,
  });
  return { onFailure: (line) => guard.line(line), close: () => guard.flush() };
}
