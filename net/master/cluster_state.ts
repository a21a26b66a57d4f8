/**
 * The state of a running master: the registry and the line of waiting jobs, with a clock.
 *
 * Owns one timer for all deadlines. Knows nothing of HTTP.
 */
import type { AgentView, ClusterJob, Heartbeat } from "../../core/cluster/agent_info.ts";
import type { Placement, PlacementRequest } from "../../core/cluster/placement.ts";
import { PlacementLine } from "../../core/cluster/placement_line.ts";
import { Registry, type RegistryChange, type RegistryEvent } from "../../core/cluster/registry.ts";
import { NotEnoughResourcesError } from "../../core/errors.ts";
import { describeChange } from "./notices.ts";

export interface ClusterStateOptions {
  /** An agent is lost when nothing was heard of it for this long. */
  readonly lostMs: number;
  readonly onNotice: (text: string) => void;
  /** A clock in milliseconds that never goes back. */
  readonly clock: () => number;
}

export interface WaitOptions {
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Many heartbeats that come together move the line once. */
const SERVE_MS = 20;
const STOOD_STILL_MS = 3_000;
const MAX_WAITING = 2_000;

export class ClusterState {
  readonly #options: ClusterStateOptions;
  readonly #registry: Registry;
  readonly #line: PlacementLine;
  readonly #answers = new Map<number, (placement: Placement) => void>();
  #nextTicket = 0;
  /** Of the registry, when the line was served last. */
  #servedGains = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(options: ClusterStateOptions) {
    this.#options = options;
    this.#registry = new Registry({ lostMs: options.lostMs });
    this.#line = new PlacementLine(this.#registry);
  }

  /** @throws {LucioleError} When the heartbeat is refused. */
  hear(heartbeat: Heartbeat): void {
    const now = this.#options.clock();
    const changes = this.#apply({ kind: "heartbeat", heartbeat }, now);
    const isOther = changes.length > 0 || this.#registry.gains > this.#servedGains;
    if (isOther && this.#line.length > 0) this.#arm(now + SERVE_MS);
    this.#armNext();
    const refused = changes.find((change) => change.kind === "refused");
    if (refused !== undefined) throw refused.error;
  }

  /** Resolves when there is a place, or without one after `waitMs`, or when the signal is aborted. */
  place(request: PlacementRequest, { waitMs, signal }: WaitOptions): Promise<Placement> {
    if (this.#answers.size >= MAX_WAITING) {
      throw new NotEnoughResourcesError(`Cannot place workers: ${MAX_WAITING} jobs wait already`);
    }
    const { promise, resolve } = Promise.withResolvers<Placement>();
    const ticket = this.#nextTicket++;
    const onAbort = (): void => {
      this.#answer(this.#line.leave(ticket));
      // Those behind it may have waited for it.
      this.#serve();
    };
    this.#answers.set(ticket, (placement) => {
      signal.removeEventListener("abort", onAbort);
      resolve(placement);
    });
    const now = this.#options.clock();
    this.#line.join({ ticket, request, until: now + waitMs }, now);
    signal.addEventListener("abort", onAbort);
    if (this.#isClosed || signal.aborted) this.#answer(this.#line.leave(ticket));
    else this.#serve();
    return promise;
  }

  agents(): readonly AgentView[] {
    const now = this.#options.clock();
    this.#apply({ kind: "tick" }, now);
    return this.#registry.agents(now);
  }

  jobs(): readonly ClusterJob[] {
    return this.#registry.jobs(this.#options.clock());
  }

  get aliveAgents(): number {
    return this.#registry.aliveAgents;
  }

  /** Jobs that wait are told that there is no place: they may ask another master. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#answer(this.#line.end());
  }

  #serve(): void {
    const now = this.#options.clock();
    this.#apply({ kind: "tick" }, now);
    this.#servedGains = this.#registry.gains;
    this.#answer(this.#line.serve(now));
    this.#armNext();
  }

  #answer(served: ReturnType<PlacementLine["serve"]>): void {
    for (const { ticket, placement } of served) {
      this.#answers.get(ticket)?.(placement);
      this.#answers.delete(ticket);
    }
  }

  #apply(event: RegistryEvent, now: number): readonly RegistryChange[] {
    const changes = [...this.#registry.apply({ kind: "stoodStill", ms: this.#stoodStillMs(now) }, now)];
    changes.push(...this.#registry.apply(event, now));
    for (const change of changes) {
      const text = describeChange(change);
      if (text !== undefined) this.#options.onNotice(text);
    }
    return changes;
  }

  /** How long the process stood still, as the timer is never so late otherwise, and some time to hear agents again. */
  #stoodStillMs(now: number): number {
    const lateMs = now - this.#registry.nextDeadline();
    return lateMs > STOOD_STILL_MS ? lateMs + this.#options.lostMs / 2 : 0;
  }

  #armNext(): void {
    const deadline = this.#line.length === 0 ? Number.POSITIVE_INFINITY : this.#line.nextDeadline();
    this.#arm(Math.min(deadline, this.#registry.nextDeadline()));
  }

  /** It may fire early, and then only sets itself anew. */
  #arm(deadline: number): void {
    if (deadline >= this.#timerAt || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    const onTime = (): void => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#serve();
    };
    this.#timer = setTimeout(onTime, Math.max(0, deadline - this.#options.clock()) + 1);
  }
}
