/**
 * Performs what the job scheduler decides: the scheduler's commands become requests to
 * agents, and the agents' events are fed back to it.
 *
 * Holds the one JobState of the job; decides nothing itself but when a job that lost its
 * workers is given up.
 */
import { CancelledError, LucioleError, toWireError } from "../../../core/errors.ts";
import type { Graph } from "../../../core/graph/node.ts";
import type { Load } from "../../../core/job/adaptive.ts";
import type { WorkerInfo } from "../../../core/job/worker_info.ts";
import type { PhysicalPlan } from "../../../core/plan/physical.ts";
import type { AgentEvent, PlanTemplate } from "../../../core/schedule/attempts/order.ts";
import { backlogOf } from "../../../core/schedule/backlog.ts";
import type { ExecutionLimits } from "../../../core/schedule/execution_state.ts";
import {
  createJobState,
  type JobCommand,
  type JobEvent,
  type JobState,
  type SubmittedCheckpoint,
} from "../../../core/schedule/job_state.ts";
import { isRecovering } from "../../../core/schedule/shards/dataset_reads.ts";
import type { PeersRequest } from "../../protocol.ts";
import { toleratesFaults } from "../../runtime/fault_setting.ts";
import type { AgentClient } from "../agents/agent_client.ts";
import { type OtherAgentEvent, takeAgentEvents } from "../agents/agent_events.ts";
import type { LeaseTimes } from "../agents/agent_watch.ts";
import { JobAgents } from "../agents/job_agents.ts";
import type { DriverMessages } from "../members/driver_messages.ts";
import { JobCrew } from "../members/job_crew.ts";
import type { JobMembers } from "../members/job_members.ts";
import { recordOf } from "./event_records.ts";
import { JobDatasets } from "./job_datasets.ts";
import {
  type ExecutionListener,
  type JobListener,
  type PublishCommand,
  RunningExecutions,
} from "./running_executions.ts";
import { SchedulerLoop } from "./scheduler_loop.ts";
import type { ShardKeeper } from "./shard_keeper.ts";
import { openTrace } from "./trace.ts";

const MAX_ATTEMPTS = 4;
const MAX_LOSSES = 5;
const BACKOFF_MS = 250;

export interface ExecutorOptions {
  readonly job: string;
  /** Most that a task may have. */
  readonly memoryBytesPerWorker: number;
  /** Of all workers together, however many there are; missing where their agents bound it. */
  readonly memoryBytes?: number;
  readonly minShareBytes?: number;
  /** Stragglers are run on a second agent too. Default true. */
  readonly speculates?: boolean | undefined;
  readonly listener: JobListener;
  /** Set for agents that connections lead to, which may break. */
  readonly lease?: LeaseTimes;
  /** Has copies of shards, and makes them. */
  readonly keeper?: ShardKeeper | undefined;
}

