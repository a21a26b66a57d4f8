/**
 * What must hold of an agent's queue between two events, executable; for tests.
 */
import { LucioleError } from "../errors.ts";
import type { OrderBook } from "./order_book.ts";
import type { WorkerState } from "./worker_state.ts";

/** @throws {LucioleError} code "internal" when an invariant does not hold. */
export function checkQueue(workers: ReadonlyMap<number, WorkerState>, book: OrderBook): void {
  for (const [number, worker] of workers) {
    if (worker.hand.length > 0 !== (worker.phase === "running")) {
      throw broken(`worker ${number} is ${worker.phase} and holds ${worker.hand.length} orders`);
    }
    if ((worker.phase === "waiting") !== Number.isFinite(worker.waitsUntil)) {
      throw broken(`worker ${number} is ${worker.phase} and waits until ${worker.waitsUntil}`);
    }
    for (const attempt of worker.cancelled) {
      if (!worker.hand.some((order) => order.attempt === attempt)) {
        throw broken(`worker ${number} was told to stop ${attempt}, which it does not hold`);
      }
    }
  }
  const wrong = book.wrongWith([...workers.values()].map(({ hand }) => hand));
  if (wrong !== undefined) throw broken(wrong);
  const isWaiting = [...workers.values()].some((worker) => worker.phase === "waiting");
  if (isWaiting && book.queuedOrders > 0) throw broken("a worker waits while orders are queued");
}

function broken(state: string): LucioleError {
  return new LucioleError("internal", `Cannot go on with the agent's queue: ${state}`);
}
