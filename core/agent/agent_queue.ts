/**
 * The life of one job on one agent: its workers and the orders that they take.
 *
 * Sans-I/O: `apply` takes what happened and the time, and returns what to do.
 * Every order that was accepted gets exactly one of attemptEnded and attemptLost.
 * It knows nothing of processes, sockets or files.
 */
import { LucioleError } from "../errors.ts";
import type { AgentEvent, TaskOrder } from "../schedule/order.ts";
import {
  cancelledEvent,
  type EndedAttempt,
  notStartedEvent,
  type QueueCommand,
  type QueueEvent,
} from "./queue_events.ts";
import { freeWorker, killReason, newWorker, type WorkerState } from "./worker_state.ts";

type AttemptPhase = "queued" | "running" | "committed" | "over";

/** A `next` request is answered with `wait` after this long. */
const HOLD_MS = 20_000;
/** A cancelled attempt that goes on for longer takes its worker with it. */
const CANCEL_GRACE_MS = 2_000;
/** A worker that has not asked for an order by then (its module never finishes loading) failed to start. */
const START_GRACE_MS = 60_000;
const MAX_FAILED_STARTS = 3;

export class AgentQueue {
  readonly #workers = new Map<number, WorkerState>();
  readonly #attempts = new Map<string, AttemptPhase>();
  /** Holds attempts that were cancelled meanwhile, too: those are passed over. */
  #queue: TaskOrder[] = [];
  #head = 0;
  #hasEnded = false;
  #failure: string | undefined;
  #commands: QueueCommand[] = [];

  /** Takes what happened at `now` (milliseconds of any clock); returns what to do, in order. */
  apply(event: QueueEvent, now: number): readonly QueueCommand[] {
    this.#commands = [];
    this.#take(event, now);
    return this.#commands;
  }

  /** When the next `tick` is due; Infinity when nothing waits for time. */
  nextDeadline(): number {
    let deadline = Number.POSITIVE_INFINITY;
    for (const worker of this.#workers.values()) {
      deadline = Math.min(deadline, worker.waitsUntil, worker.killsAt);
    }
    return deadline;
  }

  /** The attempt that a worker runs. */
  attemptOf(worker: number): string | undefined {
    return this.#workers.get(worker)?.order?.attempt;
  }

  /** Whether an attempt is queued or runs. */
  isPending(attempt: string): boolean {
    const phase = this.#attempts.get(attempt);
    return phase === "queued" || phase === "running";
  }

