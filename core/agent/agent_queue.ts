/**
 * The life of one job on one agent: its workers start, ask for orders, and go.
 *
 * Sans-I/O: `apply` takes what happened and the time, and returns what to do. What
 * becomes of orders is in order_desk.ts. It knows nothing of processes, sockets or files.
 */
import type { AgentEvent } from "../schedule/attempts/order.ts";
import { OrderDesk } from "./order_desk.ts";
import { wrongWith } from "./queue_check.ts";
import type { EndedAttempt, QueueCommand, QueueEvent } from "./queue_events.ts";
import { RecentEvents } from "./recent_events.ts";
import {
  freeWorker,
  holds,
  isGoing,
  isOver,
  killReason,
  moveWorker,
  newWorker,
  type WorkerState,
} from "./worker_state.ts";

/** What a worker may take to go when it is told to. */
const STOP_GRACE_MS = 2_000;
/** A worker that has not asked for an order by then (its module never finishes loading) failed to start. */
const START_GRACE_MS = 60_000;
const MAX_FAILED_STARTS = 3;

export class AgentQueue {
  readonly #workers = new Map<number, WorkerState>();
  /** Numbers of workers that were removed. */
  readonly #left = new Set<number>();
  readonly #desk = new OrderDesk(this.#workers, (command) => this.#commands.push(command));
  readonly #recent = new RecentEvents();
  #hasEnded = false;
  #failure: string | undefined;
  #commands: QueueCommand[] = [];

  /** Takes what happened at `now` (milliseconds of any clock); returns what to do, in order. */
  apply(event: QueueEvent, now: number): readonly QueueCommand[] {
    this.#commands = [];
    this.#recent.note(event, now);
    try {
      this.#take(event, now);
    } catch (error) {
      throw this.#recent.explain(error);
    }
    return this.#commands;
  }

  /** When the next `tick` is due; Infinity when nothing waits for time. */
  nextDeadline(): number {
    let deadline = Number.POSITIVE_INFINITY;
    for (const worker of this.#workers.values()) {
      deadline = Math.min(deadline, worker.waitsUntil, worker.killsAt, worker.retiresUntil ?? deadline);
    }
    return deadline;
  }

  /** The attempt that a worker runs; undefined also when it was given several, and may run any. */
  attemptOf(worker: number): string | undefined {
    const hand = this.#workers.get(worker)?.hand;
    return hand?.length === 1 ? hand[0].attempt : undefined;
  }

  /** Whether a worker was given an attempt and has not told its end. */
  holds(worker: number, attempt: string): boolean {
    const state = this.#workers.get(worker);
    return state !== undefined && holds(state, attempt);
  }

  /** Whether an attempt is queued or runs. */
  isPending(attempt: string): boolean {
    const phase = this.#desk.book.phaseOf(attempt);
    return phase === "queued" || phase === "running";
  }

  get queuedOrders(): number {
    return this.#desk.book.queuedOrders;
  }

  /** @throws {InvariantError} When something does not hold that must between two events, with the last of these. */
  check(): void {
    const wrong = wrongWith(this.#workers, this.#desk.book);
    if (wrong !== undefined) throw this.#recent.explain(wrong);
  }

  #take(event: QueueEvent, now: number): void {
    switch (event.kind) {
      case "start":
        for (let i = 0; i < event.workers; i++) this.#start(event.firstWorker + i, now);
        break;
      case "enqueued":
        this.#desk.accept(event.orders, now);
        this.#desk.failStranded(this.#failure);
        break;
      case "asked":
        this.#asked(event.worker, event.ended, now);
        break;
      case "ended":
        this.#withWorker(event.worker, (worker) => this.#desk.end(worker, event.ended));
        break;
      case "returned":
        this.#withWorker(event.worker, (worker) => this.#desk.takeBack(worker, event.attempts, now));
        break;
      case "leaving":
        this.#leaving(event.worker, event.ended, now);
        break;
      case "cancelled":
        for (const attempt of event.attempts) this.#desk.cancel(attempt, now);
        break;
      case "exited":
        this.#exited(event.worker, event.cause, now);
        break;
      case "released":
        for (const attempt of event.attempts) this.#desk.book.forget(attempt);
        break;
      case "retired":
        for (const worker of event.workers) this.#retire(worker, now, event.graceMs);
        this.#desk.failStranded(this.#failure);
        break;
      case "tick":
        this.#tick(now);
        break;
      case "end":
        this.#end();
        break;
    }
  }

  #withWorker(number: number, act: (worker: WorkerState) => void): void {
    const worker = this.#workers.get(number);
    if (worker !== undefined && !this.#hasEnded) act(worker);
  }

  #start(number: number, now: number): void {
    // A request to start it may come once more, late.
    if (this.#hasEnded || this.#workers.has(number) || this.#left.has(number)) return;
    this.#workers.set(number, newWorker(number, now + START_GRACE_MS));
    this.#commands.push({ kind: "startWorker", worker: number });
  }