export class Executor {
  readonly #options: ExecutorOptions;
  readonly #state: JobState;
  readonly #loop: SchedulerLoop;
  readonly #agents: JobAgents;
  /** Ends the sources of channels that nobody will read. */
  readonly channels = new Map<string, AbortController>();
  /** What it knows of datasets. */
  readonly datasets: JobDatasets;
  readonly #crew = new JobCrew((epoch, workers) => this.feed({ kind: "epochBegan", epoch, workers }));
  readonly #executions: RunningExecutions;
  readonly #trace = openTrace((text) => this.#options.listener.onWarning(text));
  /** By somebody else than the driver. */
  #cancelled: CancelledError | undefined;
  #isEnding = false;
  /** Told which workers were lost with an agent. @returns Whether others are looked for in their place. */
  onWorkersLost: (workers: readonly number[]) => boolean = () => false;
  /** Others are looked for: it need not be given up yet that there is no agent any more. */
  #isAwaitingAgents = false;
  /** Workers that executions wait for which are not begun. */
  wantedWorkers: () => number = () => 0;
  /** Told when workers came or went. */
  onWorkersChanged: () => void = () => undefined;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#executions = new RunningExecutions(options.listener);
    this.#agents = new JobAgents({
      lease: options.lease,
      onEvents: (agent, events) => this.#hear(agent, events),
      onLost: (client, cause) => this.#lose(client, cause),
      onOrdersLost: (agent, attempts, cause) =>
        this.#loop.feed(attempts.map((attempt) => ({ kind: "attemptLost", agent, attempt, cause }))),
    });
    this.#state = createJobState({
      job: options.job,
      memoryBytesPerWorker: options.memoryBytesPerWorker,
      memoryBytes: options.memoryBytes,
      maxAttempts: toleratesFaults ? MAX_ATTEMPTS : 1,
      maxLosses: toleratesFaults ? MAX_LOSSES : 1,
      seed: 1,
      minShareBytes: options.minShareBytes,
      backoffMs: BACKOFF_MS,
      speculates: toleratesFaults && (options.speculates ?? true),
    });
    this.datasets = new JobDatasets(this.#state);
    this.#loop = new SchedulerLoop(this.#state, {
      launch: (agent, orders) => this.#agents.launch(agent, orders),
      perform: (command) => this.#perform(command),
    });
  }

  /** Takes workers that were started for this job, on agents that are new or that it has. */
  addWorkers(workers: readonly WorkerInfo[], clients: readonly AgentClient[]): void {
    for (const client of clients) if (!this.#agents.has(client.id)) this.#agents.add(client);
    this.#crew.add(workers, clients);
    for (const agent of new Set(workers.map((one) => one.agent))) {
      if (this.#agents.has(agent)) this.#seat(agent);
      // It was lost while it started them.
      else this.members.agentLost(agent);
    }
  }

  /**
   * Takes workers away: they get no more tasks, end those that they hold, and go.
   *
   * @param graceMs What they may take for that.
   * @returns Whether all of them were told as gone before the signal was aborted.
   */
  async removeWorkers(workers: readonly number[], graceMs: number, signal: AbortSignal): Promise<boolean> {
    const leaving = new Set(workers);
    const agents = Map.groupBy(
      this.members.workers.filter(({ worker }) => leaving.has(worker)),
      ({ agent }) => agent,
    );
    for (const worker of workers) this.messages.leave(worker);
    this.members.leaving(workers);
    for (const [agent, infos] of agents) {
      this.#seat(agent);
      this.#agents.retire(
        agent,
        infos.map(({ worker }) => worker),
        graceMs,
      );
    }
    return await this.members.untilGone(workers, signal);
  }

  /** Tells the agents of the job where all of them are: before any order that speaks of new ones. */
  tellPeers(peers: PeersRequest["peers"]): void {
    this.#agents.tellPeers(peers);
  }

  /** Messages with the workers. */
  get messages(): DriverMessages {
    return this.#crew.messages;
  }

  /** The workers of the job. */
  get members(): JobMembers {
    return this.#crew.members;
  }

  /** How much there is to do. */
  get load(): Load {
    const { running, waiting } = backlogOf(this.#state);
    return { workers: this.members.size, running, waiting: waiting + this.wantedWorkers() };
  }

  /** The scheduler gives tasks to the workers that are to stay. */
  #seat(agent: string): void {
    const workers = this.members.on(agent);
    this.feed({ kind: "agentJoined", agent, slots: workers.length, workers });
  }

  submit(
    execution: string,
    plan: PhysicalPlan,
    options: {
      readonly compare: ReadonlyMap<number, (a: unknown, b: unknown) => number>;
      readonly followed: ReadonlySet<number>;
      readonly graph: Graph;
      /** Missing for an execution whose end an earlier driver saw. */
      readonly listener?: ExecutionListener;
      readonly checkpoint?: SubmittedCheckpoint | undefined;
      readonly limits?: ExecutionLimits;
      /** The flow's parameters, encoded. */
      readonly params?: Uint8Array;
      /** Missing where no task can ever run. */
      readonly template?: PlanTemplate;
    },
  ): void {
    const { graph, listener, checkpoint, params, template } = options;
    if (template !== undefined && params !== undefined) {
      this.#agents.define(execution, template, params);
    }
    if (listener !== undefined) this.#executions.add(execution, { graph, plan, listener });
    this.feed({
      kind: "executionSubmitted",
      execution,
      plan,
      compare: options.compare,
      followed: options.followed,
      checkpoint,
      ...options.limits,
    });
    const lost = this.#agents.firstLoss;
    if (lost !== undefined) this.#checkAgents(execution, lost);
  }

  cancel(execution: string, cause: LucioleError): void {
    if (this.#executions.has(execution)) {
      this.feed({ kind: "executionCancelled", execution, cause: toWireError(cause) });
    }
  }

  /** A committed shard cannot be read: it is computed again. */
  loseShard(attempt: string, cause: string): void {
    this.feed({ kind: "shardLost", attempt, cause });
  }

  /**
   * Resolves when something happened, while lost shards of a dataset are computed again; else undefined.
   *
   * @throws {LucioleError} When there is no worker any more that could.
   */
  recovery(dataset: string): Promise<void> | undefined {
    if (this.#isEnding || !isRecovering(this.#state, dataset)) return undefined;
    const lost = this.#agents.firstLoss;
    const isAlone = this.members.size === 0 && !this.#isAwaitingAgents;
    if (lost !== undefined && isAlone) throw this.#noAgents(lost);
    return this.#loop.next();
  }

  /** The batches of a small shard that its agent told with the end of its task. */
  shownItems(attempt: string): Uint8Array | undefined {
    return this.#agents.shown.items(attempt);
  }

  agent(id: string): AgentClient {
    return this.#agents.client(id);
  }

  get agents(): readonly AgentClient[] {
    return this.#agents.clients;
  }

  /** From now on agents may go, and requests fail: the job is being closed. */
  beginEnd(): void {
    this.#isEnding = true;
    this.#crew.close();
    this.#agents.beginEnd();
    this.#loop.beginEnd();
  }

  /** Stops listening; the agents' own ends of the job must have been closed before. */
  async stop(): Promise<void> {
    this.beginEnd();
    await this.#agents.stop();
  }

  feed(event: JobEvent): void {
    this.#loop.feed([event]);
    if (event.kind.startsWith("agent") || event.kind.startsWith("workers")) this.onWorkersChanged();
  }

  #perform(command: Exclude<JobCommand, { kind: "launch" }>): void {
    switch (command.kind) {
      case "cancel":
        this.#agents.cancel(command.agent, command.attempt);
        break;
      case "release":
        this.#agents.release(command.agent, command.attempts);
        break;
      case "restore":
        this.#options.keeper?.restore(command);
        break;
      case "keep":
        this.#options.keeper?.keep(command);
        break;
      case "publishSinks":
        void this.#publish(command);
        break;
      case "executionForgotten":
        this.#agents.forget(command.execution);
        this.#options.keeper?.forget(command.execution);
        break;
      case "executionEnded":
        this.#executions.end(command.execution, command.outcome);
        break;
      case "outputReady":
        this.#executions.outputReady(command.execution, command.node);
        break;
      case "warning":
        this.#options.listener.onWarning(command.text);
        break;
      case "channelUnneeded":
        this.channels.get(command.dataset)?.abort();
        this.channels.delete(command.dataset);
        break;
      case "progress":
        this.#executions.progress(command);
        break;
    }
  }

  async #publish(command: PublishCommand): Promise<void> {
    const error = await this.#executions.publish(command);
    this.feed({ kind: "sinksPublished", execution: command.execution, ...(error && { error }) });
  }

  /** Whoever notices first tells it. */
  #lose(client: AgentClient, cause: string): void {
    const { id: agent } = client;
    const text = `agent ${agent} is gone: ${cause}`;
    if (this.#isEnding || !this.#agents.remove(client, text)) return;
    this.#options.listener.record({ kind: "agentLost", agent, cause });
    if (this.#cancelled === undefined) this.#options.listener.onWarning(text);
    const workers = this.members.on(agent);
    // Before: what has lost its workers is not refused others while these are looked for.
    if (this.#cancelled === undefined && this.onWorkersLost(workers)) this.#isAwaitingAgents = true;
    this.feed({ kind: "agentLost", agent, cause: text });
    this.#crew.lose(agent, text);
    for (const execution of this.#executions.ids) this.#checkAgents(execution, text);
  }

  /** Nobody comes in the place of lost workers, or they have come. */
  awaitNoAgents(): void {
    this.#isAwaitingAgents = false;
    const lost = this.#agents.firstLoss;
    if (lost === undefined || this.#isEnding) return;
    for (const execution of this.#executions.ids) this.#checkAgents(execution, lost);
    // Those who read what was lost see that nobody computes it again.
    this.feed({ kind: "tick" });
  }

  /** Its agents end it: what is lost from now on is lost for that. */
  #cancelJob(by: string): void {
    const { job } = this.#options;
    this.#cancelled ??= new CancelledError(`Job ${job} was cancelled by ${by}`, { fields: { job, by } });
    for (const execution of this.#executions.ids) this.cancel(execution, this.#cancelled);
  }

  /** With no worker left, tasks would wait for ever; agents without workers keep datasets, and perform nothing. */
  #checkAgents(execution: string, cause: string): void {
    const mayGoOn = this.members.size > 0 || this.#isAwaitingAgents;
    if (this.#cancelled === undefined && mayGoOn) return;
    this.cancel(execution, this.#noAgents(cause));
  }

  #noAgents(cause: string): LucioleError {
    const whom = this.agents.length === 0 ? "agent" : "worker";
    const message = `Cannot go on with the job: it has no ${whom} any more; ${cause}`;
    return this.#cancelled ?? new LucioleError("agents-lost", message);
  }

  #hear(agent: string, events: readonly AgentEvent[]): Promise<void> | undefined {
    this.#trace?.(events);
    for (const event of events) {
      const record = recordOf(agent, event);
      if (record !== undefined) this.#options.listener.record(record);
    }
    return takeAgentEvents(agent, events, {
      feed: (turn) => this.#loop.feed(turn),
      tell: (event) => this.#tell(agent, event),
    });
  }

  #tell(agent: string, event: OtherAgentEvent): Promise<void> | undefined {
    if (event.kind === "log") this.#options.listener.onLog(event);
    else if (event.kind === "jobCancelled") this.#cancelJob(event.by);
    else return this.#hearWorker(agent, event);
    return undefined;
  }

  /** A worker that cannot be started is not counted on, where its agent has others: without any it is the program's fault. */
  #hearWorker(agent: string, event: Parameters<JobCrew["hear"]>[1]): Promise<void> | undefined {
    const heard = this.#crew.hear(agent, event);
    const isFinal = event.kind === "workerExited" && event.isFinal === true;
    if (isFinal && this.#agents.has(agent) && this.members.on(agent).length > 0) this.#seat(agent);
    return heard;
  }
}
