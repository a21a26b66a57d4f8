/**
 * A simulated driver: takes its workers from a master, runs executions by the production scheduler, publishes sinks,
 * and compares what comes of them with the oracle, as net/driver does it all.
 */
import type { Grant } from "../../core/cluster/placement.ts";
import type { WireError } from "../../core/errors.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import { applyAll, check, needsTicks } from "../../core/schedule/job_scheduler.ts";
import {
  type AttemptEvent,
  createJobState,
  type JobCommand,
  type JobEvent,
  type JobState,
} from "../../core/schedule/job_state.ts";
import type { AgentEvent, TaskOrder } from "../../core/schedule/order.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import { NO_TOTALS } from "../../core/schedule/report.ts";
import { ToldDefinitions } from "../../core/schedule/told_definitions.ts";
import { AgentLine } from "./agent_line.ts";
import { checkDataset, checkSink } from "./check_outputs.ts";
import { Collection } from "./collection.ts";
import { Copier } from "./copier.ts";
import type { Copies } from "./copies.ts";
import { Crew } from "./crew.ts";
import type { Process } from "./network.ts";
import type { Random } from "./random.ts";
import { COMPARE, type Content, oracle, type Shards } from "./rows.ts";
import { type World, wireError } from "./world.ts";

const TICK_MS = 200;
const BACKOFF_MS = 250;
const STRANGE = "told by an agent that does not run it";
const CARRY_AGAIN_MS = 200;
/** Executions share so many plans, as far as agents and workers tell them apart. */
const PLANS = 2;
const NO_BYTES = new Uint8Array();
const REPLAYED: ExecutionOutcome = { kind: "done", totals: NO_TOTALS, stages: [] };

export interface DriverOptions {
  readonly job: string;
  readonly speculates: boolean;
  readonly isSkewed: boolean;
  /** Its checkpoint. */
  readonly copies: Copies | undefined;
  /** Has news come from the wrong agents or twice, and publications fail. */
  readonly slips: Random | undefined;
  /** Told of each execution that has ended. */
  readonly onEnded: (execution: string, outcome: ExecutionOutcome) => void;
}

export interface SubmitOptions {
  /** The only ones that perform it. */
  readonly workers?: readonly number[] | undefined;
  /** An earlier driver saw its end: the outputs that are wanted from the start. */
  readonly held?: ReadonlySet<number>;
}

interface Execution {
  readonly plan: PhysicalPlan;
  readonly expected: readonly Shards[];
  outcome?: ExecutionOutcome;
}

export class DriverNode implements Process {
  readonly name: string;
  isUp = true;
  life = 1;
  readonly lines = new Map<string, AgentLine>();
  readonly executions = new Map<string, Execution>();
  /** Datasets that programs can read, by id. */
  readonly datasets = new Map<string, Shards>();
  /** Attempts that were ordered. */
  launches = 0;
  readonly state: JobState;
  readonly #options: DriverOptions;
  readonly #world: World;
  readonly #ends = new Set<string>();
  /** Handles that are gone, perhaps before the execution is known to the scheduler. */
  readonly #dropped = new Set<string>();
  readonly crew: Crew;
  readonly #copier: Copier | undefined;
  /** Agents to whose workers messages are on their way. */
  readonly #carrying = new Set<string>();
  /** Executions that only some workers perform. */
  readonly #bound = new Set<string>();
  readonly #told = new ToldDefinitions();
  #isTicking = false;
  #isClosing = false;

  constructor(options: DriverOptions, world: World) {
    this.name = `driver-${options.job}`;
    this.#options = options;
    this.#world = world;
    const { job, copies } = options;
    this.#copier = copies && new Copier({ job, copies, driver: this }, world);
    this.crew = new Crew({
      now: () => world.timeline.now,
      onMail: (agent) => this.#carry(agent),
      onEpoch: (epoch, workers) => this.feed({ kind: "epochBegan", epoch, workers }),
    });
    this.state = createJobState({
      job: options.job,
      memoryBytesPerWorker: 1,
      maxAttempts: 4,
      maxLosses: 5,
      seed: 1,
      backoffMs: BACKOFF_MS,
      speculates: options.speculates,
      ...(options.isSkewed ? { minShareBytes: 1 } : {}),
    });
  }

  /** Begins with the workers that it was granted. */
  open(grants: readonly Grant[]): void {
    this.#connect(grants);
    this.#enlist(grants, 0);
  }

  /** More workers were started for it. */
  grow(grants: readonly Grant[], first: number): void {
    this.#connect(grants.filter(({ agent }) => !this.lines.has(agent.id)));
    this.#enlist(grants, first);
  }

  /** Takes workers away: they get no more tasks, end those that they hold, and go. */
  shrink(workers: readonly number[], graceMs: number): void {
    const agents = new Set(
      this.crew.workers.filter(({ worker }) => workers.includes(worker)).map(({ agent }) => agent),
    );
    this.crew.leave(workers);
    for (const agent of agents) {
      this.#seat(agent);
      this.lines.get(agent)?.queue((part) => part.apply({ kind: "retired", workers, graceMs }));
    }
  }

