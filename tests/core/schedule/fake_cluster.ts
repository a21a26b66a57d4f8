/**
 * Agents and a driver as plain data: performs the scheduler's commands, and refuses
 * whatever a real agent could not do (read a shard that was deleted, delete one
 * that is not there, run more than it has slots for).
 */
import { toWireError, type WireError } from "../../../core/errors.ts";
import type { PhysicalPlan } from "../../../core/plan/physical.ts";
import type { CompareKeys } from "../../../core/plan/splitters.ts";
import { MAX_AHEAD } from "../../../core/schedule/attempts/ahead.ts";
import type { TaskOrder } from "../../../core/schedule/attempts/order.ts";
import type { ExecutionLimits } from "../../../core/schedule/execution_state.ts";
import { apply, check } from "../../../core/schedule/job_scheduler.ts";
import {
  createJobState,
  type JobCommand,
  type JobEvent,
  type JobState,
  type SubmittedCheckpoint,
} from "../../../core/schedule/job_state.ts";
import type { ExecutionOutcome } from "../../../core/schedule/outcome.ts";
import type { ShardReport } from "../../../core/schedule/report.ts";
import { shardOf, TOTALS } from "./plans.ts";

interface FakeAgent {
  readonly slots: number;
  readonly workers: readonly number[];
  readonly running: Map<string, TaskOrder>;
  /** The worker of each attempt that was started. */
  readonly performed: Map<string, number>;
  readonly cancelled: Set<string>;
  readonly shards: Set<string>;
}

interface FakeOptions {
  readonly maxAttempts?: number;
  readonly maxLosses?: number;
  readonly isSkewed?: boolean;
  readonly backoffMs?: number;
  readonly speculates?: boolean;
  /** Of all workers together; one byte for each when missing. */
  readonly memoryBytes?: number;
}

type Command<Kind extends JobCommand["kind"]> = Extract<JobCommand, { kind: Kind }>;

export class FakeCluster {
  readonly state: JobState;
  readonly agents = new Map<string, FakeAgent>();
  readonly plans = new Map<string, PhysicalPlan>();
  readonly outcomes = new Map<string, ExecutionOutcome>();
  readonly forgotten = new Set<string>();
  readonly warnings: string[] = [];
  readonly ready: string[] = [];
  readonly publishing: Command<"publishSinks">[] = [];
  /** Copies that are to be made, and to be brought to an agent. */
  readonly keeping: Command<"keep">[] = [];
  readonly restoring: Command<"restore">[] = [];
  /** Every order that was launched, by attempt. */
  readonly orders = new Map<string, TaskOrder>();
  /** Every command of the last event. */
  commands: readonly JobCommand[] = [];
  isChecked = true;
  /** What tasks are said to take, once they are committed: short ones are launched beyond the slots. */
  paceMs: number | undefined;
  now = 0;
  /** Workers that ever joined. */
  workers = 0;

  /** Partition 1 of what tasks write is much larger than the others. */
  readonly isSkewed: boolean;

  constructor(options: FakeOptions = {}) {
    this.isSkewed = options.isSkewed ?? false;
    this.state = createJobState({
      job: "j",
      memoryBytesPerWorker: options.memoryBytes ?? 1,
      memoryBytes: options.memoryBytes,
      maxAttempts: options.maxAttempts ?? 4,
      maxLosses: options.maxLosses ?? 5,
      seed: 1,
      backoffMs: options.backoffMs,
      speculates: options.speculates,
      ...(this.isSkewed ? { minShareBytes: 1 } : {}),
    });
  }

  send(event: JobEvent): readonly JobCommand[] {
    this.now += 1;
    const isFailure = event.kind === "attemptEnded" && event.result.kind === "failed";
    const before = isFailure ? [...this.state.attempts.values()] : [];
    this.commands = apply(this.state, event, this.now);
    // Given up because its agent's shards are not to be trusted: who reads it now will not find it.
    for (const { id, status } of before) if (status.kind === "lost") this.taken.add(id);
    for (const command of this.commands) this.#perform(command);
    if (this.isChecked) check(this.state);
    return this.commands;
  }

  /** Its workers get the next numbers. */
  join(agent: string, slots: number): void {
    const workers = Array.from({ length: slots }, (_, i) => this.workers + i);
    this.workers += slots;
    this.agents.set(agent, {
      slots,
      workers,
      running: new Map(),
      performed: new Map(),
      cancelled: new Set(),
      shards: new Set(),
    });
    this.send({ kind: "agentJoined", agent, slots, workers });
  }

  /** Changes the number of an agent's workers: new ones come, or the last ones go when they have ended what they hold. */
  resize(agent: string, slots: number): void {
    const before = this.#agent(agent);
    const more = Math.max(0, slots - before.workers.length);
    const workers = [...before.workers, ...Array.from({ length: more }, () => this.workers++)].slice(
      0,
      slots,
    );
    this.agents.set(agent, { ...before, slots, workers });
    this.send({ kind: "agentJoined", agent, slots, workers });
  }

