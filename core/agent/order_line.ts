/**
 * Orders that wait for a worker: first come, first served, and those that came back before all others.
 *
 * Orders are not taken out when they are cancelled: whoever takes one says which ones still count.
 */
import type { TaskOrder } from "../schedule/attempts/order.ts";

/** Places before the first order that are kept until they are worth being freed. */
const MAX_GAP = 1024;

interface Waiting {
  readonly order: TaskOrder;
  /** Lower goes first. */
  readonly place: number;
}

export class OrderLine {
  #orders: Waiting[] = [];
  #head = 0;

  /** How many wait, with those that do not count any more. */
  get length(): number {
    return this.#orders.length - this.#head;
  }

  push(order: TaskOrder, place: number): void {
    this.#orders.push({ order, place });
  }

  putBack(order: TaskOrder, place: number): void {
    this.#orders = [{ order, place }, ...this.#orders.slice(this.#head)];
    this.#head = 0;
  }

  /** The first order that counts, which stays. */
  first(counts: (order: TaskOrder) => boolean): Waiting | undefined {
    while (this.#head < this.#orders.length) {
      const waiting = this.#orders[this.#head];
      if (counts(waiting.order)) return waiting;
      this.drop();
    }
    return undefined;
  }

  /** Takes the first one out, whether it counts or not. */
  drop(): void {
    this.#head++;
    if (this.#head <= MAX_GAP || this.#head * 2 <= this.#orders.length) return;
    this.#orders = this.#orders.slice(this.#head);
    this.#head = 0;
  }
}
