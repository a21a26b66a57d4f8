/**
 * A simulated driver: runs executions by the production scheduler on the workers that it was given, and tells what
 * becomes of them, as net/driver/executor/executor.ts and driver_job.ts do.
 */
import type { Grant } from "../../core/cluster/placement.ts";
import type { WireError } from "../../core/errors.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import type { AgentEvent } from "../../core/schedule/attempts/order.ts";
import { backlogOf } from "../../core/schedule/backlog.ts";
import { applyAll, check, needsTicks } from "../../core/schedule/job_scheduler.ts";
import { createJobState, type JobEvent, type JobState } from "../../core/schedule/job_state.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import type { AgentLine } from "./agent_line.ts";
import { Collection } from "./collection.ts";
import { Commands } from "./commands.ts";
import { Copier } from "./copier.ts";
import type { Copies } from "./copies.ts";
import type { Crew } from "./crew.ts";
import { Executions, type SubmitOptions } from "./executions.ts";
import { Hearing } from "./hearing.ts";
import { Launches } from "./launches.ts";
import type { MasterNode } from "./master_node.ts";
import type { Process } from "./network.ts";
import { Outputs } from "./outputs.ts";
import type { Random } from "./random.ts";
import { Roster } from "./roster.ts";
import type { Content, Shards } from "./rows.ts";
import { Scaling } from "./scaling.ts";
import { Seats } from "./seats.ts";
import type { World } from "./world.ts";

const TICK_MS = 200;
const BACKOFF_MS = 250;
export interface DriverOptions {
  readonly job: string;
  readonly masters: readonly MasterNode[];
  readonly speculates: boolean;
  readonly isSkewed: boolean;
  /** Takes others in the place of workers that were lost. */
  readonly replacesLost: boolean;
  /** Its checkpoint. */
  readonly copies: Copies | undefined;
  /** Has news come from the wrong agents or twice, and publications fail. */
  readonly slips: Random | undefined;
  /** Told of each execution that has ended. */
  readonly onEnded: (execution: string, outcome: ExecutionOutcome) => void;
}

export class DriverNode implements Process {
  readonly name: string;
  isUp = true;
  life = 1;
  readonly state: JobState;
  readonly seats: Seats;
  readonly scaling: Scaling;
  readonly #options: DriverOptions;
  readonly #world: World;
  readonly #roster: Roster;
  readonly #outputs: Outputs;
  readonly #launches: Launches;
  readonly #hearing: Hearing;
  readonly #executions: Executions;
  readonly #commands: Commands;
  /** Others are looked for in the place of lost workers. */
  #isAwaitingAgents = false;
  #isTicking = false;
  #isClosing = false;

