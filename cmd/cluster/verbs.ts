/**
 * `luciole status`, `jobs`, `logs` and `cancel`: what a cluster does, and the end of a job.
 *
 * The master knows which agents a job has; its lines are read from the agents, and they end it.
 */
import type { AgentInfo, AgentView, ClusterJob } from "../../core/cluster/agent_info.ts";
import { hasEnded } from "../../core/cluster/cluster_jobs.ts";
import { isOver } from "../../core/cluster/driver_info.ts";
import { describeThrown, LucioleError } from "../../core/errors.ts";
import type { LogEntry } from "../../net/agent/workers/job_logs.ts";
import { placesOf } from "../../net/driver/detached/find_detached.ts";
import { findAnyJob, findJob } from "./find_job.ts";
import type { ClusterPort, Terminal } from "./port.ts";
import { jobsText, statusText } from "./status_text.ts";

export async function status(cluster: ClusterPort, terminal: Terminal, version: string): Promise<void> {
  const view = await cluster.cluster();
  const text = () => statusText(view, cluster.address, version, terminal.width);
  terminal.print(terminal.isJson ? JSON.stringify({ address: cluster.address, ...view }) : text());
}

export async function jobs(cluster: ClusterPort, terminal: Terminal): Promise<void> {
  const all = await cluster.jobs();
  terminal.print(terminal.isJson ? JSON.stringify(all) : jobsText(all, terminal.now(), terminal.width));
}

export interface LogsOptions {
  readonly worker?: number;
  /** Goes on until the job ends. */
  readonly isFollowed: boolean;
  /** Between two looks. */
  readonly pause: () => Promise<void>;
}

/** What the workers of a job printed of late, in the order of time. */
export async function logs(
  cluster: ClusterPort,
  terminal: Terminal,
  wanted: string,
  { worker, isFollowed, pause }: LogsOptions,
): Promise<void> {
  const job = findJob(await cluster.jobs(), wanted, "show the logs of");
  if (job.detached !== undefined && worker === undefined) {
    await showOutput(cluster, terminal, job, job.detached.agent, isFollowed);
    return;
  }
  const agents = await agentsOf(cluster, job, terminal);
  const next: Following = new Map(agents.map((agent) => [agent, { from: 0 }]));
  let isFirst = true;
  while (isFirst || (isFollowed && next.size > 0)) {
    if (!isFirst) await pause();
    const lines = await Promise.all(
      Array.from(next, async ([agent, { from }]) => {
        try {
          const lines = await readLines(cluster, job.job, agent, from, terminal);
          const last = lines.at(-1);
          next.set(agent, { from: last === undefined ? from : last.entry.number + 1 });
          return lines;
        } catch (error) {
          await failed(cluster, terminal, { agent, error, isFollowed }, next);
          return [];
        }
      }),
    );
    const wantedLines = lines.flat().filter(({ entry }) => worker === undefined || entry.worker === worker);
    for (const line of wantedLines.sort((a, b) => a.entry.time - b.entry.time))
      terminal.print(lineText(line, terminal));
    if (isFirst && wantedLines.length === 0 && !isFollowed && !terminal.isJson) {
      const who = worker === undefined ? "no worker" : `worker ${worker}`;
      terminal.warn(
        `(${who} of job ${job.job} has printed ${worker === undefined ? "anything" : "nothing"} yet)`,
      );
    }
    isFirst = false;
  }
}

/** What a detached driver printed: its workers' lines are among it. */
async function showOutput(
  cluster: ClusterPort,
  terminal: Terminal,
  { job }: ClusterJob,
  agentId: string,
  isFollowed: boolean,
): Promise<void> {
  const { agents } = await cluster.cluster();
  const write = async (stream: string, bytes: Uint8Array, time: number): Promise<void> => {
    if (!terminal.isJson) await terminal.write(bytes);
    else terminal.print(JSON.stringify({ stream, time, text: new TextDecoder().decode(bytes) }));
  };
  const view = agents.find(({ agent }) => agent.id === agentId);
  const isAlive = view?.state === "alive";
  if (isFollowed && (isAlive || isGuarded(agents, job))) {
    await cluster.follow(job, { write, warn: terminal.warn });
    return;
  }
  if (!isAlive) {
    const where = `they are with agent ${agentId}, which ${view === undefined ? "is gone" : view.state === "lost" ? "is lost" : "has left"}`;
    throw new LucioleError("not-found", `Cannot show the logs of job ${job}: ${where}`);
  }
  for await (const item of cluster.output(view.agent, job)) {
    if (item.kind === "dropped") terminal.warn(`(${item.count} older bytes are not kept any more)`);
    if (item.kind === "output") await write(item.stream, item.bytes, item.time);
  }
}

/** Tells whether another agent would start its driver again. */
function isGuarded(agents: readonly AgentView[], job: string): boolean {
  return placesOf(agents, job).some(({ agent, load }) => load.state === "guarded" && agent.state === "alive");
}

/**
 * Ends a job on all of its agents. Its driver sees that it was cancelled.
 *
 * That it has ended already is what was wanted, and told, however it ended.
 */
