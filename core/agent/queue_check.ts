/**
 * What must hold of an agent's queue between two events, executable; for tests.
 */
import type { OrderBook } from "./order_book.ts";
import { isGoing, type WorkerState } from "./worker_state.ts";

/** What contradicts itself; undefined when nothing does. */
export function wrongWith(workers: ReadonlyMap<number, WorkerState>, book: OrderBook): string | undefined {
  for (const worker of workers.values()) {
    const wrong = wrongWithWorker(worker);
    if (wrong !== undefined) return wrong;
  }
  const wrong = book.wrongWith([...workers.values()].map(({ hand }) => hand));
  if (wrong !== undefined) return wrong;
  const isWaiting = [...workers.values()].some((worker) => worker.phase === "waiting");
  return isWaiting && book.queuedOrders > 0 ? "a worker waits while orders are queued" : undefined;
}

function wrongWithWorker(worker: WorkerState): string | undefined {
  const { number, phase, hand, waitsUntil, killsAt, cancelled } = worker;
  if (hand.length > 0 !== (phase === "running")) {
    return `worker ${number} is ${phase} and holds ${hand.length} orders`;
  }
  if ((phase === "waiting") !== Number.isFinite(waitsUntil)) {
    return `worker ${number} is ${phase} and waits until ${waitsUntil}`;
  }
  if (isGoing(worker) && phase !== "leaving" && Number.isFinite(killsAt)) {
    return `worker ${number} is ${phase} and is to be killed`;
  }
  for (const attempt of cancelled) {
    if (!hand.some((order) => order.attempt === attempt)) {
      return `worker ${number} was told to stop ${attempt}, which it does not hold`;
    }
  }
  return undefined;
}
