/**
 * What an agent's queue knows of one worker. What happens to it is decided in agent_queue.ts.
 */
import type { TaskOrder } from "../schedule/order.ts";

/**
 * starting → waiting | running   at its first request
 * waiting  → running | asking    an order came | its request was answered with `wait`
 * running  → asking              its attempt ended (it asks in the same request)
 * any      → starting | failed   it exited and is replaced | could not be started too often
 */
type WorkerPhase = "starting" | "asking" | "waiting" | "running" | "leaving" | "failed" | "stopped";

export interface WorkerState {
  phase: WorkerPhase;
  order: TaskOrder | undefined;
  /** Exits in a row in which it had no order and had not waited for long. */
  failedStarts: number;
  waitsUntil: number;
  killsAt: number;
  wasCancelled: boolean;
}

/** A worker that was just started. */
export function newWorker(killsAt: number): WorkerState {
  return {
    phase: "starting",
    order: undefined,
    failedStarts: 0,
    waitsUntil: Number.POSITIVE_INFINITY,
    killsAt,
    wasCancelled: false,
  };
}

/** It runs nothing and waits for nothing. */
export function freeWorker(worker: WorkerState): void {
  worker.phase = "asking";
  worker.order = undefined;
  worker.killsAt = Number.POSITIVE_INFINITY;
  worker.waitsUntil = Number.POSITIVE_INFINITY;
  worker.wasCancelled = false;
}

/** Why a worker whose time is over is killed. */
export function killReason({ phase }: WorkerState): string {
  if (phase === "starting") return "it did not ask for work in time";
  return phase === "leaving" ? "it did not end in time" : "its attempt went on after it was cancelled";
}
