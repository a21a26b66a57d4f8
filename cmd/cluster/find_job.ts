/**
 * The job that somebody means: by its id, the beginning of it, or its name; the one that runs, if only one of several does.
 */

import type { ClusterJob } from "../../core/cluster/agent_info.ts";
import { hasEnded } from "../../core/cluster/cluster_jobs.ts";
import { LucioleError } from "../../core/errors.ts";
import { similarWord } from "../../core/program/similar.ts";

const MAX_SHOWN = 5;

/** The same among those that have ended, too, when none that runs is meant. @throws As `findJob`. */
export function findAnyJob(all: readonly ClusterJob[], wanted: string, doing: string): ClusterJob {
  const running = all.filter((job) => !hasEnded(job));
  const isRunning = running.some((job) => isMeant(job, wanted));
  const ended = isRunning ? undefined : all.findLast((job) => hasEnded(job) && isMeant(job, wanted));
  return ended ?? findJob(isRunning ? running : all, wanted, doing);
}

/** @throws {LucioleError} code "not-found", or "usage" when several may be meant. */
export function findJob(all: readonly ClusterJob[], wanted: string, doing: string): ClusterJob {
  // What detached drivers printed is kept for a while.
  const jobs = all.filter((job) => !hasEnded(job) || job.detached !== undefined);
  const exact = jobs.find(({ job }) => job === wanted);
  if (exact !== undefined) return exact;
  const begun = jobs.filter(({ job }) => wanted !== "" && job.startsWith(wanted));
  const found = begun.length > 0 ? begun : jobs.filter(({ name }) => name === wanted);
  const running = found.filter((job) => !hasEnded(job));
  // Of runs of one program, the one that goes on.
  const [first] = running.length === 1 ? running : found;
  if (first !== undefined && (running.length === 1 || found.length === 1)) return first;
  if (first !== undefined) {
    const shown = found.slice(0, MAX_SHOWN).map(({ job }) => job);
    const more = found.length > MAX_SHOWN ? ` and ${found.length - MAX_SHOWN} more` : "";
    throw new LucioleError("usage", `Cannot ${doing} "${wanted}": it may be ${shown.join(", ")}${more}`);
  }
  const ended = all.findLast((job) => hasEnded(job) && isMeant(job, wanted));
  const why = ended === undefined ? whyNone(jobs, wanted) : endText(ended);
  throw new LucioleError("not-found", `Cannot ${doing} "${wanted}": ${why}`);
}

function isMeant({ job, name }: ClusterJob, wanted: string): boolean {
  return name === wanted || (wanted !== "" && job.startsWith(wanted));
}

function endText({ state, cause = "" }: ClusterJob): string {
  return cause === "" ? `it has ended: ${state}` : `it has ended: ${state}: ${cause}`;
}

function whyNone(jobs: readonly ClusterJob[], wanted: string): string {
  if (jobs.length === 0) return "no job runs on the cluster";
  const meant = similarWord(
    wanted,
    jobs.flatMap(({ job, name }) => [job, name]),
  );
  const hint = meant === undefined ? "luciole jobs lists them all" : `did you mean ${meant}?`;
  return `no job has that id or name; ${hint}`;
}
