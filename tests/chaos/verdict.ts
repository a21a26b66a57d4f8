/**
 * What must hold of every run of the chaos suite, whatever went wrong: the whole right result, or a failure that names
 * its cause and no result; never a hang, never a part of a result.
 */
import type { DriverEnd } from "./driver_process.ts";
import type { Written } from "./workload.ts";

export interface Outcome {
  readonly end: DriverEnd;
  readonly written: Written | undefined;
  /** The driver itself was killed. */
  readonly isKilled: boolean;
  readonly mustSucceed: boolean;
  /** Of what else a failure may tell. */
  readonly names: RegExp;
}

/** @returns What is wrong, or undefined. */
export function judge(outcome: Outcome, undisturbed: Written): string | undefined {
  const { end, written, isKilled, mustSucceed, names } = outcome;
  if (end.hung) return `it hangs: no end within ${Math.round(end.tookMs / 1000)} s`;
  if (written !== undefined && written.sha256 !== undisturbed.sha256) {
    return `its output is not that of the undisturbed run: ${written.files} files instead of ${undisturbed.files}`;
  }
  if (end.code === 0) return written === undefined ? "it ended well and wrote nothing" : undefined;
  if (isKilled && end.signal === "SIGKILL") return undefined;
  if (end.signal !== null) return `it was ended by ${end.signal}`;
  const first = end.stderr.split("\n").find((line) => line.startsWith("error: "));
  if (first === undefined) return `it failed with exit code ${end.code} and no line that says why`;
  if (mustSucceed) return `it failed, and what went wrong was within the bounds: ${first}`;
  if (!names.test(first)) return `the first line of its failure does not name what was struck: ${first}`;
  return undefined;
}
