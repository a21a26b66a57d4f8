/**
 * The agents that a master knows, from their heartbeats: soft state, gone with the master
 * and there again one heartbeat later.
 *
 * Sans-I/O: time comes as an argument, in milliseconds of any clock that never goes back.
 * Knows nothing of HTTP, nor of other masters.
 */
import { LucioleError, NotEnoughResourcesError } from "../errors.ts";
import { InvariantError } from "../schedule/transitions.ts";
import type { AgentInfo, AgentView, ClusterJob, Heartbeat } from "./agent_info.ts";
import { type AgentRecord, moveAgent, newRecord, replaceProcess } from "./agent_record.ts";
import { clusterJobs } from "./cluster_jobs.ts";
import { JobHistory } from "./job_history.ts";
import { isSuitable, type Placement, type PlacementRequest, placeWorkers, type Room } from "./placement.ts";
import { Promises } from "./promises.ts";

export interface RegistryOptions {
  /** An agent is lost when nothing was heard of it for this long. */
  readonly lostMs: number;
  /** One that is lost or has left is shown for this long. */
  readonly forgetMs?: number;
  /** How long granted slots are kept free for a job that no heartbeat tells of. */
  readonly promiseMs?: number;
  readonly maxAgents?: number;
}

export type RegistryEvent =
  | { readonly kind: "heartbeat"; readonly heartbeat: Heartbeat }
  /** The master's process stood still, and heard nobody meanwhile. */
  | { readonly kind: "stoodStill"; readonly ms: number }
  | { readonly kind: "tick" };

/** What is worth telling; most heartbeats change nothing. */
export type RegistryChange =
  | { readonly kind: "joined" | "left" | "forgotten"; readonly agent: AgentInfo }
  /** Came back after it was lost or had left, perhaps as another process. */
  | { readonly kind: "returned"; readonly agent: AgentInfo }
  /** A new process took the place of one that was not missed yet. */
  | { readonly kind: "replaced"; readonly agent: AgentInfo }
  | { readonly kind: "lost"; readonly agent: AgentInfo; readonly silentMs: number }
  /** The heartbeat counts for nothing; `isNew` at the first of the process. */
  | {
      readonly kind: "refused";
      readonly agent: AgentInfo;
      readonly error: LucioleError;
      readonly isNew: boolean;
    };

const FORGET_MS = 10 * 60_000;
const PROMISE_MS = 10_000;
const MAX_AGENTS = 20_000;
const HISTORY = { jobs: 200, keepMs: 60 * 60_000 };

export class Registry {
  readonly #options: Required<RegistryOptions>;
  /** In the order in which they were heard of: the first is the next that may be lost. */
  readonly #alive = new Map<string, AgentRecord>();
  /** Lost and left, in the order in which they went. */
  readonly #gone = new Map<string, AgentRecord>();
  readonly #promises: Promises;
  readonly #history = new JobHistory(HISTORY);
  #gains = 0;

  constructor(options: RegistryOptions) {
    this.#options = { forgetMs: FORGET_MS, promiseMs: PROMISE_MS, maxAgents: MAX_AGENTS, ...options };
    this.#promises = new Promises(this.#options.promiseMs);
  }

