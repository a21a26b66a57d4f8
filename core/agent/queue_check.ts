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
  const idle = [...workers.values()].find(({ phase, number }) => phase === "waiting" && book.hasFor(number));
  return idle && `worker ${idle.number} waits while orders are queued for it`;
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
  for (const order of hand) {
    if (order.workers?.includes(number) === false) return `worker ${number} holds ${order.attempt} of others`;
  }
  return undefined;
}