  constructor(options: DriverOptions, world: World) {
    const { job, copies, slips, speculates, isSkewed, masters, replacesLost } = options;
    this.name = `driver-${job}`;
    this.#options = options;
    this.#world = world;
    this.state = createJobState({
      job,
      memoryBytesPerWorker: 1,
      maxAttempts: 4,
      maxLosses: 5,
      seed: 1,
      backoffMs: BACKOFF_MS,
      speculates,
      ...(isSkewed ? { minShareBytes: 1 } : {}),
    });
    const { state } = this;
    const feed = (event: JobEvent): void => this.feed(event);
    const later = (ms: number, act: () => void): void => this.#later(ms, act);
    this.#outputs = new Outputs({ job, state, slips, feed, later }, world);
    this.#roster = new Roster(
      {
        job,
        driver: this,
        onEvents: (agent, events) => this.#hear(agent, events),
        onLost: (agent, cause) => this.#lose(agent, cause),
      },
      world,
    );
    const { lines } = this.#roster;
    this.seats = new Seats(
      { job, driver: this, masters, isSkewed, lines, nextPeers: () => this.#roster.nextPeers() },
      world,
    );
    this.scaling = new Scaling(
      {
        driver: this,
        roster: this.#roster,
        seats: this.seats,
        replacesLost,
        load: () => this.#load(),
        onReplaced: () => this.#awaitNoAgents(),
      },
      world,
    );
    this.#hearing = new Hearing({ slips, feed, later, agents: () => lines.keys() });
    this.#launches = new Launches({
      lines,
      onLost: (agent, attempt) =>
        this.feed({ kind: "attemptLost", agent, attempt, cause: "the job is unknown there" }),
    });
    this.#executions = new Executions(
      {
        job,
        state,
        driver: this,
        outputs: this.#outputs,
        launches: this.#launches,
        copies,
        mayGrow: () => this.scaling.mayGrow,
        isAlone: () => this.workers.length === 0 && !this.#isAwaitingAgents,
        onEnded: options.onEnded,
      },
      world,
    );
    this.#commands = new Commands(
      {
        job,
        lines,
        launches: this.#launches,
        outputs: this.#outputs,
        copier: copies && new Copier({ job, copies, driver: this }, world),
        onEnded: (id, outcome) => this.#executions.end(id, outcome),
      },
      world,
    );
  }

  /** Begins with the workers that it was granted. */
  open(grants: readonly Grant[]): void {
    this.#roster.add(grants, 0);
  }

  /** Takes workers away: they get no more tasks, end those that they hold, and go. */
  shrink(workers: readonly number[], graceMs: number): void {
    this.#roster.shrink(workers, graceMs);
  }

  get lines(): ReadonlyMap<string, AgentLine> {
    return this.#roster.lines;
  }

  get crew(): Crew {
    return this.#roster.crew;
  }

  /** Datasets that programs can read, by id. */
  get datasets(): Map<string, Shards> {
    return this.#outputs.datasets;
  }

  /** Numbers of all workers that are there. */
  get workers(): readonly number[] {
    return this.#roster.workers;
  }

  /** Attempts that were ordered. */
  get launches(): number {
    return this.#launches.count;
  }

  /** Attempts that agents may perform for nobody. */
  get strays(): ReadonlySet<string> {
    return this.#launches.unknown;
  }

  /** Those that were submitted. */
  get executions(): Executions["known"] {
    return this.#executions.known;
  }

  get isOver(): boolean {
    return [...this.executions.values()].every(({ outcome }) => outcome !== undefined);
  }

  submit(id: string, plan: PhysicalPlan, followed: ReadonlySet<number>, options: SubmitOptions = {}): void {
    this.#executions.submit(id, plan, followed, options);
  }

  cancel(execution: string, cause: WireError): void {
    this.#executions.cancel(execution, cause);
  }

  /**
   * Reads a dataset of an execution that is done, over the network, and compares it; what cannot be read is computed again.
   *
   * @param onRead Told at the end, with the cause when it could not be read.
   */
  collect(dataset: string, onRead: (error?: string) => void): void {
    new Collection({ job: this.#options.job, dataset, driver: this, onRead }, this.#world).begin();
  }

  release(dataset: string): void {
    this.#executions.release(dataset);
  }

  /** A channel: written at once, and open until it is closed. */
  openChannel(dataset: string, agent: string): void {
    const attempt = `${dataset}-0`;
    this.lines.get(agent)?.queue((part) => part.openChannel(attempt));
    this.feed({ kind: "datasetOpened", dataset, agent, attempt });
  }

  closeChannel(dataset: string, agent: string, content: Content): void {
    // It is whole on its agent before anybody is told so.
    const onClosed = (): void => this.feed({ kind: "datasetClosed", dataset, rows: 3, bytes: 10 });
    this.lines.get(agent)?.queue((part) => part.closeChannel(`${dataset}-0`, content), undefined, onClosed);
  }

  close(): void {
    this.#isClosing = true;
    this.#roster.close();
  }

  crash(): void {
    this.isUp = false;
    this.life += 1;
  }

  feed(event: JobEvent): void {
    this.#feedAll([event]);
    if (event.kind.startsWith("agent") && !this.#isClosing) this.#executions.rooms.workersChanged();
  }

  #feedAll(events: readonly JobEvent[]): void {
    if (events.length === 0 || !this.isUp || this.#isClosing) return;
    const commands = applyAll(this.state, events, this.#world.timeline.now);
    check(this.state);
    this.#commands.perform(commands);
    this.#keepTime();
  }

  /** Ticks as long as somebody waits for time. */
  #keepTime(): void {
    if (this.#isTicking || !needsTicks(this.state)) return;
    this.#isTicking = true;
    this.#later(TICK_MS, () => {
      this.#isTicking = false;
      this.feed({ kind: "tick" });
    });
  }

  #later(ms: number, act: () => void): void {
    const { life } = this;
    this.#world.timeline.after(ms, () => {
      if (this.isUp && this.life === life) act();
    });
  }

  #hear(agent: string, events: readonly AgentEvent[]): void {
    const ofAttempts: JobEvent[] = [];
    for (const event of events) {
      const taken = this.#hearing.take(agent, event);
      if (taken === undefined) this.#roster.hear(agent, event);
      else ofAttempts.push(...taken);
    }
    this.#feedAll(ofAttempts);
  }

  #lose(agent: string, cause: string): void {
    if (this.#isClosing) return;
    this.#world.tell(`${this.name} loses ${agent}: ${cause}`);
    this.#roster.drop(agent);
    this.#launches.dropAgent(agent);
    this.#hearing.dropAgent(agent);
    const workers = this.crew.on(agent);
    const { refusals } = this.#executions.rooms;
    if (this.scaling.lost(workers)) this.#isAwaitingAgents = true;
    this.feed({ kind: "agentLost", agent, cause: `agent ${agent} is gone: ${cause}` });
    this.crew.lose(agent);
    if (this.#isAwaitingAgents && this.#executions.rooms.refusals > refusals)
      throw new Error(`executions are refused for the loss of ${agent}, and others are looked for`);
    this.#executions.checkWorkers();
  }

  #load() {
    const { running, waiting } = backlogOf(this.state);
    return { workers: this.workers.length, running, waiting: waiting + this.#executions.rooms.wanted };
  }

  #awaitNoAgents(): void {
    this.#isAwaitingAgents = false;
    this.#executions.checkWorkers();
    this.feed({ kind: "tick" });
  }
}