  apply(event: RegistryEvent, now: number): readonly RegistryChange[] {
    const changes: RegistryChange[] = [];
    if (event.kind === "stoodStill") {
      for (const record of this.#alive.values()) record.heardAt = Math.min(now, record.heardAt + event.ms);
    }
    this.#expire(now, changes);
    if (event.kind === "heartbeat") this.#hear(event.heartbeat, now, changes);
    return changes;
  }

  /** What the job was granted before is void: it asks for all that it still wants. */
  dropPromises(job: string): void {
    this.#promises.dropJob(job);
  }

  /** Grants slots as of the last event, and keeps them free for the job for a moment. */
  place(request: PlacementRequest, now: number): Placement {
    const placement = placeWorkers(request, this.#promises.left(this.#alive.values()));
    this.#promises.make(request.job, placement.grants, now);
    return placement;
  }

  /** How far the agents would go for a request; grants nothing. */
  roomFor(request: PlacementRequest): Room {
    return placeWorkers({ ...request, near: [], workers: 0 }, this.#promises.left(this.#alive.values())).room;
  }

  /** Agents that a request allows, by name. */
  suitable(request: PlacementRequest): readonly string[] {
    const names: string[] = [];
    for (const { agent } of this.#alive.values()) if (isSuitable(request, agent)) names.push(agent.id);
    return names;
  }

  /** Grows when there may be more room than before: most heartbeats tell of none. */
  get gains(): number {
    return this.#gains + this.#promises.ended;
  }

  /** When a tick will change something; Infinity when nothing is to come. */
  nextDeadline(): number {
    const [alive] = this.#alive.values();
    const [gone] = this.#gone.values();
    return Math.min(
      alive === undefined ? Number.POSITIVE_INFINITY : alive.heardAt + this.#options.lostMs,
      gone === undefined ? Number.POSITIVE_INFINITY : gone.changedAt + this.#options.forgetMs,
    );
  }

  /** All agents by name. */
  agents(now: number): readonly AgentView[] {
    const views: AgentView[] = [];
    for (const { agent, load, state, heardAt } of [...this.#alive.values(), ...this.#gone.values()]) {
      if (state === "forgotten") continue;
      const promisedSlots = this.#promises.slotsOf(agent.id);
      views.push({ agent, load, state, silentMs: now - heardAt, promisedSlots });
    }
    return views.sort((a, b) => (a.agent.id < b.agent.id ? -1 : 1));
  }

  jobs(now: number): readonly ClusterJob[] {
    return clusterJobs([...this.#alive.values(), ...this.#gone.values()], this.#history.list(now));
  }

  get aliveAgents(): number {
    return this.#alive.size;
  }

  /** @throws {InvariantError} When something does not hold that must between two events; for tests. */
  check(): void {
    checkAgents("alive", this.#alive, (record) => record.heardAt);
    checkAgents("gone", this.#gone, (record) => record.changedAt);
    for (const id of this.#gone.keys())
      if (this.#alive.has(id)) throw broken(`agent ${id} is alive and gone`);
    if (this.#alive.size + this.#gone.size > this.#options.maxAgents) throw broken("it has too many agents");
    for (const id of this.#promises.agents()) {
      if (!this.#alive.has(id)) throw broken(`slots of ${id} are promised, which is not alive`);
    }
  }

  #expire(now: number, changes: RegistryChange[]): void {
    for (const record of this.#alive.values()) {
      const silentMs = now - record.heardAt;
      if (silentMs < this.#options.lostMs) break;
      this.#go(record, "lost", now);
      changes.push({ kind: "lost", agent: record.agent, silentMs });
    }
    for (const [id, record] of this.#gone) {
      if (now - record.changedAt < this.#options.forgetMs) break;
      this.#forget(id, record, now, changes);
    }
    this.#promises.expire(now);
  }

  #hear(heartbeat: Heartbeat, now: number, changes: RegistryChange[]): void {
    const { agent } = heartbeat;
    const record = this.#alive.get(agent.id) ?? this.#gone.get(agent.id);
    if (record === undefined) {
      this.#meet(heartbeat, now, changes);
      return;
    }
    const isOther = record.agent.incarnation !== agent.incarnation;
    if (isOther && record.state === "alive" && !isSuccessor(record, agent)) {
      const isNew = record.refused !== agent.incarnation;
      record.refused = agent.incarnation;
      changes.push({ kind: "refused", agent, error: nameTaken(agent, record.agent), isNew });
      return;
    }
    if (isOther) replaceProcess(record, heartbeat);
    // Overtaken on the way: what it tells is over.
    if (heartbeat.sequence <= record.sequence) return;
    const before = record.state;
    if (before !== "alive" || isOther || isMore(heartbeat, record)) this.#gains++;
    this.#update(record, heartbeat, now);
    if (heartbeat.isLeaving === true) {
      if (before === "left") return;
      this.#go(record, "left", now);
      changes.push({ kind: "left", agent });
      return;
    }
    this.#gone.delete(agent.id);
    this.#alive.delete(agent.id);
    this.#alive.set(agent.id, record);
    if (before === "alive" && !isOther) return;
    moveAgent(record, "alive", now);
    changes.push({ kind: before === "alive" ? "replaced" : "returned", agent });
  }

  #meet(heartbeat: Heartbeat, now: number, changes: RegistryChange[]): void {
    const { agent } = heartbeat;
    if (this.#alive.size + this.#gone.size >= this.#options.maxAgents) {
      const [oldest] = this.#gone;
      if (oldest === undefined) {
        changes.push({ kind: "refused", agent, error: tooMany(agent, this.#alive.size), isNew: true });
        return;
      }
      this.#forget(...oldest, now, changes);
    }
    this.#gains++;
    const record = newRecord(heartbeat, now);
    this.#remember(heartbeat, now);
    const isLeaving = heartbeat.isLeaving === true;
    (isLeaving ? this.#gone : this.#alive).set(agent.id, record);
    changes.push({ kind: isLeaving ? "left" : "joined", agent });
  }

  #update(record: AgentRecord, heartbeat: Heartbeat, now: number): void {
    const { agent, load, sequence } = heartbeat;
    record.agent = agent;
    record.load = load;
    this.#remember(heartbeat, now);
    record.sequence = sequence;
    record.heardAt = now;
    this.#promises.settle(agent.id, load);
  }

  #remember({ agent, load }: Heartbeat, now: number): void {
    for (const ended of load.history ?? []) this.#history.add(ended, agent.id, now);
  }

  #go(record: AgentRecord, state: "lost" | "left", now: number): void {
    const { id } = record.agent;
    moveAgent(record, state, now);
    this.#alive.delete(id);
    this.#gone.delete(id);
    this.#gone.set(id, record);
    this.#promises.settle(id);
  }

  #forget(id: string, record: AgentRecord, now: number, changes: RegistryChange[]): void {
    moveAgent(record, "forgotten", now);
    this.#gone.delete(id);
    changes.push({ kind: "forgotten", agent: record.agent });
  }
}

function isMore({ load }: Heartbeat, { load: before }: AgentRecord): boolean {
  return load.freeSlots > before.freeSlots || load.freeMemoryBytes > before.freeMemoryBytes;
}

/**
 * Two processes cannot listen at one address of one host, so one that does is the other's
 * successor. One that was replaced and still sends is another host of the same name, and
 * does not get it back.
 */
function isSuccessor(record: AgentRecord, agent: AgentInfo): boolean {
  const isSamePlace = record.agent.host === agent.host && record.agent.address === agent.address;
  return isSamePlace && !record.replaced.includes(agent.incarnation);
}

function nameTaken(agent: AgentInfo, holder: AgentInfo): LucioleError {
  return new LucioleError(
    "name-taken",
    `Cannot take agent ${agent.id} of host ${agent.host} (${agent.address}) in: ` +
      `agent ${holder.id} of host ${holder.host} (${holder.address}) has that name; give one of them another`,
    { fields: { agent: agent.id, host: agent.host, holder: holder.host } },
  );
}

function tooMany(agent: AgentInfo, count: number): LucioleError {
  const message = `Cannot take agent ${agent.id} of host ${agent.host} in: the master has ${count} agents already`;
  return new NotEnoughResourcesError(message, { fields: { agent: agent.id, agents: count } });
}

function checkAgents(
  where: "alive" | "gone",
  records: ReadonlyMap<string, AgentRecord>,
  time: (record: AgentRecord) => number,
): void {
  let before = Number.NEGATIVE_INFINITY;
  for (const [id, record] of records) {
    const isAlive = record.state === "alive";
    if (record.agent.id !== id || record.state === "forgotten" || isAlive !== (where === "alive")) {
      throw new InvariantError(`Agent ${record.agent.id} is kept as ${id}, ${where}: it is ${record.state}`, [
        ...record.story,
      ]);
    }
    if (record.replaced.includes(record.agent.incarnation)) throw broken(`agent ${id} is replaced by itself`);
    if (time(record) < before) throw broken(`agent ${id} is out of order`);
    before = time(record);
  }
}

function broken(state: string): InvariantError {
  return new InvariantError(`Cannot go on with the registry: ${state}`, []);
}