  #asked(number: number, ended: EndedAttempt | undefined, now: number): void {
    const worker = this.#workers.get(number);
    if (worker === undefined || this.#hasEnded || isGoing(worker)) {
      this.#commands.push({ kind: "stop", worker: number });
      return;
    }
    if (worker.phase === "starting") {
      freeWorker(worker, "asking");
      this.#emit({ kind: "workerStarted", worker: number });
    }
    if (ended !== undefined) this.#desk.end(worker, ended);
    // It never got the answer that held them.
    if (worker.hand.length > 0) this.#desk.give(worker);
    else if (worker.retiresUntil !== undefined) this.#dismiss(worker, now);
    else this.#desk.serve(worker, now);
  }

  /** It is to go when it has ended what it holds. */
  #retire(number: number, now: number, graceMs: number): void {
    const worker = this.#workers.get(number);
    // The request to start it may come after this.
    if (worker === undefined) this.#left.add(number);
    if (worker === undefined || worker.retiresUntil !== undefined || this.#hasEnded) return;
    worker.retiresUntil = now + graceMs;
    if (isOver(worker)) this.#remove(number);
    else if (worker.phase === "waiting") this.#dismiss(worker, now);
    else if (worker.phase === "starting") worker.retiresUntil = now;
  }

  #dismiss(worker: WorkerState, now: number): void {
    leave(worker, now);
    this.#commands.push({ kind: "stop", worker: worker.number });
  }

  #remove(number: number): void {
    this.#workers.delete(number);
    this.#left.add(number);
    this.#emit({ kind: "workerLeft", worker: number });
  }

  #leaving(number: number, ended: EndedAttempt | undefined, now: number): void {
    this.#commands.push({ kind: "stop", worker: number });
    const worker = this.#workers.get(number);
    if (worker === undefined || this.#hasEnded || isOver(worker)) return;
    if (ended !== undefined) this.#desk.end(worker, ended);
    if (worker.hand.length === 0) leave(worker, now);
  }

  #exited(number: number, cause: string, now: number): void {
    const worker = this.#workers.get(number);
    if (worker === undefined || isOver(worker)) return;
    const { hand } = worker;
    const back = this.#desk.loseHand(worker, `worker ${number} ${cause}`, this.#hasEnded);
    if (this.#hasEnded || worker.retiresUntil !== undefined) {
      freeWorker(worker, "stopped");
      if (this.#hasEnded) return;
      this.#remove(number);
      this.#desk.putBack(back, now);
      this.#desk.failStranded(this.#failure);
      return;
    }
    // One that was given nothing, and did not last for one wait either, would exit again at once.
    worker.failedStarts = hand.length === 0 && worker.phase !== "leaving" ? worker.failedStarts + 1 : 0;
    const isFinal = worker.failedStarts >= MAX_FAILED_STARTS;
    freeWorker(worker, isFinal ? "failed" : "starting");
    this.#emit({ kind: "workerExited", worker: number, cause, ...(isFinal ? { isFinal } : {}) });
    if (isFinal) {
      this.#failure = `Cannot start a worker: it ${cause}`;
    } else {
      worker.killsAt = now + START_GRACE_MS;
      this.#commands.push({ kind: "startWorker", worker: number });
    }
    this.#desk.putBack(back, now);
    if (isFinal) this.#desk.failStranded(this.#failure);
  }

  #tick(now: number): void {
    for (const [number, worker] of this.#workers) {
      if (worker.waitsUntil <= now) {
        moveWorker(worker, "asking");
        worker.failedStarts = 0;
        worker.waitsUntil = Number.POSITIVE_INFINITY;
        this.#commands.push({ kind: "wait", worker: number });
      }
      if (Math.min(worker.killsAt, worker.retiresUntil ?? worker.killsAt) <= now) {
        worker.killsAt = Number.POSITIVE_INFINITY;
        if (worker.retiresUntil !== undefined) worker.retiresUntil = Number.POSITIVE_INFINITY;
        this.#commands.push({ kind: "kill", worker: number, why: killReason(worker) });
      }
    }
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#desk.book.closeQueue();
    for (const [number, worker] of this.#workers) {
      worker.waitsUntil = Number.POSITIVE_INFINITY;
      worker.killsAt = Number.POSITIVE_INFINITY;
      if (worker.phase === "waiting") {
        moveWorker(worker, "asking");
        this.#commands.push({ kind: "stop", worker: number });
      }
    }
  }

  #emit(event: AgentEvent): void {
    this.#commands.push({ kind: "emit", event });
  }
}

/** It is to go now. */
function leave(worker: WorkerState, now: number): void {
  freeWorker(worker, "leaving");
  worker.killsAt = now + STOP_GRACE_MS;
}