  #enlist(grants: readonly Grant[], first: number): void {
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

  /** The scheduler gives tasks to the workers that are to stay. */
  #seat(agent: string): void {
    const workers = this.crew.on(agent);
    this.feed({ kind: "agentJoined", agent, slots: workers.length, workers });
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
        this.#later(CARRY_AGAIN_MS, over);
      },
    );
  }

  #connect(grants: readonly Grant[]): void {
    for (const { agent } of grants) {
      const node = this.#world.agents.get(agent.id);
      if (node === undefined) throw new Error(`${agent.id} was granted and never was`);
      const line = new AgentLine(
        {
          job: this.#options.job,
          driver: this,
          agent: node,
          onEvents: (events) => this.#hear(agent.id, events),
          onLost: (cause) => this.#lose(agent.id, cause),
        },
        this.#world,
      );
      this.lines.set(agent.id, line);
    }
  }

  /** Numbers of all workers that are there. */
  get workers(): readonly number[] {
    return this.crew.workers.map(({ worker }) => worker);
  }

  get isOver(): boolean {
    return [...this.executions.values()].every(({ outcome }) => outcome !== undefined);
  }

  submit(
    id: string,
    plan: PhysicalPlan,
    followed: ReadonlySet<number>,
    { workers, held }: SubmitOptions = {},
  ): void {
    const { job } = this.#options;
    if (workers !== undefined) this.#bound.add(id);
    const expected = oracle(plan, this.datasets);
    this.executions.set(id, { plan, expected, ...(held === undefined ? {} : { outcome: REPLAYED }) });
    this.#world.plans.set(`${job}/${id}`, plan);
    for (const { node, group, kind } of plan.outputs) {
      if (kind === "sink" && held !== undefined) continue;
      if (kind === "sink") this.#world.files.open(this.#place(id, node));
      else this.datasets.set(`${id}.${node}`, expected[group]);
    }
    const template = { id: `t${this.executions.size % PLANS}`, body: NO_BYTES };
    this.#told.define({ id, template: template.id, params: NO_BYTES }, template);
    const sorts = plan.groups.flatMap(({ head }) => (head.kind === "merge" ? [head.order.node] : []));
    const compare = new Map(sorts.map((node) => [node, COMPARE]));
    const { copies } = this.#options;
    const checkpoint = copies && {
      copied: copies.groupsOf(plan),
      kept: copies.keptOf(id, plan),
      held,
    };
    this.feed({ kind: "executionSubmitted", execution: id, plan, compare, followed, workers, checkpoint });
    if (held !== undefined) this.#hold(id, plan, held);
    for (const dataset of this.#dropped) this.feed({ kind: "datasetReleased", dataset });
    if (this.lines.size === 0) this.#cancelAll();
  }

  /** Handles of an execution of an earlier driver that are wanted after all. */
  #hold(id: string, { outputs }: PhysicalPlan, held: ReadonlySet<number>): void {
    for (const { node, kind } of outputs) {
      if (kind === "dataset" && !held.has(node)) this.feed({ kind: "datasetHeld", dataset: `${id}.${node}` });
    }
  }

  cancel(execution: string, cause: WireError): void {
    this.feed({ kind: "executionCancelled", execution, cause });
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
    for (const line of this.lines.values()) line.leave();
  }

  crash(): void {
    this.isUp = false;
    this.life += 1;
  }

  feed(event: JobEvent): void {
    this.#feedAll([event]);
  }

  #feedAll(events: readonly JobEvent[]): void {
    if (events.length === 0 || !this.isUp || this.#isClosing) return;
    const commands = applyAll(this.state, events, this.#world.timeline.now);
    check(this.state);
    const launches = new Map<string, TaskOrder[]>();
    for (const command of commands) {
      if (command.kind === "launch") {
        this.launches += 1;
        const orders = launches.get(command.agent);
        if (orders === undefined) launches.set(command.agent, [command.order]);
        else orders.push(command.order);
      } else {
        this.#flush(launches);
        this.#perform(command);
      }
    }
    this.#flush(launches);
    this.#keepTime();
  }

  #flush(launches: Map<string, TaskOrder[]>): void {
    for (const [agent, orders] of launches) {
      const told = this.#told.tell(agent, new Set(orders.map(({ execution }) => execution)));
      this.lines.get(agent)?.queue(
        (part) => part.launch(orders, told),
        () => {
          this.#told.untell(agent, told);
          for (const { attempt } of orders)
            this.feed({ kind: "attemptLost", agent, attempt, cause: "the job is unknown there" });
        },
      );
    }
    launches.clear();
  }

  #perform(command: Exclude<JobCommand, { kind: "launch" }>): void {
    switch (command.kind) {
      case "cancel":
        this.lines
          .get(command.agent)
          ?.queue((part) => part.apply({ kind: "cancelled", attempts: [command.attempt] }));
        return;
      case "release":
        this.lines.get(command.agent)?.queue((part) => part.release(command.attempts, [], []));
        return;
      case "executionForgotten":
        for (const { agent, executions, templates } of this.#told.forget(command.execution))
          this.lines.get(agent)?.queue((part) => part.release([], executions, templates));
        return;
      case "publishSinks":
        this.#publish(command);
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

  #publish({ execution, sinks }: Extract<JobCommand, { kind: "publishSinks" }>): void {
    const { files, random } = this.#world;
    let ms = 1;
    if (sinks.length > 0 && this.#options.slips?.chance(4) === true) {
      const error = wireError("output-unwritable", "the output cannot be moved to its place");
      this.#later(random.below(50), () => this.feed({ kind: "sinksPublished", execution, error }));
      return;
    }
    for (const { node, parts } of sinks) {
      const place = this.#place(execution, node);
      this.#later(ms, () =>
        files.gather(
          place,
          parts.map(({ attempt }) => attempt),
        ),
      );
      ms += 1 + random.below(50);
      this.#later(ms, () => files.put(place));
    }
    this.#later(ms + 1, () => this.feed({ kind: "sinksPublished", execution }));
  }

  #place(execution: string, node: number): string {
    return `${this.#options.job}/${execution}/${node}`;
  }

  #end(id: string, outcome: ExecutionOutcome): void {
    const execution = this.executions.get(id);
    if (execution?.outcome === REPLAYED) {
      // What it was made of has failed meanwhile: its outputs cannot be had again.
      for (const { node } of execution.plan.outputs) this.datasets.delete(`${id}.${node}`);
      this.#options.onEnded(id, outcome);
      return;
    }
    if (execution === undefined || execution.outcome !== undefined) throw new Error(`${id} ended twice`);
    if (outcome.kind === "failed" && outcome.error.message.includes(STRANGE))
      throw new Error(`${id} failed: ${STRANGE}`);
    execution.outcome = outcome;
    this.#world.tell(
      `${this.name}: ${id} ${outcome.kind}${"error" in outcome ? ` ${outcome.error.message}` : ""}`,
    );
    const known = { job: this.#options.job, state: this.state, plan: execution.plan, world: this.#world };
    for (const { node, group, kind } of execution.plan.outputs) {
      if (kind === "sink") checkSink(this.#world, this.#place(id, node), execution.expected[group], outcome);
      else if (outcome.kind === "done") checkDataset(known, `${id}.${node}`, execution.expected[group]);
      else this.datasets.delete(`${id}.${node}`);
    }
    this.#options.onEnded(id, outcome);
  }

  #hear(agent: string, events: readonly AgentEvent[]): void {
    const ofAttempts: JobEvent[] = [];
    for (const event of events) {
      if (event.kind === "attemptEnded" || event.kind === "attemptLost")
        this.#note(`${agent} ${event.attempt}`);
      if (
        event.kind === "attemptStarted" ||
        event.kind === "attemptProgress" ||
        event.kind === "attemptEnded" ||
        event.kind === "attemptLost"
      )
        ofAttempts.push(...this.#slip({ ...event, agent }));
      else this.crew.hear(event);
    }
    this.#feedAll(ofAttempts);
  }

  /** The same may come of another agent before, which counts for nothing, and once more later. */
  #slip(event: AttemptEvent): readonly JobEvent[] {
    const { slips } = this.#options;
    if (slips === undefined || !slips.chance(8)) return [event];
    if (slips.chance(2)) this.#later(slips.below(100), () => this.feed(event));
    const others = [...this.lines.keys(), "a-stranger"].filter((id) => id !== event.agent);
    const result = { kind: "failed", error: wireError("plan", STRANGE), totals: NO_TOTALS } as const;
    return [{ kind: "attemptEnded", attempt: event.attempt, result, agent: slips.pick(others) }, event];
  }

  /** Each attempt ends once, as far as its agent tells. */
  #note(end: string): void {
    if (this.#ends.has(end)) throw new Error(`${end} is told to have ended twice`);
    this.#ends.add(end);
  }

  #lose(agent: string, cause: string): void {
    if (this.#isClosing) return;
    this.#world.tell(`${this.name} loses ${agent}: ${cause}`);
    this.lines.delete(agent);
    this.crew.lose(agent);
    this.#told.dropAgent(agent);
    this.feed({ kind: "agentLost", agent, cause: `agent ${agent} is gone: ${cause}` });
    // Others take over from workers that are gone.
    const { workers } = this;
    for (const execution of this.#bound) this.feed({ kind: "executionMoved", execution, workers });
    if (this.lines.size === 0) this.#cancelAll();
  }

  #cancelAll(): void {
    const cause: WireError = {
      name: "LucioleError",
      code: "agents-lost",
      message: "the job has no agent any more",
      fields: {},
      retryable: false,
    };
    for (const [id, { outcome }] of this.executions) if (outcome === undefined) this.cancel(id, cause);
  }
}
