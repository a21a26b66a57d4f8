/**
 * Finds another agent that guards a detached driver of this one, and finds one anew when nothing is heard of it.
 */
import type { AgentInfo, AgentView } from "../../../core/cluster/agent_info.ts";
import type { ClusterAccess } from "../../driver/cluster/cluster_access.ts";
import { DetachedClient } from "../../driver/detached/detached_client.ts";
import type { DriverOrder } from "../../driver_protocol.ts";
import { withDeadline } from "../../pause.ts";
import { shipProgram } from "../../program/ship.ts";
import type { ProgramCache } from "../programs/program_cache.ts";

export interface GuardianOptions {
  /** Of this agent. */
  readonly id: string;
  readonly cluster: ClusterAccess;
  readonly programs: ProgramCache;
  readonly job: string;
  readonly order: DriverOrder;
  /** Told whether there is one, when that changes. */
  readonly onNotice: (text: string) => void;
  /** Nothing is heard of the guard, nor of any master: this agent is taken for lost. */
  readonly onCutOff: (why: string) => void;
}

/** Guards look every second. */
const SILENCE_MS = 10_000;
const LOOK_MS = 2_000;
/** It may have to be sent a large executable first. */
const ASK_MS = 60_000;

export class Guardian {
  readonly #options: GuardianOptions;
  readonly #over = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  #agent: string | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  #finding: Promise<void> | undefined;
  #told: string | undefined;
  #wasGuarded = false;

  constructor(options: GuardianOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      if (performance.now() - this.#heardAt > SILENCE_MS) void this.find();
    }, LOOK_MS);
    this.#timer.unref();
  }

  /** Its name; undefined when there is none. */
  get agent(): string | undefined {
    return this.#agent;
  }

  /** It has looked at the driver. */
  heard(agent: string): void {
    if (agent === this.#agent) this.#heardAt = performance.now();
  }

  /** Resolves when there is one, or none can be found now. */
  find(): Promise<void> {
    this.#finding ??= this.#find().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#over.abort();
  }

  async #find(): Promise<void> {
    const { id, cluster, job } = this.#options;
    const view = await cluster.master.cluster().catch(() => undefined);
    if (view === undefined && this.#wasGuarded && !this.#over.signal.aborted) {
      this.#options.onCutOff(`its driver's agent ${id} reached neither the driver's guard nor a master`);
    }
    const own = view?.agents.find(({ agent }) => agent.id === id);
    if (view === undefined || own === undefined) return;
    for (const { agent } of candidates(view.agents, id)) {
      if (this.#over.signal.aborted) return;
      try {
        const ask = (signal: AbortSignal): Promise<void> => this.#ask(agent, own.agent.address, signal);
        await withDeadline(ASK_MS, ask, { name: `agent ${agent.id}`, parent: this.#over.signal });
      } catch {
        // Another one may do.
        continue;
      }
      this.#agent = agent.id;
      this.#wasGuarded = true;
      this.#heardAt = performance.now();
      this.#tell(`job ${job} is guarded by agent ${agent.id}`);
      return;
    }
    this.#agent = undefined;
    this.#tell(`warning: job ${job} is guarded by no other agent, and ends with this one`);
  }

  async #ask({ id: agent, address }: AgentInfo, ownAddress: string, signal: AbortSignal): Promise<void> {
    const { id, cluster, programs, job, order } = this.#options;
    const transport = cluster.connect(agent, address);
    const local = await programs.sendable(order.program);
    try {
      const program = await shipProgram(transport, local, { agent, signal });
      const client = new DetachedClient({ id: agent, address, transport }, job);
      await client.start({ ...order, program, guards: { agent: id, address: ownAddress } }, signal);
    } finally {
      local.release();
    }
  }

  #tell(text: string): void {
    if (text !== this.#told) this.#options.onNotice(text);
    this.#told = text;
  }
}

/** Others that are alive and run drivers, those with the most room first. */
function candidates(agents: readonly AgentView[], own: string): readonly AgentView[] {
  const room = ({ load }: AgentView): number => load.freeDrivers ?? 0;
  return agents
    .filter((view) => view.state === "alive" && view.agent.id !== own && room(view) > 0)
    .toSorted((a, b) => room(b) - room(a));
}
