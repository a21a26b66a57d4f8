/**
 * What a simulated driver hears from its agents of attempts: each ends once; and now and then the same comes of the
 * wrong agent, or twice.
 */

import type { AgentEvent } from "../../core/schedule/attempts/order.ts";
import type { AttemptEvent, JobEvent } from "../../core/schedule/job_state.ts";
import { NO_TOTALS } from "../../core/schedule/report.ts";
import type { Random } from "./random.ts";
import { wireError } from "./world.ts";

/** Of the error of what comes of a wrong agent: nobody may fail with it. */
export const STRANGE = "told by an agent that does not run it";

export interface HearingOptions {
  readonly slips: Random | undefined;
  readonly agents: () => Iterable<string>;
  readonly feed: (event: JobEvent) => void;
  readonly later: (ms: number, act: () => void) => void;
}

export class Hearing {
  readonly #options: HearingOptions;
  readonly #ends = new Set<string>();

  constructor(options: HearingOptions) {
    this.#options = options;
  }

  /** Lost: what it was ordered may be performed once more when it is there again, for nobody. */
  dropAgent(agent: string): void {
    for (const end of this.#ends) if (end.startsWith(`${agent} `)) this.#ends.delete(end);
  }

  /** What the scheduler is told of an event; undefined when it is not about an attempt. */
  take(agent: string, event: AgentEvent): readonly JobEvent[] | undefined {
    switch (event.kind) {
      case "attemptEnded":
      case "attemptLost":
        this.#note(`${agent} ${event.attempt}`);
        return this.#slip({ ...event, agent });
      case "attemptStarted":
      case "attemptProgress":
        return this.#slip({ ...event, agent });
      default:
        return undefined;
    }
  }

  /** The same may come of another agent before, which counts for nothing, and once more later. */
  #slip(event: AttemptEvent): readonly JobEvent[] {
    const { slips, agents, later, feed } = this.#options;
    if (slips === undefined || !slips.chance(8)) return [event];
    if (slips.chance(2)) later(slips.below(100), () => feed(event));
    const others = [...agents(), "a-stranger"].filter((id) => id !== event.agent);
    const result = { kind: "failed", error: wireError("plan", STRANGE), totals: NO_TOTALS } as const;
    return [{ kind: "attemptEnded", attempt: event.attempt, result, agent: slips.pick(others) }, event];
  }

  /** Each attempt ends once, as far as its agent tells. */
  #note(end: string): void {
    if (this.#ends.has(end)) throw new Error(`${end} is told to have ended twice`);
    this.#ends.add(end);
  }
}
