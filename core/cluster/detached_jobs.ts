/**
 * The jobs of detached drivers, put together from what agents tell, lost ones too.
 *
 * A driver is where it was started last. One whose agent is gone has failed, unless another agent guards it.
 */
import type { AgentInfo, AgentLoad, AgentState, ClusterJob, ClusterJobState } from "./agent_info.ts";
import { type DriverLoad, isOver } from "./driver_info.ts";

/** An agent that is alive, or of which something was heard not long ago. */
export interface KnownAgent {
  readonly agent: AgentInfo;
  readonly load: AgentLoad;
  readonly state: AgentState | "forgotten";
}

/** What is told of the job without its workers. */
export type DetachedJob = Omit<ClusterJob, "workers" | "agents">;

interface Found {
  readonly agent: KnownAgent;
  readonly load: DriverLoad;
}

export function detachedJobs(agents: Iterable<KnownAgent>): ReadonlyMap<string, DetachedJob> {
  const found = new Map<string, Found[]>();
  for (const agent of agents) {
    for (const load of agent.load.drivers ?? []) {
      const known = found.get(load.job);
      if (known === undefined) found.set(load.job, [{ agent, load }]);
      else known.push({ agent, load });
    }
  }
  const jobs = new Map<string, DetachedJob>();
  for (const [job, all] of found) {
    const last = lastRun(all);
    if (last !== undefined) jobs.set(job, jobOf(last, all));
  }
  return jobs;
}

/** Of the same run on two agents, the one that can be asked. */
function lastRun(all: readonly Found[]): Found | undefined {
  const [last] = all
    .filter(({ load }) => load.state !== "guarded")
    .toSorted((a, b) => b.load.run - a.load.run || Number(isGone(a.agent)) - Number(isGone(b.agent)));
  return last;
}

function jobOf({ agent, load }: Found, all: readonly Found[]): DetachedJob {
  const { job, name, driver, since, run, endedAt, exitCode, cause } = load;
  const detached = { agent: agent.agent.id, run, ...(exitCode === undefined ? {} : { exitCode }) };
  const shared = { job, name, program: name, driver, since, detached };
  const isLost = load.state === "lost" || (isGone(agent) && !isOver(load.state));
  if (!isLost) {
    return {
      ...shared,
      state: stateOf(load),
      ...(endedAt === undefined ? {} : { endedAt }),
      ...(cause === undefined ? {} : { cause }),
    };
  }
  const why = `its driver's agent ${agent.agent.id} ${agent.state === "lost" ? "was lost" : "has ended"}`;
  const isGuarded = all.some((other) => other.load.state === "guarded" && !isGone(other.agent));
  if (isGuarded) return { ...shared, state: "restarting", cause: why };
  return { ...shared, state: "failed", cause: why, endedAt: endedAt ?? since };
}

function stateOf({ state }: DriverLoad): ClusterJobState {
  return state === "guarded" || state === "lost" ? "restarting" : state;
}

function isGone({ state }: KnownAgent): boolean {
  return state !== "alive";
}