  get queuedOrders(): number {
    let count = 0;
    for (const phase of this.#attempts.values()) if (phase === "queued") count++;
    return count;
  }

  /** @throws {LucioleError} code "internal" when an invariant does not hold. */
  check(): void {
    const running = new Set<string>();
    for (const [number, worker] of this.#workers) {
      const attempt = worker.order?.attempt;
      if ((attempt !== undefined) !== (worker.phase === "running")) {
        throw broken(`worker ${number} is ${worker.phase} and holds attempt ${attempt}`);
      }
      if ((worker.phase === "waiting") !== Number.isFinite(worker.waitsUntil)) {
        throw broken(`worker ${number} is ${worker.phase} and waits until ${worker.waitsUntil}`);
      }
      if (attempt !== undefined && running.has(attempt)) throw broken(`${attempt} runs twice`);
      if (attempt !== undefined) running.add(attempt);
    }
    for (const [attempt, phase] of this.#attempts) {
      if ((phase === "running") !== running.has(attempt)) throw broken(`${attempt} is ${phase}`);
    }
    const isWaiting = [...this.#workers.values()].some((worker) => worker.phase === "waiting");
    if (isWaiting && this.queuedOrders > 0) throw broken("a worker waits while orders are queued");
  }

  #take(event: QueueEvent, now: number): void {
    switch (event.kind) {
      case "start":
        for (let i = 0; i < event.workers; i++) this.#start(event.firstWorker + i, now);
        break;
      case "enqueued":
        this.#enqueue(event.orders, now);
        break;
      case "asked":
        this.#asked(event.worker, event.ended, now);
        break;
      case "leaving":
        this.#leaving(event.worker, event.ended, now);
        break;
      case "cancelled":
        for (const attempt of event.attempts) this.#cancel(attempt, now);
        break;
      case "exited":
        this.#exited(event.worker, event.cause, now);
        break;
      case "released":
        for (const attempt of event.attempts) {
          if (this.#attempts.get(attempt) !== "running") this.#attempts.delete(attempt);
        }
        break;
      case "tick":
        this.#tick(now);
        break;
      case "end":
        this.#end();
        break;
    }
  }

  #start(number: number, now: number): void {
    if (this.#hasEnded || this.#workers.has(number)) return;
    this.#workers.set(number, newWorker(now + START_GRACE_MS));
    this.#commands.push({ kind: "startWorker", worker: number });
  }

  #enqueue(orders: readonly TaskOrder[], now: number): void {
    for (const order of orders) {
      // A driver that did not hear the answer sends the same orders again.
      if (this.#attempts.has(order.attempt)) continue;
      this.#attempts.set(order.attempt, "queued");
      this.#queue.push(order);
    }
    for (const [number, worker] of this.#workers) {
      if (worker.phase === "waiting") this.#serve(number, worker, now);
    }
    if (this.#failure !== undefined) this.#failQueue(this.#failure);
  }

  #asked(number: number, ended: EndedAttempt | undefined, now: number): void {
    const worker = this.#workers.get(number);
    if (worker === undefined || this.#hasEnded || worker.phase === "leaving") {
      this.#commands.push({ kind: "stop", worker: number });
      return;
    }
    if (worker.phase === "starting") {
      freeWorker(worker);
      this.#emit({ kind: "workerStarted", worker: number });
    }
    if (ended !== undefined) this.#attemptEnded(worker, ended);
    if (worker.order !== undefined) {
      // It never got the answer that held the order.
      this.#commands.push({ kind: "give", worker: number, order: worker.order });
      return;
    }
    this.#serve(number, worker, now);
  }

  /** Gives the worker that asks its next order, or lets it wait. */
  #serve(number: number, worker: WorkerState, now: number): void {
    const order = this.#dequeue();
    if (order === undefined) {
      worker.phase = "waiting";
      worker.waitsUntil = now + HOLD_MS;
      return;
    }
    worker.phase = "running";
    worker.failedStarts = 0;
    worker.order = order;
    worker.waitsUntil = Number.POSITIVE_INFINITY;
    this.#attempts.set(order.attempt, "running");
    this.#emit({ kind: "attemptStarted", attempt: order.attempt, worker: number });
    this.#commands.push({ kind: "give", worker: number, order });
  }

  #dequeue(): TaskOrder | undefined {
    while (this.#head < this.#queue.length) {
      const order = this.#queue[this.#head++];
      if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      if (order !== undefined && this.#attempts.get(order.attempt) === "queued") return order;
    }
    return undefined;
  }

  /** Ignores the end of an attempt that the worker does not run: a repeated or late request. */
  #attemptEnded(worker: WorkerState, { attempt, result }: EndedAttempt): void {
    if (worker.order?.attempt !== attempt) return;
    freeWorker(worker);
    if (result.kind === "committed") {
      this.#attempts.set(attempt, "committed");
      this.#commands.push({ kind: "committed", attempt });
    } else {
      this.#attempts.set(attempt, "over");
      this.#commands.push({ kind: "discarded", attempt, cause: result.error.message });
    }
    this.#emit({ kind: "attemptEnded", attempt, result });
  }

  #leaving(number: number, ended: EndedAttempt | undefined, now: number): void {
    this.#commands.push({ kind: "stop", worker: number });
    const worker = this.#workers.get(number);
    if (worker === undefined || this.#hasEnded) return;
    if (ended !== undefined) this.#attemptEnded(worker, ended);
    if (worker.order === undefined) {
      freeWorker(worker);
      worker.phase = "leaving";
      worker.killsAt = now + CANCEL_GRACE_MS;
    }
  }