  loseAgent(agent: string): void {
    this.agents.delete(agent);
    this.send({ kind: "agentLost", agent, cause: "no heartbeat" });
  }

  submit(
    execution: string,
    plan: PhysicalPlan,
    options: {
      followed?: readonly number[];
      checkpoint?: SubmittedCheckpoint | undefined;
      compare?: ReadonlyMap<number, CompareKeys>;
    } & ExecutionLimits = {},
  ): void {
    this.plans.set(execution, plan);
    const { followed = [], compare = new Map(), ...limits } = options;
    this.send({
      kind: "executionSubmitted",
      execution,
      plan,
      compare,
      followed: new Set(followed),
      ...limits,
    });
  }

  open(dataset: string, agent: string): void {
    this.#agent(agent).shards.add(`${dataset}-0`);
    this.send({ kind: "datasetOpened", dataset, agent, attempt: `${dataset}-0` });
  }

  close(dataset: string): void {
    this.send({ kind: "datasetClosed", dataset, rows: 1, bytes: 1 });
  }

  /** Attempts that run and were not told to stop, in the order of their launch. */
  running(): string[] {
    const found: string[] = [];
    for (const agent of this.agents.values()) {
      for (const id of agent.running.keys()) if (!agent.cancelled.has(id)) found.push(id);
    }
    return found.toSorted((a, b) => this.#launch(a) - this.#launch(b));
  }

  cancelled(): string[] {
    return [...this.agents.values()].flatMap((agent) => [...agent.cancelled]);
  }

  shards(): string[] {
    return [...this.agents.values()].flatMap((agent) => [...agent.shards]).toSorted();
  }

  order(attempt: string): TaskOrder {
    const order = this.orders.get(attempt);
    if (order === undefined) throw new Error(`${attempt} was never launched`);
    return order;
  }

  agentOf(attempt: string): string {
    for (const [id, agent] of this.agents) if (agent.running.has(attempt)) return id;
    throw new Error(`${attempt} does not run; these do: ${this.running().join(" ")}`);
  }

  /** Lets time go by, and tells the scheduler. */
  tick(ms: number): void {
    this.now += ms;
    this.send({ kind: "tick" });
  }

  /** A worker that has nothing takes it, if there is one. */
  start(attempt: string): void {
    const agent = this.agentOf(attempt);
    const { workers, running, performed } = this.#agent(agent);
    const busy = new Set([...running.keys()].map((id) => performed.get(id)));
    const mayTake = this.order(attempt).workers ?? workers;
    const worker = performed.get(attempt) ?? mayTake.find((number) => !busy.has(number));
    if (worker === undefined) return;
    performed.set(attempt, worker);
    this.send({ kind: "attemptStarted", agent, attempt, worker });
  }

  commit(attempt: string, shard?: ShardReport): void {
    const agent = this.agentOf(attempt);
    if (!this.#agent(agent).cancelled.has(attempt)) this.#checkReadable(this.order(attempt));
    const report = shard ?? shardOf(this.#tail(attempt), attempt, this.isSkewed);
    this.#end(agent, attempt);
    this.#agent(agent).shards.add(attempt);
    const pace = this.paceMs === undefined ? {} : { ms: this.paceMs };
    const result = { kind: "committed", shard: report, totals: TOTALS, ...pace } as const;
    this.send({ kind: "attemptEnded", agent, attempt, result });
  }

  fail(attempt: string, error: Error): void {
    this.failWire(attempt, toWireError(error));
  }

  failWire(attempt: string, error: WireError): void {
    const agent = this.agentOf(attempt);
    this.#end(agent, attempt);
    this.send({ kind: "attemptEnded", agent, attempt, result: { kind: "failed", error, totals: TOTALS } });
  }

  lose(attempt: string, cause = "killed"): void {
    const agent = this.agentOf(attempt);
    this.#end(agent, attempt);
    this.send({ kind: "attemptLost", agent, attempt, cause });
  }

  /** Its worker was taken away before it had ended. */
  drain(attempt: string): void {
    const agent = this.agentOf(attempt);
    this.#end(agent, attempt);
    this.send({ kind: "attemptLost", agent, attempt, cause: "removed", isDrained: true });
  }

  /** Commits the running attempts of one group, until it has none. */
  commitGroup(execution: string, group: number): void {
    for (;;) {
      const next = this.running().find((id) => id.startsWith(`${execution}-${group}-`));
      if (next === undefined) return;
      this.commit(next);
    }
  }

  /** True when an attempt could end: all that it follows is written. */
  canCommit(attempt: string): boolean {
    const { input } = this.order(attempt);
    for (const piece of [...input.pieces, ...Object.values(input.sides)].flat()) {
      if (piece.isCommitted) continue;
      const channel = [...this.state.channels.values()].find((one) => one.attempt === piece.attempt);
      if (channel !== undefined ? channel.status === "open" : !this.shards().includes(piece.attempt))
        return false;
    }
    return true;
  }

  #tail(attempt: string): PhysicalPlan["groups"][number]["tail"] {
    const { execution, group } = this.order(attempt);
    const plan = this.plans.get(execution)?.groups[group];
    if (plan === undefined) throw new Error(`${attempt} has no plan`);
    return plan.tail;
  }

  #launch(attempt: string): number {
    return [...this.orders.keys()].indexOf(attempt);
  }

  #agent(id: string): FakeAgent {
    const agent = this.agents.get(id);
    if (agent === undefined) throw new Error(`agent ${id} is gone`);
    return agent;
  }

