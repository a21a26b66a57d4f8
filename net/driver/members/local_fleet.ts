/**
 * More workers for a job on this machine: child processes of the driver, up to a bound.
 */
import { hostname } from "node:os";
import type { WorkerInfo } from "../../../core/job/worker_info.ts";
import { LOCAL_AGENT, type WorkerCommand } from "../../protocol.ts";
import type { AgentClient } from "../agents/agent_client.ts";
import type { Enlisted, EnlistOptions, Fleet } from "./fleet.ts";
import type { JobMembers } from "./job_members.ts";

export interface LocalFleetOptions {
  readonly client: AgentClient;
  /** What runs one of so many workers. */
  readonly commandFor: (workers: number) => WorkerCommand;
  readonly members: JobMembers;
  /** Of all workers. */
  readonly mostWorkers: number;
}

/** Workers that a job of one machine may have: more than cores, since tasks may wait for others. */
export function mostLocalWorkers(cores: number, workers: number): number {
  return Math.max(16, 4 * cores, workers);
}

export function localWorkers(first: number, count: number): readonly WorkerInfo[] {
  const host = hostname();
  return Array.from({ length: count }, (_, i) => ({ worker: first + i, agent: LOCAL_AGENT, host }));
}

export class LocalFleet implements Fleet {
  readonly #options: LocalFleetOptions;

  constructor(options: LocalFleetOptions) {
    this.#options = options;
  }

  async enlist(wanted: number, { takesFewer }: EnlistOptions): Promise<Enlisted> {
    const { client, commandFor, members, mostWorkers } = this.#options;
    const { size } = members;
    const room = mostWorkers - size;
    const count = takesFewer ? Math.min(wanted, room) : wanted;
    if (count > room || count < 1) {
      const why = `a job of this machine alone has at most ${mostWorkers} workers, and this one has ${size}`;
      return { kind: "refused", why };
    }
    const firstWorker = members.reserve(count);
    await client.startJob({ workers: count, firstWorker, command: commandFor(size + count) });
    return { kind: "enlisted", workers: localWorkers(firstWorker, count), clients: [client] };
  }
}
