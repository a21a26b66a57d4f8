/**
 * What happens to an agent's queue, and what it asks for in return. Plain data.
 */
import { CancelledError, LucioleError, toWireError } from "../errors.ts";
import type { AgentEvent, TaskOrder } from "../schedule/attempts/order.ts";
import { type AttemptResult, NO_TOTALS } from "../schedule/report.ts";

export type QueueEvent =
  | { readonly kind: "start"; readonly firstWorker: number; readonly workers: number }
  | { readonly kind: "enqueued"; readonly orders: readonly TaskOrder[] }
  /** A worker wants an order, and tells how its last attempt ended. */
  | { readonly kind: "asked"; readonly worker: number; readonly ended?: EndedAttempt }
  /** One of the attempts that a worker was given ended, and it goes on with the next one. */
  | { readonly kind: "ended"; readonly worker: number; readonly ended: EndedAttempt }
  /** Attempts that a worker was given and has not begun: it works on one that takes long, or leaves. */
  | { readonly kind: "returned"; readonly worker: number; readonly attempts: readonly string[] }
  /** A worker leaves of its own will: its process is no longer sound. */
  | { readonly kind: "leaving"; readonly worker: number; readonly ended?: EndedAttempt }
  | { readonly kind: "cancelled"; readonly attempts: readonly string[] }
  | { readonly kind: "exited"; readonly worker: number; readonly cause: string }
  /** They get no more orders, and go when they have ended what they hold, or after this time at the latest. */
  | { readonly kind: "retired"; readonly workers: readonly number[]; readonly graceMs: number }
  | { readonly kind: "released"; readonly attempts: readonly string[] }
  | { readonly kind: "tick" }
  | { readonly kind: "end" };

export interface EndedAttempt {
  readonly attempt: string;
  readonly result: AttemptResult;
}

export type QueueCommand =
  | { readonly kind: "startWorker"; readonly worker: number }
  /** Answers the `next` request that the worker holds open. */
  | {
      readonly kind: "give";
      readonly worker: number;
      readonly order: TaskOrder;
      /** To be taken after it, one after the other. */
      readonly more?: readonly TaskOrder[];
    }
  | { readonly kind: "wait" | "stop"; readonly worker: number }
  | { readonly kind: "cancel"; readonly worker: number; readonly attempt: string }
  | { readonly kind: "kill"; readonly worker: number; readonly why: string }
  /** The attempt's files are whole; or they are to be deleted, and whoever follows them is told why. */
  | { readonly kind: "committed"; readonly attempt: string }
  | { readonly kind: "discarded"; readonly attempt: string; readonly cause: string }
  | { readonly kind: "emit"; readonly event: AgentEvent };

/** The end of an attempt that was cancelled and cannot tell so itself. */
export function cancelledEvent(attempt: string, how: string): AgentEvent {
  return failedEvent(attempt, new CancelledError(`Cannot run ${attempt}: it was cancelled ${how}`));
}

/** The end of an attempt whose worker was taken away: no fault of its own. */
export function drainedEvent(attempt: string, cause: string): AgentEvent {
  return { kind: "attemptLost", attempt, cause, isDrained: true };
}

/** The end of an attempt that no worker can be started for: the program does not load there. */
export function notStartedEvent(attempt: string, cause: string): AgentEvent {
  return failedEvent(attempt, new LucioleError("worker-start", cause));
}

function failedEvent(attempt: string, cause: LucioleError): AgentEvent {
  const { stack: _, ...error } = toWireError(cause);
  return { kind: "attemptEnded", attempt, result: { kind: "failed", error, totals: NO_TOTALS } };
}
