/**
 * The life of one job on one agent: its workers and the orders that they take.
 *
 * Sans-I/O: `apply` takes what happened and the time, and returns what to do.
 * Every order that was accepted gets exactly one of attemptEnded and attemptLost.
 * It knows nothing of processes, sockets or files.
 */
import type { AgentEvent, TaskOrder } from "../schedule/order.ts";
import { OrderBook } from "./order_book.ts";
import { wrongWith } from "./queue_check.ts";
import {
  cancelledEvent,
  drainedEvent,
  type EndedAttempt,
  notStartedEvent,
  type QueueCommand,
  type QueueEvent,
} from "./queue_events.ts";
import { RecentEvents } from "./recent_events.ts";
import {
  freeWorker,
  isGoing,
  isOver,
  killReason,
  moveWorker,
  newWorker,
  takeFromHand,
  type WorkerState,
} from "./worker_state.ts";

/** A `next` request is answered with `wait` after this long. */
const HOLD_MS = 20_000;
/** A cancelled attempt that goes on for longer takes its worker with it: what failed is to be over within a second. */
const CANCEL_GRACE_MS = 800;
/** What a worker may take to go when it is told to, or to give back what it has not begun. */
const STOP_GRACE_MS = 2_000;
/** A worker that has not asked for an order by then (its module never finishes loading) failed to start. */
const START_GRACE_MS = 60_000;
const MAX_FAILED_STARTS = 3;

