/**
 * A simulated master: the production registry and line of waiting jobs, gone with its process.
 */
import type { AgentView, Heartbeat } from "../../core/cluster/agent_info.ts";
import type { Placement, PlacementRequest } from "../../core/cluster/placement.ts";
import { PlacementLine } from "../../core/cluster/placement_line.ts";
import { Registry } from "../../core/cluster/registry.ts";
import type { Process } from "./network.ts";
import type { Timeline } from "./timeline.ts";

const LOST_MS = 10_000;

export class MasterNode implements Process {
  readonly name: string;
  isUp = true;
  life = 1;
  readonly #timeline: Timeline;
  #registry = new Registry({ lostMs: LOST_MS });
  #line = new PlacementLine(this.#registry);
  readonly #answers = new Map<number, (placement: Placement) => void>();
  #tickets = 0;

  constructor(name: string, timeline: Timeline) {
    this.name = name;
    this.#timeline = timeline;
  }

  /** As it sees them. */
  get agents(): readonly AgentView[] {
    return this.#registry.agents(this.#timeline.now);
  }

  /** Jobs that wait for room. */
  get waiting(): number {
    return this.#line.length;
  }

  hear(heartbeat: Heartbeat): void {
    this.#registry.apply({ kind: "heartbeat", heartbeat }, this.#timeline.now);
    this.#registry.check();
    if (this.#line.length > 0) this.#serve();
  }

  place(request: PlacementRequest, waitMs: number, answer: (placement: Placement) => void): void {
    const { now } = this.#timeline;
    const ticket = this.#tickets;
    this.#tickets += 1;
    this.#answers.set(ticket, answer);
    this.#line.join({ ticket, request, until: now + waitMs }, now);
    this.#serve();
    if (this.#line.length > 0) this.#serveLater(waitMs);
  }

  crash(): void {
    this.isUp = false;
    this.life += 1;
    this.#answers.clear();
    this.#registry = new Registry({ lostMs: LOST_MS });
    this.#line = new PlacementLine(this.#registry);
  }

  restart(): void {
    this.isUp = true;
    this.life += 1;
  }

  #serveLater(ms: number): void {
    const { life } = this;
    this.#timeline.after(ms + 1, () => {
      if (this.life === life) this.#serve();
    });
  }

  #serve(): void {
    const { now } = this.#timeline;
    this.#registry.apply({ kind: "tick" }, now);
    for (const { ticket, placement } of this.#line.serve(now)) {
      this.#answers.get(ticket)?.(placement);
      this.#answers.delete(ticket);
    }
    this.#registry.check();
  }
}
