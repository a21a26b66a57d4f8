/**
 * The life of a worker: asks its agent for orders, runs them one after the other.
 *
 * It knows nothing of processes or sockets: its transport may as well be a call of
 * the agent's app in the same process. It never serves anything.
 */
import process from "node:process";
import { CancelledError, LucioleError, toWireError } from "../../core/errors.ts";
import type { LogRecord } from "../../core/exec/ports.ts";
import type { TaskOrder } from "../../core/schedule/attempts/order.ts";
import { readSequence } from "../cbor_sequence.ts";
import type { ControlMessage, NextReply, NextRequest, PerformedAttempt, Transport } from "../protocol.ts";
import { setDiskRefusal } from "../store/disk_room.ts";
import { AgentLink } from "./agent_link.ts";
import type { AttemptHost, TransportTo } from "./attempt_host.ts";
import { ExecutionCache } from "./execution_cache.ts";
import { MailRoom } from "./mail_room.ts";
import { type Connect, Peers } from "./peers.ts";
import { PassedMemory } from "./released_memory.ts";
import { ReportQueue } from "./report_queue.ts";
import { runAttempt } from "./run_attempt.ts";
import { WorkerMessages } from "./worker_messages.ts";

export interface WorkerOptions {
  readonly transport: Transport;
  readonly job: string;
  readonly worker: number;
  /** Id of the agent that the worker belongs to. */
  readonly agent: string;
  /** Directory of the job's shards on this host. */
  readonly directory: string;
  /** It is a process of its own: workers of the same agent may reach it without the agent. */
  readonly hasLines?: boolean;
  /** Frees memory that nothing refers to any more. */
  readonly collectGarbage?: () => void;
  /** Reaches another agent, to read shards that it holds. */
  readonly transportTo?: TransportTo;
  /** The same by its address, which the agent tells. */
  readonly connect?: Connect;
}

/** Cancels that came before their order: kept only as long as they can matter. */
const MAX_EARLY_CANCELS = 256;

/** How long orders may wait behind others that turn out to take longer than was thought. */
const HAND_MS = 30;