  #cancel(attempt: string, now: number): void {
    const phase = this.#attempts.get(attempt);
    if (phase === "queued") {
      this.#attempts.set(attempt, "over");
      this.#emit(cancelledEvent(attempt, "before it was started"));
    }
    if (phase !== "running") return;
    for (const [number, worker] of this.#workers) {
      if (worker.order?.attempt !== attempt || worker.wasCancelled) continue;
      worker.wasCancelled = true;
      worker.killsAt = now + CANCEL_GRACE_MS;
      this.#commands.push({ kind: "cancel", worker: number, attempt });
    }
  }

  #exited(number: number, cause: string, now: number): void {
    const worker = this.#workers.get(number);
    if (worker === undefined) return;
    const attempt = worker.order?.attempt;
    if (attempt !== undefined) this.#lose(attempt, worker.wasCancelled, `worker ${number} ${cause}`);
    if (this.#hasEnded) {
      freeWorker(worker);
      worker.phase = "stopped";
      return;
    }
    // One that was given nothing, and did not last for one wait either, would exit again at once.
    worker.failedStarts = attempt === undefined && worker.phase !== "leaving" ? worker.failedStarts + 1 : 0;
    const isFinal = worker.failedStarts >= MAX_FAILED_STARTS;
    freeWorker(worker);
    worker.phase = isFinal ? "failed" : "starting";
    this.#emit({ kind: "workerExited", worker: number, cause, ...(isFinal ? { isFinal } : {}) });
    if (isFinal) {
      this.#giveUp(`Cannot start a worker: it ${cause}`);
    } else {
      worker.killsAt = now + START_GRACE_MS;
      this.#commands.push({ kind: "startWorker", worker: number });
    }
  }

  #lose(attempt: string, wasCancelled: boolean, cause: string): void {
    this.#attempts.set(attempt, "over");
    this.#commands.push({ kind: "discarded", attempt, cause });
    this.#emit(
      wasCancelled
        ? cancelledEvent(attempt, "and its worker had to be ended")
        : { kind: "attemptLost", attempt, cause },
    );
  }

  /** With no worker left, orders would wait for ever. */
  #giveUp(cause: string): void {
    for (const worker of this.#workers.values()) if (worker.phase !== "failed") return;
    this.#failure = cause;
    this.#failQueue(cause);
  }

  #failQueue(cause: string): void {
    for (let order = this.#dequeue(); order !== undefined; order = this.#dequeue()) {
      this.#attempts.set(order.attempt, "over");
      this.#commands.push({ kind: "discarded", attempt: order.attempt, cause });
      this.#emit(notStartedEvent(order.attempt, cause));
    }
  }

  #tick(now: number): void {
    for (const [number, worker] of this.#workers) {
      if (worker.waitsUntil <= now) {
        worker.phase = "asking";
        worker.failedStarts = 0;
        worker.waitsUntil = Number.POSITIVE_INFINITY;
        this.#commands.push({ kind: "wait", worker: number });
      }
      if (worker.killsAt <= now) {
        worker.killsAt = Number.POSITIVE_INFINITY;
        this.#commands.push({
          kind: "kill",
          worker: number,
          why: killReason(worker),
        });
      }
    }
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#queue = [];
    this.#head = 0;
    for (const [attempt, phase] of this.#attempts)
      if (phase === "queued") this.#attempts.set(attempt, "over");
    for (const [number, worker] of this.#workers) {
      worker.waitsUntil = Number.POSITIVE_INFINITY;
      worker.killsAt = Number.POSITIVE_INFINITY;
      if (worker.phase === "waiting") {
        worker.phase = "asking";
        this.#commands.push({ kind: "stop", worker: number });
      }
    }
  }

  #emit(event: AgentEvent): void {
    this.#commands.push({ kind: "emit", event });
  }
}

function broken(state: string): LucioleError {
  return new LucioleError("internal", `Cannot go on with the agent's queue: ${state}`);
}
