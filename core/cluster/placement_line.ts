/**
 * The line of jobs that wait for slots: who asked first is served first.
 *
 * A job that waits keeps the agents that it may use from those behind it, so that many
 * small jobs do not hold up a large one for ever; one that the whole cluster is too small
 * for keeps nothing. Sans-I/O: time comes as an argument. Knows nothing of requests.
 */
import type { Placement, PlacementRequest } from "./placement.ts";
import type { Registry } from "./registry.ts";

export interface Waiting {
  /** Of whoever asks: answers are told by it. */
  readonly ticket: number;
  readonly request: PlacementRequest;
  /** Without a place by then it is told so. */
  readonly until: number;
}

export interface Served {
  readonly ticket: number;
  readonly placement: Placement;
}

interface Waiter extends Waiting {
  /** When its job asked first. */
  readonly since: number;
}

/** Agents that jobs further ahead wait for, with how many of these. */
type Kept = Map<string, number>;

/** A job that asks again within this time has its place in the line back. */
const REMEMBER_MS = 5_000;

export class PlacementLine {
  readonly #registry: Registry;
  /** In the order in which they are served. */
  #waiters: Waiter[] = [];
  /** Jobs that were told to ask again. */
  readonly #remembered = new Map<string, { readonly since: number; readonly until: number }>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  get length(): number {
    return this.#waiters.length;
  }

  /** Its answer comes of the next `serve`, or of a later one. */
  join(waiting: Waiting, now: number): void {
    const { job } = waiting.request;
    // At once, and not when its turn has come: those before it may have use for it.
    this.#registry.dropPromises(job);
    const since = this.#remembered.get(job)?.since ?? now;
    this.#remembered.delete(job);
    const behind = this.#waiters.findIndex((waiter) => waiter.since > since);
    this.#waiters.splice(behind < 0 ? this.#waiters.length : behind, 0, { ...waiting, since });
  }

  /** Whoever asked has gone; gives what he would be told. */
  leave(ticket: number): readonly Served[] {
    const leaving = this.#waiters.filter((waiter) => waiter.ticket === ticket);
    this.#waiters = this.#waiters.filter((waiter) => waiter.ticket !== ticket);
    return leaving.map((waiter) => this.#away(waiter));
  }

  /** Answers those that have a place now, and those whose time is over. */
  serve(now: number): readonly Served[] {
    const served: Served[] = [];
    const waiting: Waiter[] = [];
    const kept: Kept = new Map();
    for (const waiter of this.#waiters) {
      const placement = this.#place(waiter.request, kept, now);
      const isServed = placement.grants.length > 0;
      if (isServed || waiter.until <= now) served.push({ ticket: waiter.ticket, placement });
      else waiting.push(waiter);
      if (isServed) continue;
      if (waiter.until <= now) this.#remember(waiter, now);
      else if (isPossible(waiter.request, placement)) this.#keep(waiter.request, kept);
    }
    this.#waiters = waiting;
    for (const [job, { until }] of this.#remembered) if (until <= now) this.#remembered.delete(job);
    return served;
  }

  /** Answers all that wait: there is no place here any more. */
  end(): readonly Served[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    return waiters.map((waiter) => this.#away(waiter));
  }

  /** When `serve` will answer somebody though nothing changed; Infinity when nobody waits. */
  nextDeadline(): number {
    let deadline = Number.POSITIVE_INFINITY;
    for (const { until } of this.#waiters) deadline = Math.min(deadline, until);
    return deadline;
  }

  #away({ ticket, request }: Waiter): Served {
    const room = this.#registry.roomFor(request);
    return { ticket, placement: { grants: [], missing: request.workers, room } };
  }

  #place(request: PlacementRequest, kept: Kept, now: number): Placement {
    if (kept.size === 0) return this.#registry.place(request, now);
    const own = this.#registry.suitable(request);
    const exclude = own.filter((agent) => kept.has(agent));
    if (exclude.length < own.length) {
      const all = [...(request.exclude ?? []), ...exclude];
      const placement = this.#registry.place({ ...request, exclude: all }, now);
      if (placement.grants.length > 0) return placement;
    }
    const room = this.#registry.roomFor(request);
    const ahead = Math.max(0, ...exclude.map((agent) => kept.get(agent) ?? 0));
    return { grants: [], missing: request.workers, room, ...(ahead === 0 ? {} : { ahead }) };
  }

  #keep(request: PlacementRequest, kept: Kept): void {
    for (const agent of this.#registry.suitable(request)) kept.set(agent, (kept.get(agent) ?? 0) + 1);
  }

  #remember({ request, since }: Waiter, now: number): void {
    this.#remembered.set(request.job, { since, until: now + REMEMBER_MS });
  }
}

/** Whether time alone may help. */
function isPossible({ leastWorkers = 1 }: PlacementRequest, { room }: Placement): boolean {
  return room.total >= leastWorkers;
}
