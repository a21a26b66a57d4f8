/**
 * The detached drivers that this agent guards: they run on other agents, and start here when those are gone.
 *
 * A guard looks at the driver's agent now and then. It takes over when that does not have the driver any more, or does
 * not answer and a master has lost it: an agent that is only cut off from this one still runs its driver.
 */
import { DriverLife } from "../../../core/agent/driver_life.ts";
import { type DriverLoad, isOver } from "../../../core/cluster/driver_info.ts";
import { LucioleError, NotEnoughResourcesError } from "../../../core/errors.ts";
import type { ClusterAccess } from "../../driver/cluster/cluster_access.ts";
import { DetachedClient } from "../../driver/detached/detached_client.ts";
import type { DriverHome, DriverOrder, DriverReply } from "../../driver_protocol.ts";
import { pause } from "../../pause.ts";
import type { OpenProgram } from "../programs/program_cache.ts";

/** What is handed over when a driver is to start here. */
export interface TakenOver {
  readonly life: DriverLife;
  readonly order: DriverOrder;
  /** Released by whoever takes it. */
  readonly program: OpenProgram;
  readonly why: string;
  /** Another agent runs the driver, and has asked this one to guard it. */
  readonly isReplaced: () => boolean;
}

export interface DriverGuardsOptions {
  /** Of the agent. */
  readonly id: string;
  readonly cluster: ClusterAccess;
  /** Resolves when it is among the drivers of this agent. */
  readonly onTakeOver: (job: string, taken: TakenOver) => Promise<void>;
  readonly onChange: () => void;
}

interface Guard {
  readonly order: DriverOrder;
  readonly home: DriverHome;
  readonly life: DriverLife;
  readonly program: OpenProgram;
  readonly since: number;
  readonly over: AbortController;
  /** It starts here, and is no more to be forgotten. */
  isTaken?: boolean;
}

const LOOK_MS = 1_000;
/** Each is a request a second, and a line in every heartbeat. */
const MAX_GUARDED = 200;

export class DriverGuards {
  readonly #options: DriverGuardsOptions;
  readonly #guards = new Map<string, Guard>();

  constructor(options: DriverGuardsOptions) {
    this.#options = options;
  }

  get loads(): readonly DriverLoad[] {
    return Array.from(this.#guards, ([job, { order, since }]) => {
      const { name, driver, run } = order;
      return { job, name, driver, run, state: "guarded", since };
    });
  }

  has(job: string): boolean {
    return this.#guards.has(job);
  }

  /** @param program Kept for as long as the driver is guarded. @throws {NotEnoughResourcesError} */
  add(job: string, order: DriverOrder, home: DriverHome, program: OpenProgram): void {
    this.forget(job);
    if (this.#guards.size >= MAX_GUARDED) {
      program.release();
      const message = `Cannot guard the driver of job ${job} on agent ${this.#options.id}: it guards ${MAX_GUARDED}`;
      throw new NotEnoughResourcesError(message, { fields: { job } });
    }
    const life = new DriverLife(job, "guarded");
    const guard: Guard = { order, home, life, program, since: Date.now(), over: new AbortController() };
    this.#guards.set(job, guard);
    void this.#watch(job, guard);
    this.#options.onChange();
  }

  forget(job: string): void {
    const guard = this.#guards.get(job);
    if (guard === undefined || guard.isTaken === true) return;
    guard.life.forget(performance.now());
    guard.program.release();
    this.#drop(job, guard);
  }

  close(): void {
    for (const job of [...this.#guards.keys()]) this.forget(job);
  }

  #drop(job: string, guard: Guard): void {
    guard.over.abort();
    // It may have been asked to guard a later run meanwhile.
    if (this.#guards.get(job) === guard) this.#guards.delete(job);
    this.#options.onChange();
  }

  async #watch(job: string, guard: Guard): Promise<void> {
    const { signal } = guard.over;
    while (!signal.aborted) {
      await pause(LOOK_MS, signal);
      const seen = await this.#look(job, guard).catch(() => "there" as const);
      if (signal.aborted) return;
      if (seen === "over") this.forget(job);
      else if (seen !== "there") return await this.#takeOver(job, guard, seen.lost);
    }
  }

  /** It is guarded until it runs: lists of jobs would take it for lost between. */
  async #takeOver(job: string, guard: Guard, why: string): Promise<void> {
    const { order, life, program } = guard;
    guard.isTaken = true;
    const isReplaced = (): boolean => this.#guards.get(job) !== guard;
    await this.#options.onTakeOver(job, { life, order, program, why, isReplaced });
    this.#drop(job, guard);
  }

  /** Whether the driver goes on, has ended, or has lost its agent, and how. */
  async #look(job: string, { order, home }: Guard): Promise<"there" | "over" | { readonly lost: string }> {
    const { id, cluster } = this.#options;
    const transport = cluster.connect(home.agent, home.address);
    const client = new DetachedClient({ id: home.agent, address: home.address, transport }, job);
    let reply: DriverReply;
    try {
      reply = await client.look(id);
    } catch (error) {
      if (!(error instanceof LucioleError)) throw error;
      if (error.code === "not-found") return { lost: `agent ${home.agent} was started anew` };
      return (await this.#isAlive(home.agent)) ? "there" : { lost: `agent ${home.agent} is lost` };
    }
    // It may have found another guard, when it heard nothing of this one.
    if (reply.run !== order.run || (reply.guardian ?? id) !== id) return "over";
    if (reply.state === "lost") return { lost: `agent ${home.agent} has ended` };
    return isOver(reply.state) ? "over" : "there";
  }

  /** As a master sees it. @throws When none answers: this agent may be the one that is cut off. */
  async #isAlive(agent: string): Promise<boolean> {
    const { agents } = await this.#options.cluster.master.cluster();
    return agents.some((view) => view.agent.id === agent && view.state === "alive");
  }
}
