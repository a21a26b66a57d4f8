/**
 * What commands say: results on stdout, everything else on stderr, and how they end.
 *
 * The only place of cmd that knows how an error looks on a terminal and in JSON.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { toWireError } from "../core/errors.ts";
import { exitCodeOf } from "../core/program/exit_codes.ts";
import { failureText } from "../core/program/failure_text.ts";

/** Writes a result: text for people, or the value as one line of JSON. */
export function printResult(text: string, value: unknown, isJson: boolean): void {
  process.stdout.write(`${isJson ? JSON.stringify(value) : text}\n`);
}

/**
 * Tells what went wrong on stderr and sets the exit code that fits.
 */
export function reportError(error: unknown, isJson: boolean): void {
  process.exitCode = exitCodeOf(error);
  const text = isJson ? JSON.stringify({ kind: "failed", error: toWireError(error) }) : failureText(error);
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // Nobody reads it; the exit code tells enough.
  }
}

/** Ends a command whose work fails with a message and an exit code. */
export async function attempt(isJson: boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    reportError(error, isJson);
  }
}
