/**
 * The agents of a job: what is asked of them, what they tell, and which of them are gone.
 *
 * Requests to one agent are sent one after the other, so they arrive in the order of the commands. What a loss means for
 * the job is not its business.
 */
import { LucioleError, ShardLostError } from "../../../core/errors.ts";
import type { AgentEvent, PlanTemplate, TaskOrder } from "../../../core/schedule/attempts/order.ts";
import { ToldDefinitions } from "../../../core/schedule/told_definitions.ts";
import type { PeersRequest } from "../../protocol.ts";
import { ShownShards } from "../reading/shown_shards.ts";
import { AgentBatches } from "./agent_batches.ts";
import type { AgentClient } from "./agent_client.ts";
import { AgentRequests } from "./agent_requests.ts";
import { describeLoss, isWithoutJob, type LeaseTimes, watchAgent } from "./agent_watch.ts";

/** What an agent that could not be ended may keep its streams open for. */
const STOP_GRACE_MS = 2_000;

export interface JobAgentsOptions {
  /** Set for agents that connections lead to, which may break. */
  readonly lease: LeaseTimes | undefined;
  /** Events that come later wait for what it returns. */
  readonly onEvents: (agent: string, events: readonly AgentEvent[]) => Promise<void> | undefined;
  /** It is gone; whoever notices first tells it. */
  readonly onLost: (client: AgentClient, cause: string) => void;
  /** An agent did not take these attempts. */
  readonly onOrdersLost: (agent: string, attempts: readonly string[], cause: string) => void;
}

export class JobAgents {
  readonly #options: JobAgentsOptions;
  readonly #requests = new AgentRequests();
  readonly #told = new ToldDefinitions();
  readonly #batches: AgentBatches;
  /** What they told with the ends of tasks. */
  readonly shown = new ShownShards();
  /** Those that are gone, and why. */
  readonly #lost = new Map<string, string>();
  readonly #stop = new AbortController();
  readonly #streams: Promise<void>[] = [];
  /** Counts agents that come or go. */
  #peersVersion = 0;

  constructor(options: JobAgentsOptions) {
    this.#options = options;
    this.#batches = new AgentBatches(this.#requests, this.#told, (agent, attempts, error) =>
      this.#loseOrders(agent, attempts, error),
    );
  }

  get clients(): readonly AgentClient[] {
    return this.#requests.clients;
  }

  /** Why the first one of those is gone that are gone. */
  get firstLoss(): string | undefined {
    const [loss] = this.#lost.values();
    return loss;
  }

  has(agent: string): boolean {
    return this.#requests.find(agent) !== undefined;
  }

  /** @throws {ShardLostError} If it is gone. @throws {LucioleError} If the job never had it. */
  client(agent: string): AgentClient {
    const client = this.#requests.find(agent);
    if (client !== undefined) return client;
    const gone = this.#lost.get(agent);
    if (gone !== undefined) throw new ShardLostError(`Cannot read what agent ${agent} kept: ${gone}`);
    throw new LucioleError("agent-unknown", `Cannot reach agent ${agent}: it is not part of the job`);
  }

  /** Takes an agent, which may have been lost before. */
  add(client: AgentClient): void {
    this.#lost.delete(client.id);
    this.#requests.add(client);
    this.#streams.push(this.#watch(client));
  }

  /** Takes note that an agent is gone, and tells the others. @returns False when that was known. */
  remove(client: AgentClient, cause: string): boolean {
    const { id } = client;
    if (this.#requests.find(id) !== client) return false;
    this.#lost.set(id, cause);
    this.#requests.remove(id);
    this.#batches.dropAgent(id);
    this.shown.dropAgent(id);
    const version = ++this.#peersVersion;
    for (const other of this.clients) this.#batches.queue(other.id, (client) => client.dropPeer(id, version));
    return true;
  }

  /** What the orders of an execution refer to. */
  define(execution: string, template: PlanTemplate, params: Uint8Array): void {
    this.#told.define({ id: execution, template: template.id, params }, template);
  }

  forget(execution: string): void {
    for (const forgotten of this.#told.forget(execution)) this.#batches.forget(forgotten);
  }

  launch(agent: string, orders: readonly TaskOrder[]): void {
    this.#batches.launch(agent, orders);
  }

  cancel(agent: string, attempt: string): void {
    this.#batches.queue(agent, (client) => client.cancel([attempt]));
  }

  release(agent: string, attempts: readonly string[]): void {
    this.shown.release(attempts);
    this.#batches.release(agent, attempts);
  }

  /** @param graceMs What the workers may take to end what they hold. */
  retire(agent: string, workers: readonly number[], graceMs: number): void {
    this.#batches.queue(agent, (client) => client.retire(workers, graceMs));
  }

  /** Tells the agents where all of them are: before any order that speaks of new ones. */
  tellPeers(peers: PeersRequest["peers"]): void {
    const version = ++this.#peersVersion;
    for (const { id } of this.clients)
      this.#batches.queue(id, (client) => client.setPeers({ peers, version }));
  }

  /** From now on they may go, and requests fail. */
  beginEnd(): void {
    this.#requests.beginEnd();
    this.#batches.beginEnd();
  }

  /** Stops listening; the agents' own ends of the job must have been closed before. */
  async stop(): Promise<void> {
    this.#stop.abort();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_GRACE_MS);
    });
    await Promise.race([Promise.allSettled([...this.#streams, this.#requests.settled()]), late]);
    clearTimeout(timer);
    for (const client of this.clients) client.leave();
  }

  async #watch(client: AgentClient): Promise<void> {
    const { lease, onEvents, onLost } = this.#options;
    const onOwn = (events: readonly AgentEvent[]) => {
      this.shown.take(client.id, events);
      return onEvents(client.id, events);
    };
    onLost(client, await watchAgent({ client, lease, onEvents: onOwn, signal: this.#stop.signal }));
  }

  #loseOrders(agent: string, attempts: readonly string[], error: unknown): void {
    const client = this.#requests.find(agent);
    if (isWithoutJob(error) && client !== undefined) {
      // Each order would be lost by itself, and so might the next ones before its stream tells.
      this.#options.onLost(client, describeLoss(error));
      return;
    }
    this.#options.onOrdersLost(agent, attempts, error instanceof Error ? error.message : String(error));
  }
}
