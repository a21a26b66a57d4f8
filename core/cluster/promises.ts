/**
 * Slots that a master granted a moment ago, and that no heartbeat shows as taken yet.
 *
 * They only keep two drivers from being sent to the same slots: the agent alone decides.
 * A promise ends when its agent tells of the job or of its end, when the job asks anew, or with time.
 */
import type { AgentLoad } from "./agent_info.ts";
import type { Grant, Place } from "./placement.ts";

interface Promised {
  readonly job: string;
  readonly agent: string;
  readonly slots: number;
  readonly memoryBytes: number;
  readonly until: number;
}

/** Also of one that ended: else its promise would keep slots that are free, until its time is over. */
function isToldOf({ jobs, ended = [] }: AgentLoad, job: string): boolean {
  return ended.includes(job) || jobs.some((own) => own.job === job);
}

export class Promises {
  readonly #promiseMs: number;
  #all: Promised[] = [];
  /** Promises that ended, ever: what they kept may be free. */
  ended = 0;

  constructor(promiseMs: number) {
    this.#promiseMs = promiseMs;
  }

  make(job: string, grants: readonly Grant[], now: number): void {
    for (const { agent, workers, memoryBytes } of grants) {
      this.#all.push({ job, agent: agent.id, slots: workers, memoryBytes, until: now + this.#promiseMs });
    }
  }

  dropJob(job: string): void {
    this.#keep((promise) => promise.job !== job);
  }

  /** What an agent tells of counts by itself; one that is gone keeps no promise. */
  settle(agent: string, load?: AgentLoad): void {
    this.#keep((promise) => promise.agent !== agent || (load !== undefined && !isToldOf(load, promise.job)));
  }

  expire(now: number): void {
    this.#keep(({ until }) => until > now);
  }

  /** The places with what is left of them. */
  left(places: Iterable<Place>): readonly Place[] {
    if (this.#all.length === 0) return [...places];
    const taken = Map.groupBy(this.#all, ({ agent }) => agent);
    return Array.from(places, (place) => {
      const promised = taken.get(place.agent.id);
      if (promised === undefined) return place;
      let { freeSlots, freeMemoryBytes } = place.load;
      for (const { slots, memoryBytes } of promised) {
        freeSlots -= slots;
        freeMemoryBytes -= memoryBytes;
      }
      const load = { freeSlots: Math.max(0, freeSlots), freeMemoryBytes: Math.max(0, freeMemoryBytes) };
      return { agent: place.agent, load };
    });
  }

  slotsOf(agent: string): number {
    let slots = 0;
    for (const promise of this.#all) if (promise.agent === agent) slots += promise.slots;
    return slots;
  }

  /** Agents that promises are open of, for checks. */
  agents(): readonly string[] {
    return this.#all.map(({ agent }) => agent);
  }

  #keep(isOpen: (promise: Promised) => boolean): void {
    if (this.#all.length === 0) return;
    const open = this.#all.filter(isOpen);
    this.ended += this.#all.length - open.length;
    this.#all = open;
  }
}