export async function cancel(cluster: ClusterPort, terminal: Terminal, wanted: string): Promise<void> {
  const job = findAnyJob(await cluster.jobs(), wanted, "cancel");
  if (hasEnded(job) && job.detached === undefined) {
    terminal.print(terminal.isJson ? JSON.stringify({ job: job.job, agents: [] }) : endedText(job));
    return;
  }
  if (job.detached !== undefined) {
    await cancelDetached(cluster, terminal, job);
    return;
  }
  const agents = await agentsOf(cluster, job, terminal);
  const failures: string[] = [];
  await Promise.all(
    agents.map(async (agent) => {
      try {
        await cluster.endJob(agent, job.job, `${terminal.user} with luciole cancel`);
      } catch (error) {
        failures.push(`agent ${agent.id} at ${agent.address}: ${describeThrown(error)}`);
      }
    }),
  );
  if (failures.length > 0) {
    const count = `${failures.length} of ${agents.length} agents`;
    throw new LucioleError("cancel", `Cannot cancel job ${job.job} on ${count}: ${failures.join("; ")}`);
  }
  const names = agents.map(({ id }) => id);
  const text = `Cancelled job ${job.job} (${job.name}) on ${names.length} agent${names.length === 1 ? "" : "s"}`;
  terminal.print(terminal.isJson ? JSON.stringify({ job: job.job, agents: names }) : text);
}

/** Ends its driver, which ends the job; guards of it first, which would start it again. */
async function cancelDetached(cluster: ClusterPort, terminal: Terminal, job: ClusterJob): Promise<void> {
  const { agents } = await cluster.cluster();
  const places = placesOf(agents, job.job).filter(({ agent }) => agent.state === "alive");
  const by = `${terminal.user} with luciole cancel`;
  const names = places.filter(({ load }) => !isOver(load.state) && load.state !== "guarded");
  for (const { agent, load } of places.toReversed()) {
    try {
      await cluster.endDriver(agent.agent, job.job, by);
    } catch (error) {
      // It hears of it when it looks at the driver again.
      if (load.state !== "guarded" || names.length === 0) throw error;
      terminal.warn(`warning: a guard of the job could not be told: ${describeThrown(error)}`);
    }
  }
  const where = names[0]?.agent.agent.id ?? `${job.detached?.agent ?? "unknown"}, which is gone`;
  const text = hasEnded(job)
    ? endedText(job)
    : `Cancelled job ${job.job} (${job.name}), whose driver was on agent ${where}`;
  terminal.print(
    terminal.isJson
      ? JSON.stringify({ job: job.job, agents: names.map(({ agent }) => agent.agent.id) })
      : text,
  );
}

function endedText({ job, name, state }: ClusterJob): string {
  return `Job ${job} (${name}) has ended already: ${state}`;
}

/** Where the job's agents are reached; warns of those that the master does not hear any more. */
async function agentsOf(
  cluster: ClusterPort,
  job: ClusterJob,
  terminal: Terminal,
): Promise<readonly AgentInfo[]> {
  const { agents } = await cluster.cluster();
  const found: AgentInfo[] = [];
  for (const { agent: id } of job.agents) {
    const view = agents.find(({ agent }) => agent.id === id);
    if (view !== undefined) found.push(view.agent);
    if (view?.state !== "alive") terminal.warn(`warning: agent ${id} of the job is ${view?.state ?? "gone"}`);
  }
  return found;
}

interface Line {
  readonly agent: AgentInfo;
  readonly entry: LogEntry;
}

/** Those that are asked, by what number on; since when one has not been reached. */
type Following = Map<AgentInfo, { readonly from: number; readonly failingSince?: number }>;

/** While no master knows better. */
const GIVE_UP_MS = 60_000;

/** New lines of one agent. */
async function readLines(
  cluster: ClusterPort,
  job: string,
  agent: AgentInfo,
  from: number,
  terminal: Terminal,
): Promise<readonly Line[]> {
  const entries = await cluster.logs(agent, job, from);
  const [first] = entries;
  if (first !== undefined && first.number > from) {
    terminal.warn(`(agent ${agent.id} has dropped ${first.number - from} older lines)`);
  }
  return entries.map((entry) => ({ agent, entry }));
}

/** An agent is not asked again when it has the job no more, or is gone; it may only be out of reach for a moment. */
async function failed(
  cluster: ClusterPort,
  terminal: Terminal,
  {
    agent,
    error,
    isFollowed,
  }: { readonly agent: AgentInfo; readonly error: unknown; readonly isFollowed: boolean },
  next: Following,
): Promise<void> {
  const { from, failingSince = terminal.now() } = next.get(agent) ?? { from: 0 };
  const hasEnded = error instanceof LucioleError && error.code === "not-found";
  const isPassing = error instanceof LucioleError && error.code === "unreachable";
  if (!hasEnded && next.get(agent)?.failingSince === undefined)
    terminal.warn(`warning: ${describeThrown(error)}`);
  if (hasEnded || !isFollowed || !isPassing) {
    next.delete(agent);
    return;
  }
  const view = await cluster.cluster().catch(() => undefined);
  const state = view?.agents.find((one) => one.agent.id === agent.id)?.state ?? "gone";
  if (view === undefined && terminal.now() - failingSince > GIVE_UP_MS) throw error;
  if (view === undefined || state === "alive") {
    next.set(agent, { from, failingSince });
    return;
  }
  terminal.warn(`warning: agent ${agent.id} of the job is ${state}`);
  next.delete(agent);
}

function lineText({ agent, entry }: Line, { isJson }: Terminal): string {
  if (isJson) return JSON.stringify({ agent: agent.id, ...entry });
  const time = new Date(entry.time).toISOString().slice(11, 19);
  const who = entry.worker < 0 ? `agent ${agent.id}` : `worker ${entry.worker}`;
  const level = entry.level === "info" ? "" : `${entry.level}: `;
  return `${time} [${who}] ${level}${entry.text}`;
}
