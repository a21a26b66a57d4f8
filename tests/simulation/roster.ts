/**
 * The agents of a simulated job and its workers there, as its driver knows them: connections, who is to stay, and the
 * messages on their way, as net/driver/executor/executor.ts and message_carrier.ts have them.
 */
import type { AgentInfo } from "../../core/cluster/agent_info.ts";
import type { Grant } from "../../core/cluster/placement.ts";
import type { AgentEvent } from "../../core/schedule/attempts/order.ts";
import type { JobEvent } from "../../core/schedule/job_state.ts";
import { AgentLine } from "./agent_line.ts";
import { Crew } from "./crew.ts";
import type { Process } from "./network.ts";
import type { World } from "./world.ts";

const CARRY_AGAIN_MS = 200;

export interface RosterOptions {
  readonly job: string;
  readonly driver: Process & { feed(event: JobEvent): void };
  readonly onEvents: (agent: string, events: readonly AgentEvent[]) => void;
  readonly onLost: (agent: string, cause: string) => void;
}

export class Roster {
  readonly lines = new Map<string, AgentLine>();
  readonly crew: Crew;
  readonly #options: RosterOptions;
  readonly #world: World;
  /** Agents to whose workers messages are on their way. */
  readonly #carrying = new Set<string>();
  #isClosing = false;
  #peersVersion = 0;

  constructor(options: RosterOptions, world: World) {
    this.#options = options;
    this.#world = world;
    this.crew = new Crew({
      now: () => world.timeline.now,
      onMail: (agent) => this.#carry(agent),
      onEpoch: (epoch, workers) => options.driver.feed({ kind: "epochBegan", epoch, workers }),
    });
  }

  /** Numbers of all workers that are to stay. */
  get workers(): readonly number[] {
    return this.crew.workers.map(({ worker }) => worker);
  }

  /** The version of what agents are told next of each other. */
  nextPeers(): number {
    return ++this.#peersVersion;
  }

  /** Takes workers that were started for this job, on agents that are new or that it has. */
  add(grants: readonly Grant[], first: number): void {
    for (const { agent } of grants) if (!this.lines.has(agent.id)) this.#connect(agent);
    let worker = first;
    const infos = grants.flatMap(({ agent: { id }, workers }) =>
      Array.from({ length: workers }, () => ({ worker: worker++, agent: id, host: id })),
    );
    this.crew.add(infos);
    for (const { agent } of grants) {
      if (this.lines.has(agent.id)) this.#seat(agent.id);
      else this.crew.lose(agent.id);
    }
  }

  /** Workers get no more tasks, end those that they hold, and go. */
  shrink(workers: readonly number[], graceMs: number): void {
    const leaving = this.crew.workers.filter(({ worker }) => workers.includes(worker));
    this.crew.leave(workers);
    for (const [agent, own] of Map.groupBy(leaving, ({ agent }) => agent)) {
      this.#seat(agent);
      const numbers = own.map(({ worker }) => worker);
      this.lines.get(agent)?.queue((part) => part.apply({ kind: "retired", workers: numbers, graceMs }));
    }
  }

  /** What is told of a worker. One that cannot be started is not counted on, where there are others. */
  hear(agent: string, event: AgentEvent): void {
    this.crew.hear(agent, event);
    const isFinal = event.kind === "workerExited" && event.isFinal === true;
    if (isFinal && this.lines.has(agent) && this.crew.on(agent).length > 0) this.#seat(agent);
  }

  /** The agent is gone: what is asked of it is lost with it. */
  drop(agent: string): void {
    this.lines.get(agent)?.leave();
    this.lines.delete(agent);
    const version = this.nextPeers();
    for (const line of this.lines.values()) line.queue((part) => part.dropPeer(agent, version));
  }

  close(): void {
    this.#isClosing = true;
    for (const line of this.lines.values()) line.leave();
  }

  /** The scheduler gives tasks to the workers that are to stay. */
  #seat(agent: string): void {
    const workers = this.crew.on(agent);
    this.#options.driver.feed({ kind: "agentJoined", agent, slots: workers.length, workers });
  }

  /** Carries messages to the workers of an agent, one request at a time. */
  #carry(agent: string): void {
    const line = this.lines.get(agent);
    if (line === undefined || this.#carrying.has(agent) || this.#isClosing) return;
    const delivery = this.crew.take(agent);
    if (delivery.length === 0) return;
    this.#carrying.add(agent);
    const over = (): void => {
      this.#carrying.delete(agent);
      this.#carry(agent);
    };
    line.send(
      (part) => part.deliver(delivery),
      over,
      () => {
        this.crew.broken(agent);
        const { driver } = this.#options;
        const { life } = driver;
        this.#world.timeline.after(CARRY_AGAIN_MS, () => {
          if (driver.isUp && driver.life === life) over();
        });
      },
    );
  }

  #connect({ id }: AgentInfo): void {
    const node = this.#world.agents.get(id);
    if (node === undefined) throw new Error(`${id} was granted and never was`);
    const { job, driver, onEvents, onLost } = this.#options;
    const line: AgentLine = new AgentLine(
      {
        job,
        driver,
        agent: node,
        onEvents: (events) => onEvents(id, events),
        onLost: (cause) => {
          if (!this.#isClosing && this.lines.get(id) === line) onLost(id, cause);
        },
      },
      this.#world,
    );
    this.lines.set(id, line);
  }
}
