/**
 * Help that belongs to no verb: `luciole help exit-codes`, `luciole help variables`.
 */
import { EXIT_MEANINGS } from "../core/program/exit_codes.ts";
import { CLUSTER_VARIABLES, RUN_VARIABLES } from "./variables.ts";

/** Text of each topic by its name. */
export const HELP_TOPICS: ReadonlyMap<string, string> = new Map([
  [
    "exit-codes",
    `Exit codes of luciole and of every program:\n\n${table(EXIT_MEANINGS.map(([code, text]) => [String(code), text]))}`,
  ],
  [
    "variables",
    `Environment variables; a flag wins over its variable. Of runs:\n\n${table(RUN_VARIABLES)}\n\n` +
      `Of masters, agents and whatever asks them:\n\n${table(CLUSTER_VARIABLES)}`,
  ],
]);

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join("\n");
}
