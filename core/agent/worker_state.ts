/**
 * What an agent's queue knows of one worker. What happens to it is decided in agent_queue.ts.
 */
import type { TaskOrder } from "../schedule/order.ts";

/**
 * starting → waiting | running   at its first request
 * waiting  → running | asking    orders came | its request was answered with `wait`
 * running  → asking              its last attempt ended (it asks in the same request)
 * any      → starting | failed   it exited and is replaced | could not be started too often
 */
type WorkerPhase = "starting" | "asking" | "waiting" | "running" | "leaving" | "failed" | "stopped";

export interface WorkerState {
  phase: WorkerPhase;
  /** Orders that it was given and has not told the end of: it takes them one after the other. */
  hand: TaskOrder[];
  /** Exits in a row in which it had no order and had not waited for long. */
  failedStarts: number;
  waitsUntil: number;
  killsAt: number;
  /** Attempts in its hand that it was told to stop. */
  readonly cancelled: Set<string>;
}

/** A worker that was just started. */
export function newWorker(killsAt: number): WorkerState {
  return {
    phase: "starting",
    hand: [],
    failedStarts: 0,
    waitsUntil: Number.POSITIVE_INFINITY,
    killsAt,
    cancelled: new Set(),
  };
}

/** It runs nothing and waits for nothing. */
export function freeWorker(worker: WorkerState): void {
  worker.phase = "asking";
  worker.hand = [];
  worker.killsAt = Number.POSITIVE_INFINITY;
  worker.waitsUntil = Number.POSITIVE_INFINITY;
  worker.cancelled.clear();
}

/** Takes an order out of its hand; a worker whose hand is empty is free. */
export function takeFromHand(worker: WorkerState, attempt: string): TaskOrder | undefined {
  const at = worker.hand.findIndex((order) => order.attempt === attempt);
  if (at < 0) return undefined;
  const [order] = worker.hand.splice(at, 1);
  worker.cancelled.delete(attempt);
  if (worker.cancelled.size === 0) worker.killsAt = Number.POSITIVE_INFINITY;
  if (worker.hand.length === 0) freeWorker(worker);
  return order;
}

/** Why a worker whose time is over is killed. */
export function killReason({ phase }: WorkerState): string {
  if (phase === "starting") return "it did not ask for work in time";
  return phase === "leaving" ? "it did not end in time" : "its attempt went on after it was cancelled";
}
