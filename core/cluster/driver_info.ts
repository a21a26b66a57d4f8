/**
 * What a cluster knows of a detached driver: one that runs on an agent, in the place of its client.
 *
 * Plain data that travels in heartbeats and views.
 */

/** guarded: it runs elsewhere, and starts here when its agent is lost. lost: its agent ended before it. */
export const DRIVER_STATES = [
  ...(["guarded", "starting", "running", "ending"] as const),
  ...(["succeeded", "failed", "cancelled", "lost"] as const),
] as const;
export type DriverState = (typeof DRIVER_STATES)[number];

/** A detached driver on one agent. */
export interface DriverLoad {
  /** The id of the job, for people; the jobs that it opens have it, or begin with it and a dash. */
  readonly job: string;
  readonly name: string;
  /** "user@host" of whoever sent it. */
  readonly driver: string;
  /** 1, and one more each time that it is started again on another agent. */
  readonly run: number;
  readonly state: DriverState;
  /** When it came, and when it ended, in milliseconds since 1970 by the agent's clock. */
  readonly since: number;
  readonly endedAt?: number;
  readonly exitCode?: number;
  /** Why it failed, or who cancelled it. */
  readonly cause?: string;
}

/** Where the job of a detached driver is, as a list of jobs shows it. */
export interface DetachedView {
  readonly agent: string;
  readonly run: number;
  readonly exitCode?: number;
}

const OVER: ReadonlySet<DriverState> = new Set(["succeeded", "failed", "cancelled", "lost"]);

export function isOver(state: DriverState): boolean {
  return OVER.has(state);
}

/** The id of the first job that a run of a detached driver opens. */
export function jobOfRun(job: string, run: number): string {
  return run > 1 ? `${job}-${run}` : job;
}

/** The id of a further one. */
export function furtherJob(own: string, suffix: string): string {
  return `${own}-x${suffix}`;
}

/** Whether a job is of this run, and of no other. */
export function isOfRun(id: string, own: string): boolean {
  return id === own || id.startsWith(`${own}-x`);
}