  #end(agent: string, attempt: string): void {
    this.#agent(agent).running.delete(attempt);
    this.#agent(agent).cancelled.delete(attempt);
  }

  #perform(command: JobCommand): void {
    switch (command.kind) {
      case "launch":
        this.#launchOn(command.agent, command.order);
        return;
      case "cancel":
        if (!this.#agent(command.agent).running.has(command.attempt)) {
          throw new Error(`${command.attempt} is cancelled and does not run`);
        }
        this.#agent(command.agent).cancelled.add(command.attempt);
        return;
      case "release":
        this.#release(command);
        return;
      case "executionEnded":
        if (this.outcomes.has(command.execution)) throw new Error(`${command.execution} ended twice`);
        this.outcomes.set(command.execution, command.outcome);
        return;
      case "executionForgotten":
        this.forgotten.add(command.execution);
        return;
      case "publishSinks":
        this.publishing.push(command);
        return;
      case "outputReady":
        this.ready.push(command.dataset);
        return;
      case "warning":
        this.warnings.push(command.text);
        return;
      case "keep":
        this.keeping.push(command);
        return;
      case "restore":
        this.restoring.push(command);
        return;
      case "channelUnneeded":
      case "progress":
    }
  }

  #launchOn(id: string, order: TaskOrder): void {
    const agent = this.#agent(id);
    if (this.orders.has(order.attempt)) throw new Error(`${order.attempt} is launched twice`);
    this.orders.set(order.attempt, order);
    agent.running.set(order.attempt, order);
    const { workers: mayTake = agent.workers } = order;
    if (!mayTake.every((worker) => agent.workers.includes(worker)))
      throw new Error(`${order.attempt} is for others`);
    const mayHave = agent.slots * (this.paceMs === undefined ? 1 : 1 + MAX_AHEAD);
    // One may wait for a worker that another one has taken.
    const { unseated, seats } = this.state.agents.get(id) ?? {};
    const waiting = unseated?.size ?? 0;
    const leaving = [...(seats?.keys() ?? [])].filter((worker) => !agent.workers.includes(worker)).length;
    if (agent.running.size - waiting - leaving > mayHave) throw new Error(`${order.attempt} has no slot`);
    this.#checkReadable(order);
  }

  /** Shards on agents that live must be there for whoever reads them. */
  #checkReadable(order: TaskOrder): void {
    for (const piece of [...order.input.pieces, ...Object.values(order.input.sides)].flat()) {
      const agent = this.agents.get(piece.agent);
      if (agent === undefined || agent.shards.has(piece.attempt) || this.taken.has(piece.attempt)) continue;
      if (!piece.isCommitted && agent.running.has(piece.attempt)) continue;
      throw new Error(`${order.attempt} reads ${piece.attempt}, which is gone from ${piece.agent}`);
    }
  }

  /** Shards that the test itself destroyed, and those that the scheduler gave up though they may be there. */
  readonly taken = new Set<string>();

  /** A copy that was asked for comes to an agent, which may be gone by now. */
  restored({ execution, group, task, attempt }: Command<"restore">, agent: string): void {
    this.agents.get(agent)?.shards.add(attempt);
    const tail = this.plans.get(execution)?.groups[group]?.tail ?? { kind: "store" };
    const shard = shardOf(tail, attempt, this.isSkewed);
    this.send({ kind: "shardRestored", execution, group, task, attempt, agent, shard });
  }

  destroy(attempt: string): void {
    this.taken.add(attempt);
    for (const agent of this.agents.values()) agent.shards.delete(attempt);
  }

  #release(command: Command<"release">): void {
    const { shards } = this.#agent(command.agent);
    for (const attempt of command.attempts) {
      if (!shards.delete(attempt) && !this.taken.has(attempt)) {
        throw new Error(`${attempt} is released and is not on ${command.agent}`);
      }
    }
  }
}
