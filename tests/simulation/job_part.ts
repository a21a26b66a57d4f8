/**
 * One job on a simulated agent: the production queue with simulated workers, shards and a stream of events, as
 * net/agent/agent_job.ts has them.
 */
import { AgentQueue } from "../../core/agent/agent_queue.ts";
import { JobDefinitions } from "../../core/agent/job_definitions.ts";
import type { QueueCommand, QueueEvent } from "../../core/agent/queue_events.ts";
import type { Part } from "../../core/collectives/mail_line.ts";
import type { Parcel } from "../../core/messages/letter.ts";
import type { AgentEvent, Definitions, TaskOrder } from "../../core/schedule/attempts/order.ts";
import type { Delivery } from "./crew.ts";
import { GangPost } from "./gang_post.ts";
import type { GangLetter } from "./mail.ts";
import type { AgentPort, EventStream, PartPort } from "./ports.ts";
import type { Content } from "./rows.ts";
import type { WorkerMail } from "./worker_mail.ts";
import { WorkerNode } from "./worker_node.ts";
import type { World } from "./world.ts";

interface OpenStream extends EventStream {
  given: number;
  /** When the last events that were sent arrive: none overtakes them. */
  arrivesAt: number;
}

export class JobPart implements PartPort {
  readonly job: string;
  readonly agent: AgentPort;
  readonly workers = new Map<number, WorkerNode>();
  /** Whether the second partition of shards is much larger than others. */
  readonly isSkewed: boolean;
  readonly #world: World;
  readonly #queue = new AgentQueue();
  readonly #definitions = new JobDefinitions();
  /** Written by a worker; whole once committed. */
  readonly #written = new Map<string, Content>();
  readonly #committed = new Set<string>();
  readonly #channels = new Set<string>();
  readonly #opened = new Set<string>();
  readonly #waiting = new Map<string, ((content: Content | undefined) => void)[]>();
  #events: AgentEvent[] = [];
  #first = 0;
  #stream: OpenStream | undefined;
  /** How far readers were given events. */
  #given = 0;
  #isFlushing = false;
  #peersVersion = 0;
  #timerAt = Number.POSITIVE_INFINITY;
  /** Workers that get no more orders, and what each was given last. */
  readonly #retired = new Set<number>();
  readonly #hands = new Map<number, readonly string[]>();
  readonly #post: GangPost;
  readonly #mails = new Map<number, readonly WorkerMail[]>();
  /** Workers that have no process, and get none. */
  readonly #over = new Set<number>();
  isEnding = false;
  /** Who waits for its end. */
  readonly onEnded: (() => void)[] = [];

  constructor(job: string, agent: AgentPort, world: World, isSkewed: boolean) {
    this.job = job;
    this.agent = agent;
    this.isSkewed = isSkewed;
    this.#world = world;
    const hand = (worker: number, mail: GangLetter): void => this.workers.get(worker)?.receive(mail);
    this.#post = new GangPost({ job, agent, hand }, world);
  }

  get present(): readonly number[] {
    return [...this.workers.values()].filter(({ isUp }) => isUp).map(({ number }) => number);
  }

