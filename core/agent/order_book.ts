/**
 * The orders that an agent accepted: what became of each attempt, and which ones a worker gets next.
 *
 * It knows nothing of workers but their numbers.
 */
import type { TaskOrder } from "../schedule/attempts/order.ts";
import type { AttemptResult } from "../schedule/report.ts";
import { checkMove, type Table } from "../schedule/transitions.ts";
import { OrderLines } from "./order_lines.ts";
import { goTogether, TaskPace } from "./task_pace.ts";

const MAX_FORGOTTEN = 10_000;

type OrderPhase = "queued" | "running" | "committed" | "over" | "forgotten";

export const ORDER_TRANSITIONS: Table<OrderPhase> = {
  queued: ["running", "over", "forgotten"],
  running: ["queued", "committed", "over"],
  committed: ["forgotten"],
  over: ["forgotten"],
  forgotten: [],
};

export class OrderBook {
  readonly #attempts = new Map<string, OrderPhase>();
  /** Holds attempts that were cancelled meanwhile, too: those are passed over. */
  readonly #lines = new OrderLines(({ attempt }) => this.#attempts.get(attempt) === "queued");
  readonly #pace = new TaskPace();
  /** Attempts of which one ended its worker: each is given alone, so that it is known which one does. */
  readonly #suspects = new Set<string>();
  /** The last ones that were forgotten: their orders may come once more, late. */
  readonly #forgotten = new Set<string>();

  phaseOf(attempt: string): OrderPhase | undefined {
    return this.#attempts.get(attempt);
  }

  /** Whether an order is queued that a worker may perform. */
  hasFor(worker: number): boolean {
    return this.#lines.first(worker) !== undefined;
  }

  get queuedOrders(): number {
    let count = 0;
    for (const phase of this.#attempts.values()) if (phase === "queued") count++;
    return count;
  }

  /** Ignores one that it knows: a driver that did not hear the answer sends the same orders again. */
  accept(order: TaskOrder): void {
    if (this.#attempts.has(order.attempt) || this.#forgotten.has(order.attempt)) return;
    this.#attempts.set(order.attempt, "queued");
    this.#lines.push(order);
  }

  /** Takes a queued order that none of these workers may perform; whoever does moves it on. */
  takeStranded(workers: readonly number[]): TaskOrder | undefined {
    return this.#lines.takeStranded(workers);
  }

  /** Takes what a worker gets at a time: the first order, and those behind it that it may hold beside it. */
  takeHand(worker: number, workers: number): TaskOrder[] | undefined {
    const first = this.#lines.first(worker);
    if (first === undefined) return undefined;
    const { order, waiting } = first;
    this.#lines.take(worker);
    const hand = [order];
    const size = this.#suspects.has(order.attempt)
      ? 1
      : this.#pace.handSize(order, waiting, order.workers?.length ?? workers);
    while (hand.length < size) {
      const next = this.#lines.first(worker)?.order;
      if (next === undefined || !goTogether(order, next) || this.#suspects.has(next.attempt)) break;
      hand.push(next);
      this.#lines.take(worker);
    }
    for (const { attempt } of hand) this.#move(attempt, "running");
    return hand;
  }

  /** They are the next ones to be given again. */
  putBack(orders: readonly TaskOrder[]): void {
    for (const { attempt } of orders) this.#move(attempt, "queued");
    this.#lines.putBack(orders);
  }

  suspect(attempt: string): void {
    this.#suspects.add(attempt);
  }

  /** Takes note how an attempt ended. */
  end(order: TaskOrder, result: AttemptResult): void {
    this.#pace.note(order, result);
    this.close(order.attempt, result.kind === "committed" ? "committed" : "over");
  }

  close(attempt: string, phase: "committed" | "over" = "over"): void {
    this.#move(attempt, phase);
    this.#suspects.delete(attempt);
  }

  /** Of attempts that were released, unless they run. */
  forget(attempt: string): void {
    const phase = this.#attempts.get(attempt);
    if (phase === "running") return;
    if (phase !== undefined) this.#move(attempt, "forgotten");
    this.#attempts.delete(attempt);
    this.#suspects.delete(attempt);
    this.#forgotten.add(attempt);
    if (this.#forgotten.size <= MAX_FORGOTTEN) return;
    const [oldest] = this.#forgotten;
    this.#forgotten.delete(oldest);
  }

  /** Nothing that is queued will be given. */
  closeQueue(): void {
    this.#lines.clear();
    for (const [attempt, phase] of this.#attempts) if (phase === "queued") this.close(attempt);
  }

  /** What contradicts the hands of all workers. */
  wrongWith(hands: readonly (readonly TaskOrder[])[]): string | undefined {
    const running = new Set<string>();
    for (const hand of hands) {
      for (const { attempt } of hand) {
        if (running.has(attempt)) return `${attempt} runs twice`;
        if (hand.length > 1 && this.#suspects.has(attempt)) return `${attempt} is not alone`;
        running.add(attempt);
      }
    }
    for (const [attempt, phase] of this.#attempts) {
      if ((phase === "running") !== running.has(attempt)) return `${attempt} is ${phase}`;
    }
    return undefined;
  }

  /** @throws {InvariantError} When the phase may not follow; the queue adds the story. */
  #move(attempt: string, to: OrderPhase): void {
    const from = this.#attempts.get(attempt) ?? "forgotten";
    checkMove(ORDER_TRANSITIONS, { what: "order", name: attempt, from, to, story: [] });
    this.#attempts.set(attempt, to);
  }
}
