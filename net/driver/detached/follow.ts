/**
 * Shows a detached driver on this process's own stdout and stderr, and ends as it does.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { EXIT } from "../../../core/program/exit_codes.ts";
import { type AttachedEnd, type AttachOptions, attachDriver } from "./attach.ts";

/** @returns The exit code of the job; that of an interrupt when the signal is aborted. */
export async function followDriver(
  options: Pick<AttachOptions, "access" | "job" | "isFromBeginning" | "signal"> & {
    readonly masters: readonly string[];
  },
): Promise<number> {
  const { job, masters } = options;
  const warn = (text: string): void => say(text);
  const end = await attachDriver({
    ...options,
    warn,
    write: (stream, bytes) => new Promise((resolve) => process[stream].write(bytes, () => resolve())),
  });
  if (end === undefined) {
    const at = `${masterFlag(masters)} ${job}`;
    warn(
      `Detached from job ${job}, which goes on: luciole attach${at} comes back, luciole cancel${at} ends it`,
    );
    return EXIT.interrupted;
  }
  const { state, exitCode, cause } = end;
  if (state === "cancelled") warn(`error: Job ${job} was ${cause ?? "cancelled"}`);
  else if (state === "failed") warn(failureText(job, end));
  return exitCode;
}

export function failureText(job: string, { exitCode, cause }: AttachedEnd): string {
  return `(job ${job} failed: ${cause ?? `exit code ${exitCode}`})`;
}

/** What a command has to say to reach the same cluster; nothing when the variable says it. */
export function masterFlag(masters: readonly string[]): string {
  return process.env.LUCIOLE_MASTER === undefined ? ` --master ${masters.join(",")}` : "";
}

function say(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // Nobody reads it.
  }
}