export class AgentQueue {
  readonly #workers = new Map<number, WorkerState>();
  /** Numbers of workers that were removed. */
  readonly #left = new Set<number>();
  readonly #book = new OrderBook();
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
    return this.#workers.get(worker)?.hand.some((order) => order.attempt === attempt) === true;
  }

  /** Whether an attempt is queued or runs. */
  isPending(attempt: string): boolean {
    const phase = this.#book.phaseOf(attempt);
    return phase === "queued" || phase === "running";
  }

  get queuedOrders(): number {
    return this.#book.queuedOrders;
  }

  /** @throws {InvariantError} When something does not hold that must between two events, with the last of these. */
  check(): void {
    const wrong = wrongWith(this.#workers, this.#book);
    if (wrong !== undefined) throw this.#recent.explain(wrong);
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
      case "ended":
        this.#withWorker(event.worker, (worker) => this.#attemptEnded(worker, event.ended));
        break;
      case "returned":
        this.#withWorker(event.worker, (worker) => this.#returned(worker, event.attempts, now));
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
        for (const attempt of event.attempts) this.#book.forget(attempt);
        break;
      case "retired":
        for (const worker of event.workers) this.#retire(worker, now, event.graceMs);
        this.#failStranded();
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

  #enqueue(orders: readonly TaskOrder[], now: number): void {
    for (const order of orders) this.#book.accept(order);
    this.#serveWaiting(now);
    this.#failStranded();
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
    if (ended !== undefined) this.#attemptEnded(worker, ended);
    // It never got the answer that held them.
    if (worker.hand.length > 0) this.#give(number, worker);
    else if (worker.retiresUntil !== undefined) this.#dismiss(number, worker, now);
    else this.#serve(number, worker, now);
  }

  #serveWaiting(now: number): void {
    for (const [number, worker] of this.#workers) {
      if (worker.phase === "waiting") this.#serve(number, worker, now);
    }
  }

  /** It is to go when it has ended what it holds. */
  #retire(number: number, now: number, graceMs: number): void {
    const worker = this.#workers.get(number);
    if (worker === undefined || worker.retiresUntil !== undefined || this.#hasEnded) return;
    worker.retiresUntil = now + graceMs;
    if (isOver(worker)) this.#remove(number);
    else if (worker.phase === "waiting") this.#dismiss(number, worker, now);
    else if (worker.phase === "starting") worker.retiresUntil = now;
  }

  #dismiss(number: number, worker: WorkerState, now: number): void {
    freeWorker(worker, "leaving");
    worker.killsAt = now + STOP_GRACE_MS;
    this.#commands.push({ kind: "stop", worker: number });
  }

  #remove(number: number): void {
    this.#workers.delete(number);
    this.#left.add(number);
    this.#emit({ kind: "workerLeft", worker: number });
  }

  /** Gives the worker that asks its next order, or lets it wait. */
  #serve(number: number, worker: WorkerState, now: number): void {
    const hand = this.#book.takeHand(number, this.#workers.size);
    if (hand === undefined) {
      moveWorker(worker, "waiting");
      worker.waitsUntil = now + HOLD_MS;
      return;
    }
    moveWorker(worker, "running");
    worker.failedStarts = 0;
    worker.hand = hand;
    worker.waitsUntil = Number.POSITIVE_INFINITY;
    // Of the others nobody knows when they are begun.
    this.#emit({ kind: "attemptStarted", attempt: hand[0].attempt, worker: number });
    this.#give(number, worker);
  }

  #give(number: number, { hand }: WorkerState): void {
    const [order, ...more] = hand;
    this.#commands.push({ kind: "give", worker: number, order, ...(more.length === 0 ? {} : { more }) });
  }

  /** Takes orders back that the worker has not begun; those that were cancelled have ended so. */
  #returned(worker: WorkerState, attempts: readonly string[], now: number): void {
    const back: TaskOrder[] = [];
    for (const attempt of attempts) {
      const wasCancelled = worker.cancelled.has(attempt);
      const order = takeFromHand(worker, attempt);
      if (order === undefined) continue;
      if (wasCancelled) this.#cancelUnbegun(attempt);
      else back.push(order);
    }
    this.#putBack(back, now);
  }

  #putBack(orders: readonly TaskOrder[], now: number): void {
    if (orders.length === 0) return;
    this.#book.putBack(orders);
    this.#serveWaiting(now);
  }

  /** Ignores the end of an attempt that the worker does not run: a repeated or late request. */
  #attemptEnded(worker: WorkerState, { attempt, result }: EndedAttempt): void {
    const order = takeFromHand(worker, attempt);
    if (order === undefined) return;
    this.#book.end(order, result);
    if (result.kind === "committed") {
      this.#commands.push({ kind: "committed", attempt });
    } else {
      this.#commands.push({ kind: "discarded", attempt, cause: result.error.message });
    }
    this.#emit({ kind: "attemptEnded", attempt, result });
  }

  #leaving(number: number, ended: EndedAttempt | undefined, now: number): void {
    this.#commands.push({ kind: "stop", worker: number });
    const worker = this.#workers.get(number);
    if (worker === undefined || this.#hasEnded || isOver(worker)) return;
    if (ended !== undefined) this.#attemptEnded(worker, ended);
    if (worker.hand.length === 0) {
      freeWorker(worker, "leaving");
      worker.killsAt = now + STOP_GRACE_MS;
    }
  }

  #cancel(attempt: string, now: number): void {
    const phase = this.#book.phaseOf(attempt);
    if (phase === "queued") this.#cancelUnbegun(attempt);
    if (phase !== "running") return;
    for (const [number, worker] of this.#workers) {
      if (!this.holds(number, attempt) || worker.cancelled.has(attempt)) continue;
      worker.cancelled.add(attempt);
      // One that waits behind another one's attempt must not cost that one its worker so soon.
      const graceMs = worker.hand[0].attempt === attempt ? CANCEL_GRACE_MS : STOP_GRACE_MS;
      worker.killsAt = Math.min(worker.killsAt, now + graceMs);
      this.#commands.push({ kind: "cancel", worker: number, attempt });
    }
  }

  #cancelUnbegun(attempt: string): void {
    this.#book.close(attempt);
    this.#emit(cancelledEvent(attempt, "before it was started"));
  }

  #exited(number: number, cause: string, now: number): void {
    const worker = this.#workers.get(number);
    if (worker === undefined || isOver(worker)) return;
    const { hand } = worker;
    const back = this.#loseHand(worker, `worker ${number} ${cause}`);
    if (this.#hasEnded || worker.retiresUntil !== undefined) {
      freeWorker(worker, "stopped");
      if (this.#hasEnded) return;
      this.#remove(number);
      this.#putBack(back, now);
      this.#failStranded();
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
    this.#putBack(back, now);
    if (isFinal) this.#failStranded();
  }

  /** Tells what was lost with a worker; returns what has to be given again because nobody knows whether it was begun. */
  #loseHand(worker: WorkerState, cause: string): TaskOrder[] {
    const { hand, cancelled } = worker;
    if (hand.length === 1) {
      this.#lose(hand[0].attempt, worker, cause);
      return [];
    }
    const back: TaskOrder[] = [];
    for (const order of hand) {
      const { attempt } = order;
      if (cancelled.has(attempt) || this.#hasEnded) {
        this.#lose(attempt, worker, cause);
        continue;
      }
      // It may have left something.
      this.#commands.push({ kind: "discarded", attempt, cause });
      this.#book.suspect(attempt);
      back.push(order);
    }
    return back;
  }

  #lose(attempt: string, { cancelled, retiresUntil }: WorkerState, cause: string): void {
    this.#book.close(attempt);
    this.#commands.push({ kind: "discarded", attempt, cause });
    if (cancelled.has(attempt)) this.#emit(cancelledEvent(attempt, "and its worker had to be ended"));
    else if (retiresUntil !== undefined) this.#emit(drainedEvent(attempt, cause));
    else this.#emit({ kind: "attemptLost", attempt, cause });
  }

  /** Orders that no worker is left for would wait for ever. */
  #failStranded(): void {
    const all = [...this.#workers.values()];
    const left = all.filter((worker) => !isOver(worker) && worker.retiresUntil === undefined);
    const numbers = left.map(({ number }) => number);
    const failed = new Set(all.filter(({ phase }) => phase === "failed").map(({ number }) => number));
    const failure = numbers.length === 0 && failed.size > 0 ? this.#failure : undefined;
    for (;;) {
      const order = this.#book.takeStranded(numbers);
      if (order === undefined) return;
      const { attempt, workers } = order;
      if (failure === undefined && workers?.some((worker) => failed.has(worker))) {
        // Others are at work here: it is no fault of the agent.
        const lost = this.#failure ?? "its worker failed";
        this.#book.close(attempt);
        this.#commands.push({ kind: "discarded", attempt, cause: lost });
        this.#emit({ kind: "attemptLost", attempt, cause: lost });
        continue;
      }
      const whom = workers === undefined ? "" : ` ${workers.join(" or ")}`;
      const cause = failure ?? `Cannot run ${attempt}: the agent has no worker${whom} any more`;
      this.#book.close(attempt);
      this.#commands.push({ kind: "discarded", attempt, cause });
      this.#emit(failure === undefined ? drainedEvent(attempt, cause) : notStartedEvent(attempt, failure));
    }
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
    this.#book.closeQueue();
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
