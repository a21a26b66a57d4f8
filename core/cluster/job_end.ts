/**
 * How a job ended, as its driver tells its agents, and these tell masters.
 *
 * Plain data, and short: it is kept for a while and travels in heartbeats.
 */
import { LucioleError } from "../errors.ts";
import { failureText } from "../program/failure_text.ts";

export const JOB_OUTCOMES = ["succeeded", "failed", "cancelled"] as const;
export type JobOutcome = (typeof JOB_OUTCOMES)[number];

export interface JobEnd {
  readonly outcome: JobOutcome;
  /** The first cause in one line; empty when it succeeded. */
  readonly cause: string;
  /** The lines behind it: the user's own lines of code, and what led to it. */
  readonly details: readonly string[];
  /** On all agents, as its driver knows; others know only their own. */
  readonly allWorkers?: number;
  /** Its driver did not say so: nothing was heard of it any more. */
  readonly isGuess?: true;
}

/** One that an agent or a master remembers. */
export interface EndedJob extends JobEnd {
  readonly job: string;
  readonly name: string;
  /** "user@host" of whoever started it. */
  readonly driver: string;
  /** On the agent that tells it; of all that did, in a list. */
  readonly workers: number;
  /** By the agent's clock, in milliseconds since 1970. */
  readonly since: number;
  readonly endedAt: number;
}

export const MAX_CAUSE = 500;
export const MAX_DETAILS = 10;

export const SUCCEEDED: JobEnd = { outcome: "succeeded", cause: "", details: [] };

/** The end of a job whose driver failed. */
export function failedEnd(error: unknown): JobEnd {
  const [first = "", ...details] = failureText(error).split("\n");
  const isCancelled = error instanceof LucioleError && error.code === "cancelled";
  return {
    outcome: isCancelled ? "cancelled" : "failed",
    cause: first.replace(/^error: /, "").slice(0, MAX_CAUSE),
    details: details.slice(0, MAX_DETAILS).map((line) => line.slice(0, MAX_CAUSE)),
  };
}

/** Somebody else than its driver ended it. */
export function cancelledEnd(by: string): JobEnd {
  return { outcome: "cancelled", cause: `it was cancelled by ${by}`.slice(0, MAX_CAUSE), details: [] };
}

/** Nobody knows what became of its driver. */
export function abandonedEnd(cause: string): JobEnd {
  return { outcome: "failed", cause: cause.slice(0, MAX_CAUSE), details: [], isGuess: true };
}
