/**
 * The exit codes of `luciole` and of every program, and which error leads to which.
 *
 * The one place where they are defined; docs/cli.md and `luciole help exit-codes` show them.
 */
import { LucioleError } from "../errors.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2, input: 3, interrupted: 130, terminated: 143 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each exit code means, in the order of the table. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, "the job, or the command, succeeded"],
  [EXIT.failed, "the job failed: user code threw, a plan was refused, an output could not be written"],
  [EXIT.usage, "the command line was wrong: an unknown flag or verb, a missing or malformed value"],
  [EXIT.input, "an input, or the program itself, is missing or unreadable"],
  [
    EXIT.interrupted,
    "interrupted by Ctrl-C (SIGINT); the job was cancelled and cleaned up, or goes on where it is detached",
  ],
  [EXIT.terminated, "ended by SIGTERM; the job was cancelled and cleaned up"],
];

const CODES: ReadonlyMap<string, ExitCode> = new Map([
  ["usage", EXIT.usage],
  ["input-missing", EXIT.input],
  ["input-unreadable", EXIT.input],
]);

/** The exit code for what ended a job; the innermost cause that has one of its own decides. */
export function exitCodeOf(error: unknown): ExitCode {
  let code: ExitCode = EXIT.failed;
  let current = error;
  for (let depth = 0; current instanceof Error && depth < 10; depth++) {
    if (current instanceof LucioleError) code = CODES.get(current.code) ?? code;
    current = current.cause;
  }
  return code;
}
