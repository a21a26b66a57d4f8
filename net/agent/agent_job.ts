/**
 * One job on an agent: performs what its queue decides, and owns its workers,
 * streams, shards and directory. It knows nothing of HTTP.
 */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { AgentQueue } from "../../core/agent/agent_queue.ts";
import { JobDefinitions } from "../../core/agent/job_definitions.ts";
import { JobLife } from "../../core/agent/job_life.ts";
import type { EndedAttempt, QueueCommand, QueueEvent } from "../../core/agent/queue_events.ts";
import type { JobState } from "../../core/cluster/agent_info.ts";
import { toWireError } from "../../core/errors.ts";
import type { AgentEvent, TaskOrder } from "../../core/schedule/attempts/order.ts";
import { DeadlineTimer } from "../deadline_timer.ts";
import {
  type AttemptsRequest,
  type JobOrder,
  LOCAL_AGENT,
  type MessagesRequest,
  type NextReply,
  type PeersRequest,
  type PerformedAttempt,
  type ReleaseRequest,
  type RetireRequest,
  type WorkerReport,
} from "../protocol.ts";
import { AgentMailbox } from "./mail/agent_mail.ts";
import { GangMail } from "./mail/gang_mail.ts";
import type { PeerTransports } from "./peer_access.ts";
import { SequenceOutbox } from "./sequence_outbox.ts";
import { withHeldInputs } from "./shards/held_inputs.ts";
import { JobShards, type ShardRequest } from "./shards/job_shards.ts";
import { weightOf, withItems } from "./shards/told_items.ts";
import { JobLogs } from "./workers/job_logs.ts";
import { JobWorkers } from "./workers/job_workers.ts";
import type { WorkerStarter } from "./workers/worker_starter.ts";

export interface AgentJobOptions {
  readonly job: string;
  readonly agent: string;
  readonly directory: string;
  readonly startWorker: WorkerStarter;
  readonly stallMs?: number;
  readonly heldBytes?: number;
  /** Its driver may lose the connection and come back: events are kept until it has them. */
  readonly isRemote?: boolean;
  /** Reaches another agent of the job, for mail. */
  readonly peers?: PeerTransports;
  /** Told when a worker was removed: its slot is free. */
  readonly onWorkerLeft?: () => void;
}

export class AgentJob {
  readonly events: SequenceOutbox<AgentEvent>;
  readonly workers: JobWorkers;
  readonly shards: JobShards;
  readonly mail: AgentMailbox;
  readonly logs: JobLogs;
  /** When it came, in milliseconds since 1970. */
  readonly since = Date.now();
  readonly #options: AgentJobOptions;
  readonly #queue = new AgentQueue();
  readonly #definitions = new JobDefinitions();
  readonly #gangs = new GangMail((worker, mail) => this.workers.mail(worker, mail));
  readonly #timer = new DeadlineTimer(() => this.apply({ kind: "tick" }));
  #order: JobOrder | undefined;
  #peersVersion = 0;
  readonly #life: JobLife;
  #ended: Promise<void> | undefined;

