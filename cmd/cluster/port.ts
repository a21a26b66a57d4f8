/**
 * What the verbs ask of a cluster: a port, so that they can be tried without one.
 */
import type { AgentInfo, ClusterJob, ClusterView } from "../../core/cluster/agent_info.ts";
import type { LogEntry } from "../../net/agent/workers/job_logs.ts";
import type { OutputItem } from "../../net/driver_protocol.ts";

export interface ClusterPort {
  /** Of the master that answered last. */
  readonly address: string;
  cluster(): Promise<ClusterView>;
  jobs(): Promise<readonly ClusterJob[]>;
  /** @throws {LucioleError} code "not-found" when the agent has no such job any more. */
  logs(agent: AgentInfo, job: string, from: number): Promise<readonly LogEntry[]>;
  /** Ends the job there; fine when it has ended. @param by Told to its driver. */
  endJob(agent: AgentInfo, job: string, by: string): Promise<void>;
  /** What a detached driver printed until now. @throws As `logs`. */
  output(agent: AgentInfo, job: string): AsyncIterable<OutputItem>;
  /** What it printed and prints until its end, on whichever agent. */
  follow(job: string, shown: Shown): Promise<void>;
  /** Ends a detached driver, or the guard of one; fine when it has ended. */
  endDriver(agent: AgentInfo, job: string, by: string): Promise<void>;
}

/** Takes what a detached driver prints, and what is to be said of it. */
export interface Shown {
  readonly write: (stream: string, bytes: Uint8Array, time: number) => Promise<void>;
  readonly warn: (text: string) => void;
}

/** Where verbs write, and when. */
export interface Terminal {
  /** Columns, or infinity where nobody looks. */
  readonly width: number;
  readonly now: () => number;
  readonly isJson: boolean;
  /** "user@host" of who sits there. */
  readonly user: string;
  /** A result, with its line end. */
  print(line: string): void;
  /** As it is. */
  write(bytes: Uint8Array): Promise<void>;
  /** What went wrong beside it. */
  warn(line: string): void;
}
