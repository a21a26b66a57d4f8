/**
 * The jobs of a cluster, put together from what its agents tell of their parts.
 */
import type { AgentInfo, AgentLoad, ClusterJob, JobLoad } from "./agent_info.ts";
import type { EndedJob } from "./job_end.ts";

interface Part {
  readonly agent: string;
  readonly load: JobLoad;
}

export function hasEnded({ endedAt }: ClusterJob): boolean {
  return endedAt !== undefined;
}

/** One entry a job: those that ended in the order of their ends, then those that run, the oldest first. */
export function clusterJobs(
  agents: Iterable<{ readonly agent: AgentInfo; readonly load: AgentLoad }>,
  history: readonly EndedJob[] = [],
): readonly ClusterJob[] {
  const running = runningJobs(agents);
  const ids = new Set(running.map(({ job }) => job));
  return [...history.filter(({ job }) => !ids.has(job)).map(endedJob), ...running];
}

function endedJob({ outcome, isGuess: _, allWorkers: __, ...ended }: EndedJob): ClusterJob {
  return { ...ended, program: ended.name, state: outcome, agents: [] };
}

function runningJobs(
  agents: Iterable<{ readonly agent: AgentInfo; readonly load: AgentLoad }>,
): readonly ClusterJob[] {
  const parts = new Map<string, Part[]>();
  for (const { agent, load } of agents) {
    for (const job of load.jobs) {
      const known = parts.get(job.job);
      if (known === undefined) parts.set(job.job, [{ agent: agent.id, load: job }]);
      else known.push({ agent: agent.id, load: job });
    }
  }
  const jobs = Array.from(parts, ([job, all]) => jobOf(job, all));
  return jobs.sort((a, b) => a.since - b.since || (a.job < b.job ? -1 : 1));
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
