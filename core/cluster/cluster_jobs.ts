/**
 * The jobs of a cluster, put together from what its agents tell of their parts.
 */
import type { ClusterJob, JobLoad } from "./agent_info.ts";
import { type DetachedJob, detachedJobs, type KnownAgent } from "./detached_jobs.ts";
import type { EndedJob } from "./job_end.ts";

interface Part {
  readonly agent: string;
  readonly load: JobLoad;
}

export function hasEnded({ endedAt }: ClusterJob): boolean {
  return endedAt !== undefined;
}

/**
 * One entry a job: those that ended in the order of their ends, then those that run, the oldest first.
 *
 * @param agents Those that are gone too: they may have had detached drivers.
 */
export function clusterJobs(
  agents: readonly KnownAgent[],
  history: readonly EndedJob[] = [],
): readonly ClusterJob[] {
  const detached = detachedJobs(agents);
  const present = presentJobs(agents, detached).map((job) => {
    const ends = history.filter((ended) => shownAs(ended.job, detached) === job.job);
    return hasEnded(job) ? withEnds(job, ends) : job;
  });
  const ids = new Set(present.map(({ job }) => job));
  const past = history.filter(({ job }) => !ids.has(shownAs(job, detached))).map(endedJob);
  const ended = [...past, ...present.filter(hasEnded)].sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  return [...ended, ...present.filter((job) => !hasEnded(job))];
}

function endedJob({ outcome, isGuess: _, allWorkers: __, ...ended }: EndedJob): ClusterJob {
  return { ...ended, program: ended.name, state: outcome, agents: [] };
}

/** Of an ended driver only its agent tells; what its jobs had, and why they failed, their agents do. */
function withEnds(job: ClusterJob, ends: readonly EndedJob[]): ClusterJob {
  const workers = Math.max(job.workers, ...ends.map((ended) => ended.workers));
  const details = ends.findLast(({ cause }) => cause !== "" && cause === job.cause)?.details;
  return { ...job, workers, ...(details === undefined ? {} : { details }) };
}

/** Those that run, and all of detached drivers. */
function presentJobs(
  agents: readonly KnownAgent[],
  detached: ReadonlyMap<string, DetachedJob>,
): readonly ClusterJob[] {
  const parts = new Map<string, Part[]>(Array.from(detached.keys(), (job) => [job, []]));
  for (const { agent, load, state } of agents) {
    if (state !== "alive") continue;
    for (const part of load.jobs) {
      const job = shownAs(part.job, detached);
      const known = parts.get(job);
      if (known === undefined) parts.set(job, [{ agent: agent.id, load: part }]);
      else known.push({ agent: agent.id, load: part });
    }
  }
  const jobs = Array.from(parts, ([job, all]) => {
    const driver = detached.get(job);
    return driver === undefined ? jobOf(job, all) : withParts(driver, all);
  });
  return jobs.sort((a, b) => a.since - b.since || (a.job < b.job ? -1 : 1));
}

/** The jobs that a detached driver opens are one to people. */
function shownAs(job: string, detached: ReadonlyMap<string, DetachedJob>): string {
  const [first = job] = job.split("-");
  return detached.has(first) ? first : job;
}

/** It may have opened several jobs, with parts on the same agents. */
function withParts(driver: DetachedJob, parts: readonly Part[]): ClusterJob {
  const { workers, agents } = jobOf(driver.job, parts);
  const counts = new Map<string, number>();
  for (const part of agents) counts.set(part.agent, (counts.get(part.agent) ?? 0) + part.workers);
  return { ...driver, workers, agents: Array.from(counts, ([agent, count]) => ({ agent, workers: count })) };
}

function jobOf(job: string, parts: readonly Part[]): ClusterJob {
  const sorted = parts.toSorted((a, b) => (a.agent < b.agent ? -1 : 1));
  const states = sorted.map(({ load }) => load.state);
  const [{ load: first } = { load: undefined }] = sorted;
  return {
    job,
    name: first?.name ?? "",
    program: first?.program ?? "",
    driver: first?.driver ?? "",
    state: states.find((state) => state !== "running") ?? "running",
    since: Math.min(...sorted.map(({ load }) => load.since)),
    workers: sorted.reduce((sum, { load }) => sum + load.workers, 0),
    agents: sorted.map(({ agent, load }) => ({ agent, workers: load.workers })),
  };
}