  constructor(options: AgentJobOptions) {
    this.#options = options;
    this.#life = new JobLife(options.job);
    this.events = new SequenceOutbox({
      isKept: options.isRemote === true,
      weigh: weightOf,
    });
    this.logs = new JobLogs(this.events);
    this.workers = new JobWorkers({
      job: options.job,
      agent: options.agent,
      directory: options.directory,
      startWorker: options.startWorker,
      onLog: (worker, level, text) => this.logs.add({ worker, level, text }, this.#queue.attemptOf(worker)),
      onExit: (worker, cause) => this.apply({ kind: "exited", worker, cause: this.#onHost(cause) }),
    });
    this.mail = new AgentMailbox({
      job: options.job,
      agent: options.agent,
      transportTo: options.peers?.find ?? (() => undefined),
      deliver: (worker, mail) => this.#gangs.deliver(worker, mail),
      onTrouble: (text) => this.#logOwn("warn", `${text}; it is tried again`),
    });
    this.shards = new JobShards({
      directory: options.directory,
      onWarning: (text) => this.#logOwn("warn", text),
      onBroken: (text) => this.#logOwn("debug", text),
      ...(options.stallMs === undefined ? {} : { stallMs: options.stallMs }),
      ...(options.heldBytes === undefined ? {} : { heldBytes: options.heldBytes }),
    });
  }

  /** The last order of its driver. */
  get order(): JobOrder | undefined {
    return this.#order;
  }

  /** Running once a worker has asked for work. */
  get state(): JobState {
    return this.#life.state;
  }

  get queuedOrders(): number {
    return this.#queue.queuedOrders;
  }

  /** Starts workers; those that it has already are left alone. */
  start(order: JobOrder): void {
    this.#order = order;
    this.mail.welcome(Object.keys(order.peers ?? {}));
    this.apply({ kind: "start", firstWorker: order.firstWorker, workers: order.workers });
  }

  /** Removes workers when they have ended what they hold; those that are not here are gone already. */
  retire({ workers, graceMs }: RetireRequest): void {
    this.apply({ kind: "retired", workers, graceMs });
  }

  /** Other agents of the job may have come. */
  setPeers({ peers, version }: PeersRequest): void {
    if (version < this.#peersVersion) return;
    this.#peersVersion = version;
    if (this.#order !== undefined) this.#order = { ...this.#order, peers };
    this.mail.welcome(Object.keys(peers));
  }

  apply(event: QueueEvent): void {
    for (const command of this.#queue.apply(event, performance.now())) this.#perform(command);
    if (this.#ended === undefined) this.#timer.arm(this.#queue.nextDeadline());
  }

  /** Resolves with what the worker is to do next. */
  next(worker: number, performed: PerformedAttempt | undefined, isLeaving: boolean): Promise<NextReply> {
    const reply = this.workers.ask(worker);
    if (this.#life.state === "starting") this.#life.move("running", performance.now());
    const ended = performed === undefined ? undefined : this.#keep(worker, performed);
    this.apply({ kind: isLeaving ? "leaving" : "asked", worker, ended });
    return reply;
  }

  /** The items of a shard. @throws {ShardLostError} */
  readShard(request: ShardRequest): ReadableStream<Uint8Array> {
    return this.shards.read(request, this.#queue.isPending(request.attempt));
  }

  /** A followed attempt grew; resolves when its writer may go on. */
  async written(worker: number, attempt: string, sizeBytes: number): Promise<void> {
    if (this.#queue.holds(worker, attempt)) await this.shards.written(attempt, sizeBytes);
  }

  report(worker: number, event: WorkerReport): void {
    switch (event.kind) {
      case "started":
        break;
      case "progress":
        // The next one tells as much, and the end of the attempt all.
        if (this.events.hasRoom)
          this.events.push({ kind: "attemptProgress", attempt: event.attempt, totals: event.totals });
        break;
      case "parcel":
        this.events.push({ kind: "parcel", worker, parcel: event.parcel });
        break;
      case "ended":
        this.apply({ kind: "ended", worker, ended: this.#keep(worker, event) });
        break;
      case "returned":
        this.apply({ kind: "returned", worker, attempts: event.attempts });
        break;
      case "log":
        this.logs.add({ worker, level: event.level, text: event.text }, event.attempt);
        break;
    }
  }

  /** Hands the driver's messages on; a worker that has gone meanwhile needs none. */
  deliver({ letters, parcels }: MessagesRequest): void {
    for (const { worker, life, frame, receipt } of parcels) {
      const parcel = {
        life,
        ...(frame && { frame: { ...frame, life, letters: frame.letters.map((at) => letters[at]) } }),
        ...(receipt && { receipt }),
      };
      this.workers.tell(worker, { kind: "parcel", parcel });
    }
  }

  enqueue({ orders, release, ...definitions }: AttemptsRequest): void {
    this.#definitions.take(definitions);
    this.apply({ kind: "enqueued", orders });
    if (release !== undefined) this.release(release);
  }

  release({ attempts, executions, templates }: ReleaseRequest): void {
    this.apply({ kind: "released", attempts });
    for (const attempt of attempts) this.shards.discard(attempt, "it was released");
    this.#definitions.release(executions, templates);
  }

  /** Another agent is gone: who reads of it hears so at once. */
  dropPeer(agent: string, version: number): void {
    // One that was sent twice may come when the agent is there again.
    if (this.#order?.peers === undefined || version < this.#peersVersion) return;
    this.#peersVersion = version;
    const { [agent]: _, ...peers } = this.#order.peers;
    this.#order = { ...this.#order, peers };
    this.mail.drop(agent);
    this.#options.peers?.drop(agent);
    this.workers.tellAll({ kind: "gone", agent });
  }

  /** Tells the workers whether they may write. */
  tellRoom(refusal: string | undefined): void {
    this.workers.tellAll({ kind: "disk", refusal: refusal ?? null });
    if (refusal !== undefined) this.#logOwn("warn", `on agent ${this.#options.agent} ${refusal}`);
  }

  /** Resolves when workers, files and streams are gone. @param by Who asked for it, if not the driver. */
  end(by?: string): Promise<void> {
    if (by !== undefined) this.events.push({ kind: "jobCancelled", by });
    if (this.#ended === undefined) {
      this.#life.move("ending", performance.now());
      this.#ended = this.#end();
    }
    return this.#ended;
  }

  /** Kills the workers, without waiting for their end. */
  abandon(): void {
    this.workers.killAll("the driver has ended");
  }

  async #end(): Promise<void> {
    this.apply({ kind: "end" });
    this.mail.close();
    await this.workers.end();
    this.#timer.stop();
    this.events.end();
    await this.shards.close();
  }

  /** Keeps the shard that came with a result, when it is one of those that are waited for. */
  #keep(worker: number, { attempt, result, held }: PerformedAttempt): EndedAttempt {
    if (held === undefined || !this.#queue.holds(worker, attempt)) return { attempt, result };
    try {
      this.shards.held.keep(attempt, held);
      return { attempt, result };
    } catch (error) {
      const { stack: _, ...cause } = toWireError(error);
      return { attempt, result: { kind: "failed", error: cause, totals: result.totals } };
    }
  }

  #perform(command: QueueCommand): void {
    switch (command.kind) {
      case "startWorker":
        this.#startWorker(command.worker);
        break;
      case "give":
        this.#give(command.worker, command.order, command.more ?? []);
        break;
      case "wait":
      case "stop":
        this.workers.reply(command.worker, { kind: command.kind });
        break;
      case "cancel":
        this.workers.tell(command.worker, { kind: "cancel", attempt: command.attempt });
        break;
      case "kill":
        this.workers.kill(command.worker, command.why);
        break;
      case "committed":
        this.shards.commit(command.attempt);
        break;
      case "discarded":
        this.shards.discard(command.attempt, command.cause);
        break;
      case "emit":
        if (command.event.kind === "workerLeft") this.#forget(command.event.worker);
        this.events.push(
          this.#options.isRemote === true
            ? withItems(command.event, this.shards.held, this.events.weight)
            : command.event,
        );
        break;
    }
  }

  /** The same with the name of the machine, where there are several. */
  #onHost(text: string): string {
    const { agent } = this.#options;
    return agent === LOCAL_AGENT ? text : `${text} (on agent ${agent} of host ${hostname()})`;
  }

  /** Its slot, and its share of the memory, are free. */
  #forget(worker: number): void {
    const before = this.workers.size;
    this.workers.forget(worker);
    this.#gangs.forget(worker);
    const { memoryBytes } = this.#order ?? {};
    if (this.#order !== undefined && memoryBytes !== undefined && before > 0) {
      this.#order = {
        ...this.#order,
        memoryBytes: Math.round((memoryBytes * this.workers.size) / before),
      };
    }
    this.#options.onWorkerLeft?.();
  }

  #startWorker(worker: number): void {
    if (this.#order === undefined) return;
    const { directory, isRemote } = this.#options;
    const { command } = this.#order;
    // Paths that are relative to a directory which only the driver's machine has are not found here.
    const isElsewhere = isRemote === true && !existsSync(command.workingDirectory);
    this.workers.start(worker, isElsewhere ? { ...command, workingDirectory: directory } : command);
    this.#gangs.started(worker);
    this.#definitions.started(worker);
  }

  #give(worker: number, first: TaskOrder, others: readonly TaskOrder[]): void {
    const [order, ...more] = withHeldInputs([first, ...others], this.#options.agent, this.shards.held);
    for (const { gang } of [order, ...more]) if (gang !== undefined) this.#gangs.given(worker, gang.id);
    const definitions = this.#definitions.tell(worker, [order, ...more]);
    this.workers.reply(worker, {
      kind: "order",
      order,
      ...(more.length === 0 ? {} : { more }),
      ...(definitions === undefined ? {} : { definitions }),
    });
  }

  /** A line of the agent itself. */
  #logOwn(level: "debug" | "warn", text: string): void {
    this.logs.add({ worker: -1, level, text });
  }
}
