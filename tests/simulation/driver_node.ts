/**
 * A simulated driver: runs executions by the production scheduler on the workers that it was given, and tells what
 * becomes of them, as net/driver/executor.ts and driver_job.ts do.
 */
import type { Grant } from "../../core/cluster/placement.ts";
import type { AskedGraph } from "../../core/connected/graph_states.ts";
import type { WireError } from "../../core/errors.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import { backlogOf } from "../../core/schedule/backlog.ts";
import { applyAll, check, needsTicks } from "../../core/schedule/job_scheduler.ts";
import {
  createJobState,
  type JobCommand,
  type JobEvent,
  type JobState,
} from "../../core/schedule/job_state.ts";
import type { AgentEvent } from "../../core/schedule/order.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import { NO_TOTALS } from "../../core/schedule/report.ts";
import type { AgentLine } from "./agent_line.ts";
import { Collection } from "./collection.ts";
import { Copier } from "./copier.ts";
import type { Copies } from "./copies.ts";
import type { Crew } from "./crew.ts";
import { Hearing, STRANGE } from "./hearing.ts";
import { Launches } from "./launches.ts";
import type { MasterNode } from "./master_node.ts";
import type { Process } from "./network.ts";
import { Outputs } from "./outputs.ts";
import type { Random } from "./random.ts";
import { Rooms } from "./rooms.ts";
import { Roster } from "./roster.ts";
import { COMPARE, type Content, type Shards } from "./rows.ts";
import { Scaling } from "./scaling.ts";
import { Seats } from "./seats.ts";
import { type World, wireError } from "./world.ts";

const TICK_MS = 200;
const BACKOFF_MS = 250;
const REPLAYED: ExecutionOutcome = { kind: "done", totals: NO_TOTALS, stages: [] };
/** Of errors that no gang may end with: all of its members run one program. */
const NEVER = new Set(["collective-mismatch", "collective-timeout", "member-returned"]);

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

export interface SubmitOptions {
  /** The workers that it asks for. */
  readonly wants?: AskedGraph["wants"] | undefined;
  /** An earlier driver saw its end: the outputs that are wanted from the start. */
  readonly held?: ReadonlySet<number>;
}

interface Execution {
  readonly plan: PhysicalPlan;
  readonly expected: readonly Shards[];
  outcome?: ExecutionOutcome;
}

type CommandOf<Kind extends JobCommand["kind"]> = Extract<JobCommand, { kind: Kind }>;

