/**
 * Sorts what an agent tells: events of attempts go to the scheduler, as many as come together in one turn; all
 * others to whoever they are for, in their order.
 */

import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import type { JobEvent } from "../../../core/schedule/job_state.ts";
import { guarded } from "../guarded.ts";

type AttemptEvent = Extract<AgentEvent, { readonly kind: `attempt${string}` }>;
/** What is not about an attempt. */
export type OtherAgentEvent = Exclude<AgentEvent, AttemptEvent>;

export interface AgentEventTaker {
  /** Events of attempts, in one turn. */
  feed(events: readonly JobEvent[]): void;
  /** @returns Resolves when what comes after it may be told, if not at once. */
  tell(event: OtherAgentEvent): Promise<void> | undefined;
}

/** @returns Resolves when all have been told; undefined when they have. */
export function takeAgentEvents(
  agent: string,
  events: readonly AgentEvent[],
  taker: AgentEventTaker,
): Promise<void> | undefined {
  let ofAttempts: JobEvent[] = [];
  const flush = (): void => {
    const turn = ofAttempts;
    ofAttempts = [];
    guarded(() => taker.feed(turn));
  };
  for (const [i, event] of events.entries()) {
    if (isOfAttempt(event)) {
      ofAttempts.push({ ...event, agent });
      continue;
    }
    flush();
    let wait: Promise<void> | undefined;
    guarded(() => {
      wait = taker.tell(event);
    });
    if (wait !== undefined) return wait.then(() => takeAgentEvents(agent, events.slice(i + 1), taker));
  }
  flush();
  return undefined;
}

function isOfAttempt(event: AgentEvent): event is AttemptEvent {
  return event.kind.startsWith("attempt");
}
