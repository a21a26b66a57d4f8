/**
 * Orders that wait, in one line for each set of workers that may perform them: a worker finds its next order without
 * passing over those of others. Among the lines that are open to it, it takes what came first.
 */
import type { TaskOrder } from "../schedule/attempts/order.ts";
import { OrderLine } from "./order_line.ts";

interface Line {
  readonly orders: OrderLine;
  /** Who may take of it; undefined: anybody. */
  readonly workers: ReadonlySet<number> | undefined;
}

export class OrderLines {
  readonly #lines = new Map<string, Line>();
  readonly #counts: (order: TaskOrder) => boolean;
  #last = 0;
  #first = 0;

  /** @param counts Whether an order that waits is still to be performed. */
  constructor(counts: (order: TaskOrder) => boolean) {
    this.#counts = counts;
  }

  push(order: TaskOrder): void {
    this.#last += 1;
    this.#lineOf(order).orders.push(order, this.#last);
  }

  /** They go before all others, in this order. */
  putBack(orders: readonly TaskOrder[]): void {
    for (const order of orders.toReversed()) {
      this.#first -= 1;
      this.#lineOf(order).orders.putBack(order, this.#first);
    }
  }

  /** The first order that a worker may take, which stays, and how many are in its line. */
  first(worker: number): { readonly order: TaskOrder; readonly waiting: number } | undefined {
    const line = this.#firstLine((workers) => workers === undefined || workers.has(worker));
    const order = line?.orders.first(this.#counts)?.order;
    return line && order && { order, waiting: line.orders.length };
  }

  /** Takes the first order that a worker may take. */
  take(worker: number): TaskOrder | undefined {
    return this.#takeOf((workers) => workers === undefined || workers.has(worker));
  }

  /** Takes an order that none of these workers may perform. */
  takeStranded(workers: readonly number[]): TaskOrder | undefined {
    return this.#takeOf(
      (open) => workers.length === 0 || !workers.some((worker) => open?.has(worker) ?? true),
    );
  }

  clear(): void {
    this.#lines.clear();
  }

  #takeOf(isOpen: (workers: ReadonlySet<number> | undefined) => boolean): TaskOrder | undefined {
    const line = this.#firstLine(isOpen);
    const order = line?.orders.first(this.#counts)?.order;
    if (order !== undefined) line?.orders.drop();
    return order;
  }

  /** The line whose first order came before those of the others; lines without orders go. */
  #firstLine(isOpen: (workers: ReadonlySet<number> | undefined) => boolean): Line | undefined {
    let found: Line | undefined;
    let foundPlace = Number.POSITIVE_INFINITY;
    for (const [key, line] of this.#lines) {
      if (!isOpen(line.workers)) continue;
      const first = line.orders.first(this.#counts);
      if (first === undefined) {
        this.#lines.delete(key);
      } else if (first.place < foundPlace) {
        found = line;
        foundPlace = first.place;
      }
    }
    return found;
  }

  #lineOf({ workers }: TaskOrder): Line {
    const key = workers === undefined ? "" : workers.join();
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { orders: new OrderLine(), workers: workers && new Set(workers) };
      this.#lines.set(key, line);
    }
    return line;
  }
}