  /** Shards that are kept. */
  get shards(): readonly string[] {
    return [...this.#committed];
  }

  get isOver(): boolean {
    return this.isEnding || this.agent.jobs.get(this.job) !== this;
  }

  apply(event: QueueEvent): void {
    if (this.agent.jobs.get(this.job) !== this) return;
    for (const command of this.#queue.apply(event, this.#world.timeline.now)) this.#perform(command);
    this.#queue.check();
    if (event.kind === "retired") for (const worker of event.workers) this.#retired.add(worker);
    if (event.kind === "exited") this.#checkReplaced(event.worker);
    this.#arm();
  }

  /** Another process takes the place of one that is gone, unless the driver is told that none does. */
  #checkReplaced(worker: number): void {
    if (this.isEnding || this.#over.has(worker) || this.workers.get(worker)?.isUp !== false) return;
    throw new Error(`worker ${worker} of ${this.job} died on ${this.agent.name}, and no other was started`);
  }

  launch(orders: readonly TaskOrder[], definitions: Definitions): void {
    this.#definitions.take(definitions);
    this.apply({ kind: "enqueued", orders });
  }

  release(attempts: readonly string[], executions: readonly string[], templates: readonly string[]): void {
    this.apply({ kind: "released", attempts });
    for (const attempt of attempts) this.#discard(attempt);
    this.#definitions.release(executions, templates);
  }

  post(mail: GangLetter): void {
    if (!this.isOver) this.#post.send(mail);
  }

  receiveMail(line: string, part: Part<GangLetter>): number {
    return this.#post.receive(line, part);
  }

  dropPeer(agent: string, version: number): void {
    if (version < this.#peersVersion) return;
    this.#peersVersion = version;
    this.#post.drop(agent);
  }

  setPeers(agents: readonly string[], version = this.#peersVersion): void {
    if (version < this.#peersVersion) return;
    this.#peersVersion = version;
    this.#post.welcome(agents);
  }

  tell(worker: number, parcel: Parcel): void {
    this.#events.push({ kind: "parcel", worker, parcel });
    this.#flush();
  }

  deliver(delivery: Delivery): void {
    const { mails, timeline } = this.#world;
    for (const { worker, parcel } of delivery) {
      // What comes later may overtake it.
      if (mails?.chance(5) === true)
        timeline.after(mails.below(30), () => this.workers.get(worker)?.deliver(parcel));
      else this.workers.get(worker)?.deliver(parcel);
    }
  }

  mailsOf(worker: number): readonly WorkerMail[] {
    return this.#mails.get(worker) ?? [];
  }

  openChannel(attempt: string): void {
    // The request may come twice.
    if (!this.#opened.has(attempt)) this.#channels.add(attempt);
    this.#opened.add(attempt);
  }

  closeChannel(attempt: string, content: Content): void {
    if (!this.#channels.delete(attempt)) return;
    this.keep(attempt, content);
    this.#commit(attempt);
  }

  restore(attempt: string, content: Content): void {
    this.openChannel(attempt);
    this.closeChannel(attempt, content);
  }

  /** What a worker wrote, before it tells so. */
  keep(attempt: string, content: Content): void {
    this.#written.set(attempt, content);
  }

  /** Tells what an attempt wrote once it is whole; undefined when it is not here. */
  find(attempt: string, onFound: (content: Content | undefined) => void): void {
    if (this.#committed.has(attempt)) {
      onFound(this.#written.get(attempt));
    } else if (this.#queue.isPending(attempt) || this.#channels.has(attempt)) {
      const others = this.#waiting.get(attempt);
      if (others === undefined) this.#waiting.set(attempt, [onFound]);
      else others.push(onFound);
    } else {
      onFound(undefined);
    }
  }

  /** A shard goes without anybody having said so. */
  destroy(attempt: string): void {
    this.#committed.delete(attempt);
    this.#written.delete(attempt);
  }

  end(): void {
    this.apply({ kind: "end" });
    this.isEnding = true;
    this.#post.close();
    this.#stream = undefined;
    for (const worker of this.workers.values()) worker.vanish();
  }

  /** The process is gone, and with it the connection. */
  crash(): void {
    for (const worker of this.workers.values()) worker.vanish();
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined) return;
    this.#world.timeline.after(1, () => {
      if (!this.#world.network.isCut(this.agent.name, stream.to.name)) stream.onBroken();
    });
  }

  /** @returns False when the events after those are not here any more. */
  openStream(stream: EventStream, after: number): boolean {
    // A reader goes on after what it was given at most: it may have read of another part, in whose place this one is.
    if (after < this.#first || after > this.#given) return false;
    this.#given = after;
    this.#stream = { ...stream, given: after, arrivesAt: 0 };
    this.#flush();
    return true;
  }

  get told(): number {
    return this.#first + this.#events.length;
  }

  acknowledge(count: number): boolean {
    const known = count - this.#first;
    if (known > this.#events.length) return false;
    if (known <= 0) return true;
    this.#events = this.#events.slice(known);
    this.#first = count;
    return true;
  }

  #give(worker: number, orders: readonly TaskOrder[]): void {
    const before = this.#hands.get(worker) ?? [];
    const attempts = orders.map(({ attempt }) => attempt);
    if (this.#retired.has(worker) && attempts.some((attempt) => !before.includes(attempt)))
      throw new Error(`worker ${worker} gets ${attempts}, and is to go`);
    this.#hands.set(worker, attempts);
    for (const { gang } of orders) if (gang !== undefined) this.#post.boxes.given(worker, gang.id);
    this.workers.get(worker)?.take(orders, this.#definitions.tell(worker, orders));
  }

  #perform(command: QueueCommand): void {
    switch (command.kind) {
      case "startWorker": {
        const worker = this.workers.get(command.worker) ?? new WorkerNode(this, command.worker, this.#world);
        this.workers.set(command.worker, worker);
        const mail = worker.start();
        if (mail !== undefined) this.#mails.set(command.worker, [...this.mailsOf(command.worker), mail]);
        this.#definitions.started(command.worker);
        this.#post.boxes.started(command.worker);
        return;
      }
      case "give":
        this.#give(command.worker, [command.order, ...(command.more ?? [])]);
        return;
      case "wait":
        this.workers.get(command.worker)?.askAgain();
        return;
      case "stop":
        this.workers.get(command.worker)?.die("exited with code 0");
        return;
      case "cancel":
        this.workers.get(command.worker)?.cancel(command.attempt);
        return;
      case "kill":
        this.workers.get(command.worker)?.die(`was killed: ${command.why}`);
        return;
      case "committed":
        this.#commit(command.attempt);
        return;
      case "discarded":
        this.#discard(command.attempt);
        return;
      case "emit":
        this.#noteOver(command.event);
        this.#events.push(command.event);
        this.#flush();
    }
  }

  #noteOver(event: AgentEvent): void {
    if (event.kind === "workerLeft") {
      this.workers.delete(event.worker);
      this.#post.boxes.forget(event.worker);
    }
    if (event.kind === "workerLeft" || (event.kind === "workerExited" && event.isFinal === true))
      this.#over.add(event.worker);
  }

  #commit(attempt: string): void {
    const content = this.#written.get(attempt);
    if (content === undefined) throw new Error(`${attempt} is committed and was not written`);
    this.#committed.add(attempt);
    this.#settle(attempt, content);
  }

  #discard(attempt: string): void {
    this.#channels.delete(attempt);
    this.#committed.delete(attempt);
    this.#written.delete(attempt);
    this.#settle(attempt, undefined);
  }

  #settle(attempt: string, content: Content | undefined): void {
    const waiting = this.#waiting.get(attempt);
    if (waiting === undefined) return;
    this.#waiting.delete(attempt);
    for (const onFound of waiting) onFound(content);
  }

  /** Events of one moment go together. */
  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#world.timeline.after(0, () => {
      this.#isFlushing = false;
      if (this.#stream !== undefined && !this.isOver) this.#send(this.#stream);
    });
  }

  #send(stream: OpenStream): void {
    const events = this.#events.slice(stream.given - this.#first);
    if (events.length === 0) return;
    stream.given += events.length;
    this.#given = stream.given;
    const { timeline, network } = this.#world;
    const { life } = this.agent;
    const at = timeline.now + network.delay(this.agent.name, stream.to.name);
    stream.arrivesAt = Math.max(stream.arrivesAt, at);
    timeline.after(stream.arrivesAt - timeline.now, () => {
      if (this.#stream !== stream) return;
      if (this.agent.life !== life || network.isCut(this.agent.name, stream.to.name)) {
        this.#stream = undefined;
        timeline.after(500, stream.onBroken);
      } else {
        stream.onEvents(events);
      }
    });
  }

  #arm(): void {
    const deadline = this.#queue.nextDeadline();
    if (deadline >= this.#timerAt || this.isEnding) return;
    this.#timerAt = deadline;
    this.#world.timeline.after(deadline - this.#world.timeline.now + 1, () => {
      if (this.#timerAt !== deadline) return;
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.apply({ kind: "tick" });
    });
  }
}
