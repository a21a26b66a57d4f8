/**
 * The cluster and its jobs as people read them.
 *
 * A column that says the same of every row is left out.
 */

import type { AgentView, ClusterJob, ClusterView } from "../../core/cluster/agent_info.ts";
import { hasEnded } from "../../core/cluster/cluster_jobs.ts";
import { formatDuration } from "../../core/program/duration.ts";
import { formatSize } from "../../core/program/size.ts";
import { type Column, formatTable } from "../table.ts";

/** @param address Of the master that was asked. @param version Of this executable. */
export function statusText(view: ClusterView, address: string, version: string, width: number): string {
  const { master, agents } = view;
  const alive = agents.filter(({ state }) => state === "alive");
  const slots = sum(alive, ({ agent }) => agent.slots);
  const free = sum(alive, ({ load }) => load.freeSlots);
  const head = `Master ${master.id} at ${address}, version ${master.version}, up ${formatDuration(master.uptimeMs)}`;
  if (agents.length === 0) {
    return `${head}\nNo agents. Start one on any machine: luciole --role agent --master ${address}`;
  }
  const count = `${counted(alive.length, "agent")}, ${free} of ${counted(slots, "slot")} free`;
  const gone = agents.length - alive.length;
  const lost = gone === 0 ? "" : `; ${counted(gone, "other")} gone`;
  return `${head}\n${count}${lost}\n\n${formatTable(agentColumns(agents, version), agents, width)}`;
}

/** Of those that have ended, the last ones are shown. */
const MAX_ENDED = 10;

export function jobsText(jobs: readonly ClusterJob[], now: number, width: number): string {
  if (jobs.length === 0) return "No jobs.";
  const columns: readonly Column<ClusterJob>[] = [
    { title: "JOB", text: ({ job }) => job },
    { title: "NAME", text: ({ name }) => name, least: 8 },
    { title: "STATE", text: ({ state }) => state },
    { title: "WORKERS", text: workersText, isRight: true },
    {
      title: "AGENTS",
      text: ({ agents }) => (agents.length === 0 ? "" : String(agents.length)),
      isRight: true,
    },
    { title: "FOR", text: ({ since, endedAt }) => formatDuration((endedAt ?? now) - since), isRight: true },
    { title: "DRIVER", text: driverText, least: 8 },
  ];
  const shown = [...jobs.filter(hasEnded).slice(-MAX_ENDED), ...jobs.filter((job) => !hasEnded(job))];
  const causes = shown.flatMap(causeLines);
  return [formatTable(columns, shown, width), ...(causes.length === 0 ? [] : ["", ...causes])].join("\n");
}

/** Why a job did not succeed, with what led to it. */
function causeLines({ job, name, state, cause, details = [] }: ClusterJob): readonly string[] {
  if (cause === undefined || cause === "") return [];
  return [`${job} (${name}) ${state}: ${cause}`, ...details];
}

/** A driver that ended before it opened a job had none. */
function workersText({ workers, endedAt }: ClusterJob): string {
  return workers === 0 && endedAt !== undefined ? "" : String(workers);
}

function driverText({ driver, detached }: ClusterJob): string {
  return detached === undefined ? driver : `${driver} on ${detached.agent}`;
}

function agentColumns(agents: readonly AgentView[], version: string): readonly Column<AgentView>[] {
  const isSpread = agents.some(({ agent }) => agent.dataCenter !== "default" || agent.rack !== "default");
  const hasOthers = agents.some(({ agent }) => agent.version !== version);
  const hasLabels = agents.some(({ agent }) => Object.keys(agent.labels).length > 0);
  return [
    { title: "AGENT", text: ({ agent }) => agent.id, least: 12 },
    { title: "STATE", text: stateText },
    { title: "SLOTS FREE", text: ({ agent, load }) => `${load.freeSlots}/${agent.slots}`, isRight: true },
    { title: "MEMORY FREE", text: ({ load }) => formatSize(load.freeMemoryBytes), isRight: true },
    { title: "DISK FREE", text: ({ load }) => formatSize(load.freeDiskBytes), isRight: true },
    { title: "JOBS", text: ({ load }) => String(load.jobs.length), isRight: true },
    ...(isSpread ? [{ title: "PLACE", text: placeText, least: 8 }] : []),
    ...(hasLabels ? [{ title: "LABELS", text: labelsText, least: 8 }] : []),
    ...(hasOthers ? [{ title: "VERSION", text: ({ agent }: AgentView) => agent.version, least: 7 }] : []),
    { title: "ADDRESS", text: ({ agent }) => agent.address, least: 10 },
  ];
}

function stateText({ state, silentMs }: AgentView): string {
  return state === "lost" ? `lost ${formatDuration(silentMs)}` : state;
}

function placeText({ agent }: AgentView): string {
  return `${agent.dataCenter}/${agent.rack}`;
}

function labelsText({ agent }: AgentView): string {
  return Object.entries(agent.labels)
    .map(([name, text]) => (text === "" ? name : `${name}=${text}`))
    .join(",");
}

function sum(agents: readonly AgentView[], of: (agent: AgentView) => number): number {
  return agents.reduce((total, agent) => total + of(agent), 0);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
