/**
 * What a cluster knows of an agent: who it is, where it stands, and what runs there.
 *
 * Plain data that travels in heartbeats and views. Knows nothing of who sends or keeps it.
 */

import type { DetachedView, DriverLoad } from "./driver_info.ts";
import type { EndedJob, JobOutcome } from "./job_end.ts";

/** Who an agent is; stays the same as long as its process runs. */
export interface AgentInfo {
  /** Unique name within the cluster. By default made of host name and port. */
  readonly id: string;
  /** New at each start of the process: two processes with one name are told apart by it. */
  readonly incarnation: string;
  /** "host:port" where drivers and other agents reach it. */
  readonly address: string;
  readonly dataCenter: string;
  readonly rack: string;
  readonly host: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the engine. */
  readonly version: string;
  /** "linux-x64": what its executable is made for. */
  readonly platform: string;
  readonly slots: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** What of an agent is free, and what takes the rest. */
export interface AgentLoad {
  readonly freeSlots: number;
  readonly freeMemoryBytes: number;
  readonly freeDiskBytes: number;
  readonly jobs: readonly JobLoad[];
  /** Jobs that ended here of late: one may have come and gone between two heartbeats. */
  readonly ended?: readonly string[];
  /** How the last jobs here ended: told when one has, and now and then for masters that are new. */
  readonly history?: readonly EndedJob[];
  /** Detached drivers, those that ended not long ago too. */
  readonly drivers?: readonly DriverLoad[];
  /** How many more it would run. */
  readonly freeDrivers?: number;
}

export const JOB_STATES = ["starting", "running", "ending"] as const;
export type JobState = (typeof JOB_STATES)[number];
/** restarting: the agent of its detached driver is gone, and another one starts it again. */
export type ClusterJobState = JobState | JobOutcome | "restarting";

/** A job's part on one agent. */
export interface JobLoad {
  readonly job: string;
  readonly name: string;
  readonly program: string;
  readonly workers: number;
  readonly state: JobState;
  /** When it came to the agent, in milliseconds since 1970 by the agent's clock. */
  readonly since: number;
  /** "user@host" of whoever started it. */
  readonly driver: string;
}

/** Body of `POST /v1/heartbeats`. */
export interface Heartbeat {
  readonly agent: AgentInfo;
  readonly load: AgentLoad;
  /** Grows with each heartbeat of the process: one that was overtaken counts for nothing. */
  readonly sequence: number;
  /** The last one: it ends, and takes nothing more. */
  readonly isLeaving?: true;
}

/** lost: not heard of for too long. left: said so itself. */
export type AgentState = "alive" | "lost" | "left";

/** An agent as a master shows it. */
export interface AgentView {
  readonly agent: AgentInfo;
  readonly load: AgentLoad;
  readonly state: AgentState;
  /** Since its last heartbeat. */
  readonly silentMs: number;
  /** Slots that were granted a moment ago, and that its heartbeats do not show as taken yet. */
  readonly promisedSlots: number;
}

/** A job as a master knows it from heartbeats. */
export interface ClusterJob extends Partial<Pick<EndedJob, "endedAt" | "cause" | "details">> {
  readonly job: string;
  readonly name: string;
  readonly program: string;
  readonly driver: string;
  /** Of all its agents: starting or ending when one of them is; its outcome, once it is over. Of a detached driver: its own. */
  readonly state: ClusterJobState;
  /** When it came to the first of its agents. */
  readonly since: number;
  readonly workers: number;
  readonly agents: readonly { readonly agent: string; readonly workers: number }[];
  /** Where its driver is, when an agent runs that. */
  readonly detached?: DetachedView;
}

/** Answer of `GET /v1/cluster`. */
export interface ClusterView {
  readonly master: { readonly id: string; readonly version: string; readonly uptimeMs: number };
  readonly agents: readonly AgentView[];
}