export class DriverNode implements Process {
  readonly name: string;
  isUp = true;
  life = 1;
  readonly executions = new Map<string, Execution>();
  readonly state: JobState;
  readonly seats: Seats;
  readonly scaling: Scaling;
  readonly #options: DriverOptions;
  readonly #world: World;
  readonly #roster: Roster;
  readonly #outputs: Outputs;
  readonly #launches: Launches;
  readonly #hearing: Hearing;
  readonly #rooms: Rooms;
  readonly #copier: Copier | undefined;
  /** Handles that are gone, perhaps before the execution is known to the scheduler. */
  readonly #dropped = new Set<string>();
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
    this.#copier = copies && new Copier({ job, copies, driver: this }, world);
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
    this.seats = new Seats({ job, driver: this, masters, isSkewed, lines }, world);
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
    this.#rooms = new Rooms({ state, driver: this, mayGrow: () => this.scaling.mayGrow }, world);
    this.#launches = new Launches({
      lines,
      onLost: (agent, attempt) =>
        this.feed({ kind: "attemptLost", agent, attempt, cause: "the job is unknown there" }),
    });
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

  get isOver(): boolean {
    return [...this.executions.values()].every(({ outcome }) => outcome !== undefined);
  }

  submit(
    id: string,
    plan: PhysicalPlan,
    followed: ReadonlySet<number>,
    { wants, held }: SubmitOptions = {},
  ): void {
    const expected = this.#outputs.open(id, plan, held !== undefined);
    this.executions.set(id, { plan, expected, ...(held === undefined ? {} : { outcome: REPLAYED }) });
    this.#world.plans.set(`${this.#options.job}/${id}`, plan);
    this.#launches.define(id);
    if (wants === undefined) {
      this.#begin(id, plan, { followed, held });
      return;
    }
    const isGang = plan.groups.some(({ head }) => head.kind === "worker");
    this.#rooms.ask({
      graph: { execution: id, flow: id, wants, mayQueue: true, isGang },
      onGranted: (workers) => this.#begin(id, plan, { followed, held, workers }),
      onRefused: (error) => this.#end(id, { kind: "failed", error }),
    });
  }

  /** Those with a handle that was dropped before are known by now. */
  #begin(
    execution: string,
    plan: PhysicalPlan,
    {
      followed,
      held,
      workers,
    }: {
      readonly followed: ReadonlySet<number>;
      readonly held: ReadonlySet<number> | undefined;
      readonly workers?: readonly number[];
    },
  ): void {
    const sorts = plan.groups.flatMap(({ head }) => (head.kind === "merge" ? [head.order.node] : []));
    const compare = new Map(sorts.map((node) => [node, COMPARE]));
    const { copies } = this.#options;
    const checkpoint = copies && {
      copied: copies.groupsOf(plan),
      kept: copies.keptOf(execution, plan),
      held,
    };
    this.feed({ kind: "executionSubmitted", execution, plan, compare, followed, workers, checkpoint });
    if (held !== undefined) this.#hold(execution, plan, held);
    for (const dataset of this.#dropped) this.feed({ kind: "datasetReleased", dataset });
    if (this.#isAlone) this.#cancelAll();
  }

  /** Handles of an execution of an earlier driver that are wanted after all. */
  #hold(id: string, { outputs }: PhysicalPlan, held: ReadonlySet<number>): void {
    for (const { node, kind } of outputs) {
      if (kind === "dataset" && !held.has(node)) this.feed({ kind: "datasetHeld", dataset: `${id}.${node}` });
    }
  }

  cancel(execution: string, cause: WireError): void {
    if (this.#rooms.waiting.includes(execution)) this.#end(execution, { kind: "cancelled", error: cause });
    else this.feed({ kind: "executionCancelled", execution, cause });
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
    this.datasets.delete(dataset);
    this.#dropped.add(dataset);
    this.feed({ kind: "datasetReleased", dataset });
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
    if (event.kind.startsWith("agent") && !this.#isClosing) this.#rooms.workersChanged();
  }

  #feedAll(events: readonly JobEvent[]): void {
    if (events.length === 0 || !this.isUp || this.#isClosing) return;
    const commands = applyAll(this.state, events, this.#world.timeline.now);
    check(this.state);
    const launches = commands.filter((command) => command.kind === "launch");
    this.#world.gangs.launched(this.#options.job, launches);
    for (const command of commands) {
      if (command.kind === "launch") {
        this.#launches.add(command.agent, command.order);
      } else {
        this.#launches.flush();
        this.#perform(command);
      }
    }
    this.#launches.flush();
    this.#keepTime();
  }

  #perform(command: Exclude<JobCommand, { kind: "launch" }>): void {
    switch (command.kind) {
      case "cancel":
        this.#ask(command, (part) => part.apply({ kind: "cancelled", attempts: [command.attempt] }));
        return;
      case "release":
        this.#ask(command, (part) => part.release(command.attempts, [], []));
        return;
      case "executionForgotten":
        this.#launches.forget(command.execution);
        return;
      case "publishSinks":
        this.#outputs.publish(command);
        return;
      case "executionEnded":
        this.#end(command.execution, command.outcome);
        return;
      case "warning":
        this.#world.tell(`${this.name}: ${command.text}`);
        return;
      case "keep":
        this.#copier?.keep(command);
        return;
      case "restore":
        this.#copier?.restore(command);
        return;
      case "outputReady":
      case "channelUnneeded":
      case "progress":
    }
  }

  #ask({ agent }: CommandOf<"cancel" | "release">, act: Parameters<AgentLine["queue"]>[0]): void {
    this.lines.get(agent)?.queue(act);
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

  #end(id: string, outcome: ExecutionOutcome): void {
    const execution = this.executions.get(id);
    if (execution?.outcome === REPLAYED) {
      // What it was made of has failed meanwhile: its outputs cannot be had again.
      this.#outputs.forget(id, execution.plan);
      this.#options.onEnded(id, outcome);
      return;
    }
    if (execution === undefined || execution.outcome !== undefined) throw new Error(`${id} ended twice`);
    if (outcome.kind === "failed") checkFailure(id, outcome.error);
    execution.outcome = outcome;
    this.#rooms.leave(id);
    this.#world.tell(
      `${this.name}: ${id} ${outcome.kind}${"error" in outcome ? ` ${outcome.error.message}` : ""}`,
    );
    this.#outputs.close(id, execution.plan, execution.expected, outcome);
    this.#options.onEnded(id, outcome);
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
    const workers = this.crew.on(agent);
    const { refusals } = this.#rooms;
    if (this.scaling.lost(workers)) this.#isAwaitingAgents = true;
    this.feed({ kind: "agentLost", agent, cause: `agent ${agent} is gone: ${cause}` });
    this.crew.lose(agent);
    if (this.#isAwaitingAgents && this.#rooms.refusals > refusals)
      throw new Error(`executions are refused for the loss of ${agent}, and others are looked for`);
    if (this.#isAlone) this.#cancelAll();
  }

  #load() {
    const { running, waiting } = backlogOf(this.state);
    return { workers: this.workers.length, running, waiting: waiting + this.#rooms.wanted };
  }

  #awaitNoAgents(): void {
    this.#isAwaitingAgents = false;
    if (this.#isAlone) this.#cancelAll();
    this.feed({ kind: "tick" });
  }

  /** With no worker left, tasks would wait for ever. */
  get #isAlone(): boolean {
    return this.workers.length === 0 && !this.#isAwaitingAgents;
  }

  #cancelAll(): void {
    const cause = wireError("agents-lost", "the job has no worker any more");
    for (const [id, { outcome }] of this.executions) if (outcome === undefined) this.cancel(id, cause);
  }
}

function checkFailure(id: string, { code, message }: WireError): void {
  if (message.includes(STRANGE) || NEVER.has(code)) throw new Error(`${id} failed: ${message}`);
}
