/**
 * What a master or an agent tells its operator, on stderr: a line with time and level, or JSON.
 */
import { writeSync } from "node:fs";
import { LOG_LEVELS, type LogLevel } from "../../core/program/limits.ts";

export interface NoticeOptions {
  readonly role: "master" | "agent";
  readonly isJson: boolean;
  readonly logLevel: LogLevel;
  readonly write?: (text: string) => void;
  readonly now?: () => Date;
}

/** What is told without a level says by its words that something is wrong. */
const OF_WARNINGS = /^(warning: |Cannot |request \S+ .* failed: )/;

export type Notice = (text: string, level?: LogLevel) => void;

export function openNotices(options: NoticeOptions): Notice {
  const { role, isJson, logLevel, write = toStderr, now = () => new Date() } = options;
  return (said, given = "info") => {
    const text = said.replace(/^warning: /, "");
    const level = given === "info" && OF_WARNINGS.test(said) ? "warn" : given;
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(logLevel)) return;
    const time = now().toISOString();
    // Some of it may be a stranger's, who must not move the cursor of whoever looks.
    const line = text.replace(/\s*\n\s*/g, " | ").replace(/\p{Cc}/gu, "?");
    write(
      isJson
        ? JSON.stringify({ kind: "notice", time, role, level, text })
        : `${time} ${level.padEnd(5)} ${line}`,
    );
  };
}

function toStderr(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // Nobody reads it, or the disk of the log is full: no reason to end.
  }
}
