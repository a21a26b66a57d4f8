/**
 * Orders that wait for a worker: first come, first served, and those that came back before all others.
 *
 * Orders are not taken out when they are cancelled: whoever takes one says which ones still count.
 */
import type { TaskOrder } from "../schedule/order.ts";

/** Places before the first order that are kept until they are worth being freed. */
const MAX_GAP = 1024;

export class OrderLine {
  #orders: TaskOrder[] = [];
  #head = 0;

  /** How many wait, with those that do not count any more. */
  get length(): number {
    return this.#orders.length - this.#head;
  }

  push(order: TaskOrder): void {
    this.#orders.push(order);
  }

  putBack(orders: readonly TaskOrder[]): void {
    this.#orders = [...orders, ...this.#orders.slice(this.#head)];
    this.#head = 0;
  }

  /** The first order that counts, which stays. */
  first(counts: (order: TaskOrder) => boolean): TaskOrder | undefined {
    while (this.#head < this.#orders.length) {
      const order = this.#orders[this.#head];
      if (counts(order)) return order;
      this.#drop();
    }
    return undefined;
  }

  /** Takes the first order that counts. */
  take(counts: (order: TaskOrder) => boolean): TaskOrder | undefined {
    const order = this.first(counts);
    if (order !== undefined) this.#drop();
    return order;
  }

  clear(): void {
    this.#orders = [];
    this.#head = 0;
  }

  #drop(): void {
    this.#head++;
    if (this.#head <= MAX_GAP || this.#head * 2 <= this.#orders.length) return;
    this.#orders = this.#orders.slice(this.#head);
    this.#head = 0;
  }
}
