/**
 * Hands the orders of an agent to its workers, and tells their ends: every order that
 * was accepted gets exactly one of attemptEnded and attemptLost.
 *
 * Which workers there are, and when they go, is decided in agent_queue.ts.
 */
import type { AgentEvent, TaskOrder } from "../schedule/attempts/order.ts";
import { OrderBook } from "./order_book.ts";
import {
  cancelledEvent,
  drainedEvent,
  type EndedAttempt,
  notStartedEvent,
  type QueueCommand,
} from "./queue_events.ts";
import { holds, isOver, moveWorker, takeFromHand, type WorkerState } from "./worker_state.ts";

/** A `next` request is answered with `wait` after this long. */
const HOLD_MS = 20_000;
/** A cancelled attempt that goes on for longer takes its worker with it: what failed is to be over within a second. */
const CANCEL_GRACE_MS = 800;
/** The same of one that the worker has not begun, which waits for what it runs. */
const UNBEGUN_GRACE_MS = 2_000;

export class OrderDesk {
  readonly book = new OrderBook();
  readonly #workers: ReadonlyMap<number, WorkerState>;
  readonly #push: (command: QueueCommand) => void;

  constructor(workers: ReadonlyMap<number, WorkerState>, push: (command: QueueCommand) => void) {
    this.#workers = workers;
    this.#push = push;
  }

  accept(orders: readonly TaskOrder[], now: number): void {
    for (const order of orders) this.book.accept(order);
    this.#serveWaiting(now);
  }

  /** Gives the worker that asks its next order, or lets it wait. */
  serve(worker: WorkerState, now: number): void {
    const hand = this.book.takeHand(worker.number, this.#workers.size);
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
    this.#emit({ kind: "attemptStarted", attempt: hand[0].attempt, worker: worker.number });
    this.give(worker);
  }

  give({ number, hand }: WorkerState): void {
    const [order, ...more] = hand;
    this.#push({ kind: "give", worker: number, order, ...(more.length === 0 ? {} : { more }) });
  }

  /** Takes orders back that the worker has not begun; those that were cancelled have ended so. */
  takeBack(worker: WorkerState, attempts: readonly string[], now: number): void {
    const back: TaskOrder[] = [];
    for (const attempt of attempts) {
      const wasCancelled = worker.cancelled.has(attempt);
      const order = takeFromHand(worker, attempt);
      if (order === undefined) continue;
      if (wasCancelled) this.#cancelUnbegun(attempt);
      else back.push(order);
    }
    this.putBack(back, now);
  }

  putBack(orders: readonly TaskOrder[], now: number): void {
    if (orders.length === 0) return;
    this.book.putBack(orders);
    this.#serveWaiting(now);
  }

  /** Ignores the end of an attempt that the worker does not run: a repeated or late request. */
  end(worker: WorkerState, { attempt, result }: EndedAttempt): void {
    const order = takeFromHand(worker, attempt);
    if (order === undefined) return;
    this.book.end(order, result);
    if (result.kind === "committed") {
      this.#push({ kind: "committed", attempt });
    } else {
      this.#push({ kind: "discarded", attempt, cause: result.error.message });
    }
    this.#emit({ kind: "attemptEnded", attempt, result });
  }

  cancel(attempt: string, now: number): void {
    const phase = this.book.phaseOf(attempt);
    if (phase === "queued") this.#cancelUnbegun(attempt);
    if (phase !== "running") return;
    for (const [number, worker] of this.#workers) {
      if (!holds(worker, attempt) || worker.cancelled.has(attempt)) continue;
      worker.cancelled.add(attempt);
      // One that waits behind another one's attempt must not cost that one its worker so soon.
      const graceMs = worker.hand[0].attempt === attempt ? CANCEL_GRACE_MS : UNBEGUN_GRACE_MS;
      worker.killsAt = Math.min(worker.killsAt, now + graceMs);
      this.#push({ kind: "cancel", worker: number, attempt });
    }
  }

  #cancelUnbegun(attempt: string): void {
    this.book.close(attempt);
    this.#emit(cancelledEvent(attempt, "before it was started"));
  }

  /**
   * Tells what was lost with a worker.
   *
   * @param isLast Nothing is given to workers any more.
   * @returns What has to be given again because nobody knows whether it was begun.
   */
  loseHand(worker: WorkerState, cause: string, isLast: boolean): TaskOrder[] {
    const { hand, cancelled } = worker;
    if (hand.length === 1) {
      this.#lose(hand[0].attempt, worker, cause);
      return [];
    }
    const back: TaskOrder[] = [];
    for (const order of hand) {
      const { attempt } = order;
      if (cancelled.has(attempt) || isLast) {
        this.#lose(attempt, worker, cause);
        continue;
      }
      // It may have left something.
      this.#push({ kind: "discarded", attempt, cause });
      this.book.suspect(attempt);
      back.push(order);
    }
    return back;
  }

  #lose(attempt: string, { cancelled, retiresUntil }: WorkerState, cause: string): void {
    if (cancelled.has(attempt)) {
      this.#close(attempt, cause, cancelledEvent(attempt, "and its worker had to be ended"));
    } else if (retiresUntil !== undefined) {
      this.#close(attempt, cause, drainedEvent(attempt, cause));
    } else {
      this.#close(attempt, cause, { kind: "attemptLost", attempt, cause });
    }
  }

  /** The end of an attempt that nobody performs, or of which nobody tells the end. */
  #close(attempt: string, cause: string, event: AgentEvent): void {
    this.book.close(attempt);
    this.#push({ kind: "discarded", attempt, cause });
    this.#emit(event);
  }

  /** Orders that no worker is left for would wait for ever. @param failure Why workers could not be started. */
  failStranded(failure: string | undefined): void {
    const all = [...this.#workers.values()];
    const left = all.filter((worker) => !isOver(worker) && worker.retiresUntil === undefined);
    const numbers = left.map(({ number }) => number);
    const failed = new Set(all.filter(({ phase }) => phase === "failed").map(({ number }) => number));
    const isHopeless = numbers.length === 0 && failed.size > 0;
    for (;;) {
      const order = this.book.takeStranded(numbers);
      if (order === undefined) return;
      const { attempt, workers } = order;
      if (isHopeless && failure !== undefined) {
        this.#close(attempt, failure, notStartedEvent(attempt, failure));
      } else if (workers?.some((worker) => failed.has(worker))) {
        // Others are at work here: it is no fault of the agent.
        const cause = failure ?? "its worker failed";
        this.#close(attempt, cause, { kind: "attemptLost", attempt, cause });
      } else {
        const whom = workers === undefined ? "" : ` ${workers.join(" or ")}`;
        const cause = `Cannot run ${attempt}: the agent has no worker${whom} any more`;
        this.#close(attempt, cause, drainedEvent(attempt, cause));
      }
    }
  }

  #serveWaiting(now: number): void {
    for (const worker of this.#workers.values()) {
      if (worker.phase === "waiting") this.serve(worker, now);
    }
  }

  #emit(event: AgentEvent): void {
    this.#push({ kind: "emit", event });
  }
}
