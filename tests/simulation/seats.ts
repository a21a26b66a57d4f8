/**
 * How a simulated driver gets its workers: asks masters until one has room, and has the agents start them, all of them
 * or none, as net/driver/seats.ts does.
 */
import type { Grant, Placement } from "../../core/cluster/placement.ts";
import { GIB } from "../core/cluster/agents.ts";
import type { MasterNode } from "./master_node.ts";
import type { Process } from "./network.ts";
import type { World } from "./world.ts";

const WAIT_MS = 20_000;
const AGAIN_MS = 1_000;
const GIVES_UP_MS = 120_000;
const LEASE_MS = 30_000;

export interface SeatsOptions {
  readonly job: string;
  readonly driver: Process;
  readonly workers: number;
  readonly masters: readonly MasterNode[];
  readonly isSkewed: boolean;
  readonly onTaken: (grants: readonly Grant[]) => void;
  readonly onGivenUp: () => void;
}

export class Seats {
  readonly #options: SeatsOptions;
  readonly #world: World;
  readonly #begunAt: number;
  #asked = 0;
  #refused: string[] = [];

  constructor(options: SeatsOptions, world: World) {
    this.#options = options;
    this.#world = world;
    this.#begunAt = world.timeline.now;
  }

  take(): void {
    const { driver, job, masters, workers, onGivenUp } = this.#options;
    if (!driver.isUp) return;
    if (this.#world.timeline.now - this.#begunAt > GIVES_UP_MS) {
      onGivenUp();
      return;
    }
    const master = masters[this.#asked % masters.length];
    this.#asked += 1;
    const request = { job, workers, leastWorkers: 1, memoryBytes: GIB, exclude: this.#refused };
    this.#world.network.call<Placement>({
      from: driver,
      to: master,
      handle: (answer) => master.place(request, WAIT_MS, answer),
      onAnswer: ({ grants }) => {
        if (grants.length > 0) this.#start(grants);
        else this.#again();
      },
      onBroken: () => this.#again(),
    });
  }

  #again(): void {
    this.#refused = [];
    this.#world.timeline.after(AGAIN_MS, () => this.take());
  }

  #start(grants: readonly Grant[]): void {
    let missing = grants.length;
    const refused: string[] = [];
    let firstWorker = 0;
    const heard = (agent: string, isStarted: boolean): void => {
      missing -= 1;
      if (!isStarted) refused.push(agent);
      if (missing > 0) return;
      if (refused.length === 0) this.#options.onTaken(grants);
      else this.end(grants, () => this.#passOver(refused));
    };
    for (const { agent, workers } of grants) {
      this.#startOn(agent.id, firstWorker, workers, (isStarted) => heard(agent.id, isStarted));
      firstWorker += workers;
    }
  }

  #startOn(id: string, firstWorker: number, workers: number, onHeard: (isStarted: boolean) => void): void {
    const { driver, job, isSkewed } = this.#options;
    const to = this.#world.agents.get(id);
    if (to === undefined) throw new Error(`${id} was granted and never was`);
    this.#world.network.call<"ok" | "refused">({
      from: driver,
      to,
      handle: (answer) => answer(to.start({ job, firstWorker, workers, leaseMs: LEASE_MS, isSkewed })),
      onAnswer: (answer) => onHeard(answer === "ok"),
      onBroken: () => onHeard(false),
    });
  }

  #passOver(refused: readonly string[]): void {
    this.#refused.push(...refused);
    this.take();
  }

  /** Ends the job where it was started; an agent that cannot be told ends it by itself. */
  end(grants: readonly Grant[], onEnded: () => void): void {
    const { driver, job } = this.#options;
    let missing = grants.length;
    const done = (): void => {
      missing -= 1;
      if (missing === 0) onEnded();
    };
    for (const { agent } of grants) {
      const to = this.#world.agents.get(agent.id);
      if (to === undefined) continue;
      this.#world.network.call<true>({
        from: driver,
        to,
        handle: (answer) => to.end(job, () => answer(true)),
        onAnswer: done,
        onBroken: done,
      });
    }
  }
}