interface RunningAttempt {
  readonly attempt: string;
  readonly abort: AbortController;
  /** Rejects when user code failed outside of every promise that the task waits for. */
  readonly crashed: PromiseWithResolvers<never>;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #link: AgentLink;
  readonly #reports: ReportQueue;
  readonly #mail: MailRoom;
  readonly #messages: WorkerMessages;
  readonly #executions = new ExecutionCache();
  readonly #transportTo: TransportTo | undefined;
  readonly #peers: Peers | undefined;
  readonly #earlyCancels = new Set<string>();
  #lost: { readonly error: unknown } | undefined;
  /** Ends the wait for the agent's answer. */
  #giveUp: ((error: unknown) => void) | undefined;
  #running: RunningAttempt | undefined;
  /** Orders that it has not begun. */
  #hand: TaskOrder[] = [];
  readonly #passed: PassedMemory | undefined;
  #isLeaving = false;
  #isStopping = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#link = new AgentLink(options);
    this.#mail = new MailRoom({
      send: (mail) => this.#link.sendMail(mail),
      open: () => this.#link.mail(),
      onLost: (error) => this.#lose(error),
      ...(options.hasLines === true ? { lines: options } : {}),
    });
    const { connect, transportTo, collectGarbage } = options;
    if (collectGarbage !== undefined) {
      this.#passed = new PassedMemory(() => process.memoryUsage.rss(), collectGarbage);
    }
    if (connect !== undefined) this.#peers = new Peers(() => this.#link.peers(), connect);
    const peers = this.#peers;
    this.#transportTo = peers === undefined ? transportTo : (agent) => peers.find(agent);
    this.#messages = new WorkerMessages({
      onMail: () => this.#reports.hurry(),
      onFailure: (topic, error) => this.#log({ level: "error", text: `${topic} listener: ${error}` }),
    });
    this.#reports = new ReportQueue(
      (events) => this.#link.report(events).catch((error) => this.#lose(error)),
      () => this.#messages.take(),
    );
  }

  /** Works until the agent says stop. @throws {LucioleError} code "agent-lost" when the agent is gone. */
  async run(): Promise<void> {
    void this.#listen();
    try {
      let ended: NextRequest["ended"];
      for (;;) {
        const reply = await this.#next(ended);
        ended = undefined;
        if (reply.kind === "stop" || this.#isStopping) return;
        if (reply.kind !== "order") continue;
        if (reply.definitions !== undefined) this.#executions.take(reply.definitions);
        ended = await this.#performAll([reply.order, ...(reply.more ?? [])]);
      }
    } finally {
      this.#messages.close();
      this.#mail.close();
    }
  }

  /** Performs orders one after the other; returns the end of the last one, the others are told by reports. */
  async #performAll(orders: TaskOrder[]): Promise<NextRequest["ended"]> {
    this.#hand = orders;
    const start = performance.now();
    // One that takes long must not keep what others could begin; nor what has ended already.
    const late = orders.length > 1 ? setTimeout(() => this.#giveBack(true), HAND_MS) : undefined;
    let ended: NextRequest["ended"];
    for (let order = orders.shift(); order !== undefined; order = orders.shift()) {
      if (ended !== undefined) this.#reports.tell({ kind: "ended", ...ended }, false);
      ended = await this.#perform(order);
      const isOver = this.#isLeaving || this.#lost !== undefined;
      if (isOver || performance.now() - start > HAND_MS) this.#giveBack(false);
    }
    clearTimeout(late);
    return ended;
  }

  /** Returns the orders that it has not begun. */
  #giveBack(isUrgent: boolean): void {
    const attempts = this.#hand.splice(0).map(({ attempt }) => attempt);
    // What has ended is told with it.
    if (attempts.length > 0 || isUrgent) this.#reports.tell({ kind: "returned", attempts }, isUrgent);
  }

  /**
   * User code failed where nobody waits for it. The running attempt fails of it, and
   * the worker leaves: what else that code left behind is not known.
   *
   * @returns False when no attempt runs, so that nobody will hear of the error.
   */
  crash(error: unknown): boolean {
    this.#isLeaving = true;
    if (this.#running === undefined) return false;
    this.#running.crashed.reject(error);
    this.#running.abort.abort(error);
    return true;
  }

  /** Whether the agent has said stop: the job has ended. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Whether an attempt runs. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  async #next(ended: NextRequest["ended"]): Promise<NextReply> {
    const events = await this.#reports.drain();
    const request = {
      ...(ended === undefined ? {} : { ended }),
      ...(events.length === 0 ? {} : { events }),
      ...(this.#isLeaving ? { isLeaving: true as const } : {}),
    };
    try {
      return await this.#unlessLost(this.#link.next(request));
    } catch (error) {
      if (this.#isStopping) return { kind: "stop" };
      throw agentLost(this.#options.agent, error);
    }
  }

  /** Not a race with one promise of the whole life: each of its losers would keep its order. */
  #unlessLost(answer: Promise<NextReply>): Promise<NextReply> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      if (this.#lost !== undefined) reject(this.#lost.error);
      answer.then(resolve, reject);
    });
  }

  /** Hears the control stream to its end, which is the end of the agent or of the job. */
  async #listen(): Promise<void> {
    try {
      for await (const message of readSequence(await this.#link.control())) {
        this.#control(message as ControlMessage);
      }
      if (!this.#isStopping) throw new LucioleError("agent-lost", "Cannot go on: the control stream ended");
    } catch (error) {
      this.#lose(error);
    }
  }

  #control(message: ControlMessage): void {
    switch (message.kind) {
      case "cancel":
        this.#cancel(message.attempt);
        break;
      case "parcel":
        this.#messages.hear(message.parcel);
        break;
      case "gone":
        this.#peers?.drop(message.agent);
        break;
      case "disk":
        setDiskRefusal(message.refusal ?? undefined);
        break;
      case "stop":
        this.#isStopping = true;
        this.#running?.abort.abort(new CancelledError("Cannot go on: the job has ended"));
        this.#lose(new CancelledError("Cannot go on: the job has ended"));
    }
  }

  #cancel(attempt: string): void {
    if (this.#running?.attempt === attempt) {
      this.#running.abort.abort(new CancelledError(`Cannot go on with ${attempt}: it was cancelled`));
      return;
    }
    if (this.#hand.some((order) => order.attempt === attempt)) {
      this.#hand.splice(0, this.#hand.length, ...this.#hand.filter((order) => order.attempt !== attempt));
      this.#reports.tell({ kind: "returned", attempts: [attempt] }, true);
      return;
    }
    // The control stream may overtake the order itself.
    this.#earlyCancels.add(attempt);
    if (this.#earlyCancels.size <= MAX_EARLY_CANCELS) return;
    for (const oldest of this.#earlyCancels) {
      this.#earlyCancels.delete(oldest);
      return;
    }
  }

  async #perform(order: TaskOrder): Promise<PerformedAttempt> {
    const running: RunningAttempt = {
      attempt: order.attempt,
      abort: new AbortController(),
      crashed: Promise.withResolvers<never>(),
    };
    running.crashed.promise.catch(() => undefined);
    this.#running = running;
    if (this.#earlyCancels.delete(order.attempt)) this.#cancel(order.attempt);
    try {
      const performed = await runAttempt(order, this.#host(running), running.crashed.promise);
      const { bytesIn, bytesOut } = performed.result.totals;
      this.#passed?.add(bytesIn + bytesOut, order.memoryBytes);
      return { attempt: order.attempt, ...performed };
    } finally {
      this.#running = undefined;
      this.#messages.forgetAttempt();
    }
  }

  #host(running: RunningAttempt): AttemptHost {
    const { agent, directory, worker } = this.#options;
    return {
      agent,
      directory,
      worker,
      link: this.#link,
      executions: this.#executions,
      mail: this.#mail,
      messages: this.#messages,
      signal: running.abort.signal,
      transportTo: this.#transportTo,
      collectGarbage: this.#options.collectGarbage,
      log: (record) => this.#log(record, running.attempt),
      progress: (totals) => this.#reports.progress(running.attempt, totals),
    };
  }

  #log(record: LogRecord, attempt?: string): void {
    this.#reports.log({ kind: "log", ...record, ...(attempt === undefined ? {} : { attempt }) });
  }

  /** The agent is gone: ends the wait for its answer, and what runs. */
  #lose(error: unknown): void {
    this.#lost ??= { error };
    this.#giveUp?.(error);
    this.#running?.abort.abort(error);
    this.#running?.crashed.reject(error);
  }
}

function agentLost(agent: string, cause: unknown): LucioleError {
  const { message } = toWireError(cause);
  return new LucioleError("agent-lost", `Cannot go on: agent ${agent} is gone: ${message}`, { cause });
}
