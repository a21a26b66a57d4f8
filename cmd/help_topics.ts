/**
 * Help that belongs to no verb: `luciole help exit-codes`, `luciole help variables`.
 */
import { EXIT_MEANINGS } from "../core/program/exit_codes.ts";

const VARIABLES: readonly (readonly [string, string])[] = [
  ["LUCIOLE_WORKERS", "number of workers, as --workers"],
  ["LUCIOLE_MEMORY", 'memory of all workers, as --memory: "2GiB"'],
  ["LUCIOLE_LOG_LEVEL", "debug, info, warn or error, as --log-level"],
  ["LUCIOLE_JSON", "true: JSON lines on stderr, as --json"],
  ["LUCIOLE_QUIET", "true: no progress, as --quiet"],
  ["LUCIOLE_CODE", "general: run without generated loops, to find out whether one is to blame"],
  ["LUCIOLE_TRACE", "file that gets a line of JSON for each task: its time, rows and bytes"],
];

/** Text of each topic by its name. */
export const HELP_TOPICS: ReadonlyMap<string, string> = new Map([
  [
    "exit-codes",
    `Exit codes of luciole and of every program:\n\n${table(EXIT_MEANINGS.map(([code, text]) => [String(code), text]))}`,
  ],
  ["variables", `Environment variables; a flag wins over its variable:\n\n${table(VARIABLES)}`],
]);

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join("\n");
}
