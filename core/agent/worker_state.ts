/**
 * What an agent's queue knows of one worker, and which of its phases may follow which.
 *
 * What happens to it is decided in agent_queue.ts and order_desk.ts. docs/states.md shows the table; a test compares both.
 */
import type { TaskOrder } from "../schedule/attempts/order.ts";
import { checkMove, type Table } from "../schedule/transitions.ts";

type WorkerPhase = "starting" | "asking" | "waiting" | "running" | "leaving" | "failed" | "stopped";

export const WORKER_TRANSITIONS: Table<WorkerPhase> = {
  starting: ["asking", "leaving", "starting", "failed", "stopped"],
  // It asks, and is answered within the same event.
  asking: ["waiting", "running", "leaving", "starting", "failed", "stopped"],
  // To itself: it asks anew, its request was lost.
  waiting: ["waiting", "running", "asking", "leaving", "starting", "failed", "stopped"],
  running: ["asking", "starting", "stopped"],
  leaving: ["leaving", "starting", "stopped"],
  failed: [],
  stopped: [],
};

export interface WorkerState {
  readonly number: number;
  phase: WorkerPhase;
  /** Orders that it was given and has not told the end of: it takes them one after the other. */
  hand: TaskOrder[];
  /** Exits in a row in which it had no order and had not waited for long. */
  failedStarts: number;
  waitsUntil: number;
  killsAt: number;
  /** Set for one that is to go: when it is killed if it has not. */
  retiresUntil: number | undefined;
  /** Attempts in its hand that it was told to stop. */
  readonly cancelled: Set<string>;
}

/** A worker that was just started. */
export function newWorker(number: number, killsAt: number): WorkerState {
  return {
    number,
    phase: "starting",
    hand: [],
    failedStarts: 0,
    waitsUntil: Number.POSITIVE_INFINITY,
    killsAt,
    retiresUntil: undefined,
    cancelled: new Set(),
  };
}

/** @throws {InvariantError} When the phase may not follow; the queue adds the story. */
export function moveWorker(worker: WorkerState, to: WorkerPhase): void {
  const { phase: from, number } = worker;
  checkMove(WORKER_TRANSITIONS, { what: "worker", name: `${number}`, from, to, story: [] });
  worker.phase = to;
}

/** It runs nothing and waits for nothing from now on. */
export function freeWorker(worker: WorkerState, phase: WorkerPhase): void {
  moveWorker(worker, phase);
  worker.hand = [];
  worker.killsAt = Number.POSITIVE_INFINITY;
  worker.waitsUntil = Number.POSITIVE_INFINITY;
  worker.cancelled.clear();
}

/** Whether it was given an attempt and has not told its end. */
export function holds({ hand }: WorkerState, attempt: string): boolean {
  return hand.some((order) => order.attempt === attempt);
}

/** Takes an order out of its hand; a worker whose hand is empty is free. */
export function takeFromHand(worker: WorkerState, attempt: string): TaskOrder | undefined {
  const at = worker.hand.findIndex((order) => order.attempt === attempt);
  if (at < 0) return undefined;
  const [order] = worker.hand.splice(at, 1);
  worker.cancelled.delete(attempt);
  if (worker.cancelled.size === 0) worker.killsAt = Number.POSITIVE_INFINITY;
  if (worker.hand.length === 0) freeWorker(worker, "asking");
  return order;
}

/** Why a worker whose time is over is killed. */
export function killReason({ phase, retiresUntil, cancelled }: WorkerState): string {
  if (retiresUntil !== undefined && cancelled.size === 0 && phase !== "leaving") {
    return phase === "running" ? "it was removed, and had not ended its tasks in time" : "it was removed";
  }
  if (phase === "starting") return "it did not ask for work in time";
  return phase === "leaving" ? "it did not end in time" : "its attempt went on after it was cancelled";
}

/** It gets no orders any more. */
export function isGoing(worker: WorkerState): boolean {
  return worker.phase === "leaving" || isOver(worker);
}

/** It has no process, and gets none. */
export function isOver({ phase }: WorkerState): boolean {
  return phase === "failed" || phase === "stopped";
}
