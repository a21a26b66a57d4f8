/**
 * The last events of an agent's queue, for the story that an error tells: kept as they came, put into words only then.
 */
import { InvariantError } from "../schedule/transitions.ts";
import type { QueueEvent } from "./queue_events.ts";

const KEPT = 40;
const MAX_NAMES = 5;

export class RecentEvents {
  readonly #events: QueueEvent[] = [];
  readonly #times: number[] = [];
  #next = 0;

  note(event: QueueEvent, now: number): void {
    this.#events[this.#next] = event;
    this.#times[this.#next] = now;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** The error with what happened before it, oldest first. */
  explain(error: unknown): Error {
    const message = error instanceof Error ? error.message : String(error);
    const explained = new InvariantError(`Cannot go on with the agent's queue: ${message}`, this.#story());
    explained.cause = error;
    return explained;
  }

  #story(): string[] {
    const order = [...this.#events.keys()].sort(
      (a, b) => ((a - this.#next + KEPT) % KEPT) - ((b - this.#next + KEPT) % KEPT),
    );
    return order.map((at) => `${this.#times[at]} ${describe(this.#events[at])}`);
  }
}

function describe(event: QueueEvent): string {
  switch (event.kind) {
    case "start":
      return `start ${event.workers} workers from ${event.firstWorker}`;
    case "enqueued":
      return `enqueued ${names(event.orders.map(({ attempt }) => attempt))}`;
    case "asked":
    case "leaving":
    case "ended": {
      const { ended } = event;
      const end = ended === undefined ? "" : `, ${ended.attempt} ${ended.result.kind}`;
      return `worker ${event.worker} ${event.kind}${end}`;
    }
    case "returned":
      return `worker ${event.worker} returned ${names(event.attempts)}`;
    case "exited":
      return `worker ${event.worker} exited: ${event.cause}`;
    case "cancelled":
    case "released":
      return `${event.kind} ${names(event.attempts)}`;
    case "retired":
      return `retired ${event.workers.join(" ")}`;
    case "tick":
    case "end":
      return event.kind;
  }
}

function names(attempts: readonly string[]): string {
  const more = attempts.length - MAX_NAMES;
  return attempts.slice(0, MAX_NAMES).join(" ") + (more > 0 ? ` and ${more} more` : "");
}
