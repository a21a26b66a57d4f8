/**
 * How a simulated driver gets its workers: asks masters until one has room, and has the agents start them, all of them
 * or none, as net/driver/cluster/seats.ts, job_seats.ts and cluster_fleet.ts do.
 */
import type { AgentInfo } from "../../core/cluster/agent_info.ts";
import type { Grant, Placement } from "../../core/cluster/placement.ts";
import { GIB } from "../core/cluster/agents.ts";
import type { AgentLine } from "./agent_line.ts";
import type { MasterNode } from "./master_node.ts";
import type { Process } from "./network.ts";
import type { AgentPort } from "./ports.ts";
import type { World } from "./world.ts";

const WAIT_MS = 20_000;
const AGAIN_MS = 1_000;
const LEASE_MS = 30_000;

export interface SeatsOptions {
  readonly job: string;
  readonly driver: Process;
  readonly masters: readonly MasterNode[];
  readonly isSkewed: boolean;
  /** Agents that the job has, and whose workers it counts on. */
  readonly lines: ReadonlyMap<string, AgentLine>;
  readonly nextPeers: () => number;
}

/** Workers that are wanted. */
export interface Wish {
  readonly workers: number;
  /** Fewer are of no use. */
  readonly least: number;
  /** Waits for room until then; without it there must be some now. */
  readonly until?: number;
  /** Numbers for them: the first of so many. */
  readonly reserve: () => number;
  /** Those will not come. */
  readonly giveUp: (first: number, count: number) => void;
  readonly onTaken: (grants: readonly Grant[], first: number) => void;
  readonly onRefused: () => void;
}

export class Seats {
  readonly #options: SeatsOptions;
  readonly #world: World;
  /** Agents that have started workers. */
  readonly #taken = new Set<string>();
  #asked = 0;
  #isClosed = false;

  constructor(options: SeatsOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  take(wish: Wish, refused: readonly string[] = []): void {
    const { driver, job, masters } = this.#options;
    if (!driver.isUp || this.#isClosed) return;
    if (wish.until !== undefined && this.#world.timeline.now > wish.until) {
      wish.onRefused();
      return;
    }
    const master = masters[this.#asked % masters.length];
    this.#asked += 1;
    const { workers, least: leastWorkers } = wish;
    const request = { job, workers, leastWorkers, memoryBytes: GIB, exclude: refused };
    const waitMs = wish.until === undefined ? 250 : WAIT_MS;
    this.#world.network.call<Placement>({
      from: driver,
      to: master,
      handle: (answer) => master.place(request, waitMs, answer),
      onAnswer: ({ grants }) => {
        if (grants.length > 0) this.#start(wish, grants, refused);
        else this.#again(wish);
      },
      onBroken: () => this.#again(wish),
    });
  }

  /** Ends the job where it was started; an agent that cannot be told ends it by itself. */
  end(onEnded: () => void): void {
    this.#isClosed = true;
    this.#endOn([...this.#taken], onEnded);
  }

  #again(wish: Wish): void {
    if (wish.until === undefined) wish.onRefused();
    else this.#world.timeline.after(AGAIN_MS, () => this.take(wish));
  }

  #start(wish: Wish, grants: readonly Grant[], before: readonly string[]): void {
    const { lines } = this.#options;
    const first = wish.reserve();
    const old = new Set(grants.flatMap(({ agent: { id } }) => (lines.has(id) ? [id] : [])));
    const refused: string[] = [];
    const over = (): void => {
      const isTaken = refused.length === 0 && !this.#isClosed;
      const count = isTaken ? grants.reduce((sum, { workers }) => sum + workers, 0) : 0;
      wish.giveUp(first + count, wish.workers - count);
      if (isTaken) this.#welcome(wish, grants, first);
      else this.#giveBack(grants, first, old, () => this.take(wish, [...before, ...refused]));
    };
    let firstWorker = first;
    const heard = countdown(grants.length, over);
    for (const { agent, workers } of grants) {
      const number = firstWorker;
      firstWorker += workers;
      this.#startOn(agent, number, workers, grants, (isStarted) => {
        if (!isStarted) refused.push(agent.id);
        heard();
      });
    }
  }

  /** What an agent may have of a start that was given up, or of before the job lost it, is ended before. */
  #startOn(
    agent: AgentInfo,
    firstWorker: number,
    workers: number,
    grants: readonly Grant[],
    onHeard: (isStarted: boolean) => void,
  ): void {
    const { job, isSkewed, lines } = this.#options;
    const peers = [...this.#taken, ...grants.map(({ agent }) => agent.id)];
    const order = {
      job,
      firstWorker,
      workers,
      leaseMs: LEASE_MS,
      isSkewed,
      peers,
      isMore: lines.has(agent.id),
    };
    const start = (): void =>
      this.#call<"ok" | "refused">(
        agent.id,
        (to, answer) => answer(to.start(order)),
        (answer) => onHeard(answer === "ok"),
        () => onHeard(false),
      );
    if (lines.has(agent.id) || this.#taken.size === 0) start();
    else
      this.#call<true>(
        agent.id,
        (to, answer) => to.end(job, () => answer(true)),
        start,
        () => onHeard(false),
      );
  }

  /** The other agents are told where those are that have come. */
  #welcome(wish: Wish, grants: readonly Grant[], first: number): void {
    const { lines } = this.#options;
    for (const { agent } of grants) this.#taken.add(agent.id);
    const told = new Set(grants.map(({ agent }) => agent.id));
    const peers = [...lines.keys(), ...told];
    const version = this.#options.nextPeers();
    for (const line of lines.values()) line.queue((part) => part.setPeers(peers, version));
    wish.onTaken(grants, first);
  }

  /** Those that did start, where others did not. */
  #giveBack(grants: readonly Grant[], first: number, old: ReadonlySet<string>, onOver: () => void): void {
    const { job } = this.#options;
    let next = first;
    const heard = countdown(grants.length, onOver);
    for (const { agent, workers: count } of grants) {
      const workers = Array.from({ length: count }, (_, i) => next + i);
      next += count;
      if (!old.has(agent.id)) this.#endOn([agent.id], heard);
      else {
        const retire = (to: AgentPort, answer: (value: true) => void): void => {
          to.forDriver(job)?.apply({ kind: "retired", workers, graceMs: 0 });
          answer(true);
        };
        this.#call<true>(agent.id, retire, heard, heard);
      }
    }
  }

  #endOn(agents: readonly string[], onEnded: () => void): void {
    const { job } = this.#options;
    if (agents.length === 0) onEnded();
    const heard = countdown(agents.length, onEnded);
    for (const id of agents)
      this.#call<true>(id, (to, answer) => to.end(job, () => answer(true)), heard, heard);
  }

  #call<Answer>(
    id: string,
    handle: (to: AgentPort, answer: (value: Answer) => void) => void,
    onAnswer: (value: Answer) => void,
    onBroken: () => void,
  ): void {
    const to = this.#world.agents.get(id);
    if (to === undefined) throw new Error(`${id} was granted and never was`);
    const { driver: from } = this.#options;
    this.#world.network.call<Answer>({
      from,
      to,
      handle: (answer) => handle(to, answer),
      onAnswer,
      onBroken,
    });
  }
}

/** Calls back when it was called so many times. */
function countdown(count: number, onOver: () => void): () => void {
  let missing = count;
  return () => {
    missing -= 1;
    if (missing === 0) onOver();
  };
}
