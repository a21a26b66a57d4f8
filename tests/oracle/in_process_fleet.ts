/**
 * Workers for the jobs of an in-process cluster: wherever its agents have room, on those with the fewest first.
 */
import type { WorkerInfo } from "../../core/job/worker_info.ts";
import { AgentClient } from "../../net/driver/agents/agent_client.ts";
import type { LeaseTimes } from "../../net/driver/agents/agent_watch.ts";
import type { Executor } from "../../net/driver/executor/executor.ts";
import type { Enlisted, EnlistOptions, Fleet } from "../../net/driver/members/fleet.ts";
import type { Transport } from "../../net/protocol.ts";

export interface InProcessFleetOptions {
  readonly job: string;
  readonly agents: readonly { readonly id: string; readonly transport: Transport }[];
  /** Of each agent, for this job. */
  readonly slots: number;
  readonly executor: Executor;
  readonly lease: LeaseTimes | undefined;
}

export class InProcessFleet implements Fleet {
  readonly #options: InProcessFleetOptions;
  readonly #clients = new Map<string, AgentClient>();

  constructor(options: InProcessFleetOptions) {
    this.#options = options;
  }

  async enlist(count: number, { takesFewer }: EnlistOptions): Promise<Enlisted> {
    const { agents, slots, executor } = this.#options;
    const taken = new Map(agents.map(({ id }) => [id, executor.members.on(id).length]));
    const places: string[] = [];
    for (let i = 0; i < count; i++) {
      const [id, workers] = [...taken].toSorted(([, a], [, b]) => a - b)[0];
      if (workers >= slots) {
        if (takesFewer && i > 0) break;
        return { kind: "refused", why: "all agents are full" };
      }
      taken.set(id, workers + 1);
      places.push(id);
    }
    return { kind: "enlisted", ...(await this.start(places)) };
  }

  /** Starts a worker on each of these agents. */
  async start(places: readonly string[]): Promise<Omit<Extract<Enlisted, { kind: "enlisted" }>, "kind">> {
    const { job, agents, executor, lease } = this.#options;
    const workers: WorkerInfo[] = [];
    const clients: AgentClient[] = [];
    const command = { command: ["none"], environment: {}, workingDirectory: "." };
    for (const { id, transport } of agents) {
      const count = places.filter((place) => place === id).length;
      if (count === 0) continue;
      const client = this.#clients.get(id) ?? new AgentClient({ id, job, transport });
      this.#clients.set(id, client);
      const firstWorker = executor.members.reserve(count);
      await client.startJob({ workers: count, firstWorker, command, ...lease });
      clients.push(client);
      const numbers = Array.from({ length: count }, (_, i) => firstWorker + i);
      workers.push(...numbers.map((worker) => ({ worker, agent: id, host: `${id}.example` })));
    }
    return { workers, clients };
  }
}
