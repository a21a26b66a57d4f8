/**
 * What a simulated user does: submits random flows that read each other's datasets, cancels some, drops handles, and
 * closes the job; and what the tasks of those flows do: take their time, fail now and then, or always.
 */
import type { Grant } from "../../core/cluster/placement.ts";
import type { AskedGraph } from "../../core/connected/graph_states.ts";
import type { WireError } from "../../core/errors.ts";
import type { TaskOrder } from "../../core/schedule/attempts/order.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import { type Dataset, programOf, randomPlan } from "../core/schedule/random_plans.ts";
import { bustle } from "./bustle.ts";
import { Copies } from "./copies.ts";
import { DriverNode } from "./driver_node.ts";
import { checkMail, describeDriver, leftOf } from "./leftovers.ts";
import type { MasterNode } from "./master_node.ts";
import { SimulatedMetagraph } from "./metagraph.ts";
import type { Random } from "./random.ts";
import { type World, wireError } from "./world.ts";

const CHANNEL = [{ rows: 3, sum: 77 }];
/** How long a job that is over may take to let go of everything. */
const SETTLE_MS = 10 * 60_000;
/** Without a worker by then it is given up. */
const GIVES_UP_MS = 120_000;

export interface ProgramOptions {
  readonly job: string;
  readonly random: Random;
  readonly masters: readonly MasterNode[];
  readonly executions: number;
  /** Groups of each, at most, and a sink. */
  readonly groups: number;
  readonly isSkewed: boolean;
  readonly speculates: boolean;
  /** Has one task throw the same whenever it runs. */
  readonly isPoisoned: boolean;
  readonly hasChannel: boolean;
  /** One in so many attempts throws something; 0: none does. */
  readonly flaky: number;
  /** One in so many attempts takes very long; 0: none does. */
  readonly straggling: number;
  readonly isImpatient: boolean;
  /** Has some executions performed by some of the workers only. */
  readonly sets: Random | undefined;
  /** Has news come from the wrong agents or twice, and publications fail. */
  readonly slips: Random | undefined;
  /** Has shards copied, and drivers go on after one that was killed. */
  readonly checkpoint: Random | undefined;
  /** Has some of the executions sort. */
  readonly sorts: Random | undefined;
  /** Has some of the executions be worker programs. */
  readonly gangs: Random | undefined;
  /** Has workers come and go, and others come for those that are lost. */
  readonly scales: Random | undefined;
  /** Has the first executions be vertices of a metagraph. */
  readonly metagraph: Random | undefined;
}

type Phase = "placing" | "running" | "settling" | "closing" | "over";

export class Program {
  driver: DriverNode;
  phase: Phase = "placing";
  /** Executions of which a task always throws. */
  readonly poisoned = new Map<string, { readonly group: number; readonly task: number }>();
  readonly cancelled = new Set<string>();
  /** Why datasets could not be read. */
  readonly unread: string[] = [];
  readonly #options: ProgramOptions;
  readonly #world: World;
  readonly #copies: Copies | undefined;
  /** Drivers that were killed, and have another in their place. */
  #drivers = 0;
  readonly #datasets: Dataset[] = [];
  #submitted = 0;
  #channelAgent: string | undefined;
  #settlesUntil = 0;
  #metagraph: SimulatedMetagraph | undefined;

  constructor(options: ProgramOptions, world: World) {
    const { random } = options;
    this.#options = options;
    this.#world = world;
    this.#copies = options.checkpoint && new Copies(options.checkpoint);
    this.driver = this.#newDriver();
    const workers = 1 + random.below(4);
    const { driver } = this;
    world.timeline.after(random.below(20), () => this.#takeSeats(driver, workers));
  }

  get isOver(): boolean {
    return this.phase === "over" || !this.driver.isUp;
  }

  /** How long a task takes and what it throws. */
  work(order: TaskOrder): { readonly ms: number; readonly error?: WireError } {
    const { random, flaky, straggling } = this.#options;
    const poison = this.poisoned.get(order.execution);
    const ms =
      straggling > 0 && random.chance(straggling) ? 20_000 + random.below(60_000) : 1 + random.below(20);
    if (poison?.group === order.group && poison.task === order.task) {
      return { ms, error: wireError("task", `row 7 of task ${order.group}-${order.task}`) };
    }
    if (flaky === 0 || !random.chance(flaky)) return { ms };
    const error = random.chance(2)
      ? wireError("task", `failure ${this.#world.timeline.steps}`)
      : wireError("disk-full", "the disk is full", {}, true);
    return { ms, error };
  }

  /** How far it is, for a run that does not end. */
  describe(): string {
    return [this.phase, ...describeDriver(this.driver)].join(" | ");
  }

  #newDriver(): DriverNode {
    const { speculates, isSkewed, masters, slips, scales } = this.#options;
    const onEnded = (id: string, outcome: ExecutionOutcome): void => {
      this.#noteEnd(id, outcome.kind === "done");
      this.#metagraph?.ended(id, outcome);
      this.#goOn();
    };
    const replacesLost = scales !== undefined && !scales.chance(3);
    const shared = { masters, speculates, isSkewed, slips, replacesLost };
    return new DriverNode({ ...shared, job: this.#job, copies: this.#copies, onEnded }, this.#world);
  }

  #takeSeats(driver: DriverNode, workers: number): void {
    driver.seats.take({
      workers,
      least: 1,
      until: this.#world.timeline.now + GIVES_UP_MS,
      reserve: () => 0,
      giveUp: () => undefined,
      onTaken: (grants) => this.#begin(grants),
      onRefused: () => {
        this.phase = "over";
      },
    });
  }

  get #job(): string {
    return this.#drivers === 0 ? this.#options.job : `${this.#options.job}r${this.#drivers}`;
  }

  /** Another driver has gone on in the place of one that was killed. */
  get hasResumed(): boolean {
    return this.#drivers > 0;
  }

  /** The driver was killed: another one goes on with its checkpoint, if there is one. */
  resume(): void {
    const copies = this.#copies;
    if (copies === undefined || this.phase === "over" || this.phase === "closing" || this.#drivers >= 2)
      return;
    this.#drivers += 1;
    this.phase = "placing";
    this.driver = this.#newDriver();
    this.#world.tell(`${this.driver.name} goes on`);
    const workers = 1 + copies.random.below(4);
    const { driver } = this;
    this.#world.timeline.after(copies.random.below(500), () => this.#takeSeats(driver, workers));
  }

  /** What an earlier driver began: what is done is there already, what is not is begun again. */
  #replay(copies: Copies): void {
    for (const { id, plan, followed, isDone } of [...copies.past]) {
      const nodes = plan.outputs.flatMap(({ node, kind }) => (kind === "dataset" ? [node] : []));
      if (isDone)
        this.driver.submit(id, plan, new Set(), {
          held: new Set(nodes.filter(() => copies.random.chance(2))),
        });
      else this.driver.submit(id, plan, followed);
    }
    const wanted = new Set(this.#datasets.map(({ id }) => id));
    for (const { id, plan } of [...copies.past]) {
      for (const { node } of plan.outputs)
        if (!wanted.has(`${id}.${node}`)) this.driver.release(`${id}.${node}`);
    }
  }

  #noteEnd(id: string, isDone: boolean): void {
    const past = this.#copies?.past;
    const at = past?.findIndex((execution) => execution.id === id) ?? -1;
    if (past === undefined || at < 0) return;
    if (isDone) past[at].isDone = true;
    else past.splice(at, 1);
  }

  #begin(grants: readonly Grant[]): void {
    this.phase = "running";
    this.driver.open(grants);
    if (this.#options.hasChannel) {
      this.#channelAgent = grants[0].agent.id;
      this.driver.openChannel("ch", this.#channelAgent);
      this.driver.datasets.set("ch", [CHANNEL]);
      this.#datasets.push({ id: "ch", shards: 1 });
      this.#later(this.#options.random.below(300), () => this.#closeChannel());
    }
    if (this.#copies !== undefined) this.#replay(this.#copies);
    this.#beginMetagraph();
    if (this.#submitted < this.#options.executions) this.#submit();
    else this.#later(1, () => this.#finish());
    const later = (ms: number, act: () => void): void => this.#later(ms, act);
    bustle({ driver: this.driver, scales: this.#options.scales, later }, this.#world);
  }

  #later(ms: number, act: () => void): void {
    const { driver } = this;
    this.#world.timeline.after(ms, () => {
      if (driver.isUp && this.phase === "running") act();
    });
  }

  /** Its datasets are known when it has ended. */
  #beginMetagraph(): void {
    const { metagraph: random } = this.#options;
    if (random === undefined || this.#submitted > 0) return;
    const ids = Array.from({ length: 2 + random.below(3) }, () => this.#newId());
    const { driver } = this;
    this.#metagraph = new SimulatedMetagraph({
      random,
      ids,
      submit: (id, plan) => driver.submit(id, plan, new Set(), { wants: this.#someWorkers() }),
      cancel: (id, cause) => this.#cancel(id, cause),
      release: (dataset) => driver.release(dataset),
      onEnded: (kept) => {
        this.#datasets.push(...kept.filter(({ id }) => driver.datasets.has(id)));
        this.#metagraph = undefined;
        this.#later(1, () => this.#finish());
      },
    });
    this.#metagraph.begin();
    if (random.chance(6)) this.#later(random.below(100), () => this.#metagraph?.cancel());
  }

  #newId(): string {
    const id = `e${this.#submitted}`;
    this.#submitted += 1;
    return id;
  }

  #submit(): void {
    const { random, executions, isPoisoned, isImpatient } = this.#options;
    const id = this.#newId();
    const { plan, outputs, wants } = this.#newPlan();
    const followed = random.chance(3) ? new Set(outputs.map(({ node }) => node)) : new Set<number>();
    const busy = plan.groups.filter(({ tasks }) => tasks > 0);
    if (isPoisoned && busy.length > 0) {
      const group = random.pick(busy);
      this.poisoned.set(id, { group: group.id, task: random.below(group.tasks) });
    }
    this.#copies?.past.push({ id, plan, followed, isDone: false });
    this.driver.submit(id, plan, followed, { wants });
    for (const { node, shards } of outputs) this.#datasets.push({ id: `${id}.${node}`, shards });
    if (isImpatient && random.chance(3)) this.#later(random.below(60), () => this.#cancel(id));
    if (this.#submitted < executions) this.#later(random.below(40), () => this.#submit());
    else this.#later(random.below(100), () => this.#closeChannel());
  }

  #newPlan(): ReturnType<typeof randomPlan> & { readonly wants: AskedGraph["wants"] | undefined } {
    const { random, isSkewed, groups, sorts, gangs } = this.#options;
    const wants = this.#someWorkers();
    if (gangs === undefined || gangs.chance(3))
      return { ...randomPlan(random, this.#datasets, { isSkewed, groups, sorts }), wants };
    const { workers } = this.driver;
    const count =
      wants === undefined ? workers.length : "count" in wants ? wants.count : wants.workers.length;
    return { ...programOf(gangs, this.#datasets, Math.max(1, count)), wants };
  }

  /** None, a number of them, or which. */
  #someWorkers(): AskedGraph["wants"] | undefined {
    const { sets } = this.#options;
    if (sets === undefined || sets.chance(3)) return undefined;
    const { workers } = this.driver;
    if (sets.chance(2))
      return { count: 1 + sets.below(workers.length + 1), width: sets.chance(5) ? 2 : 1, inputs: new Map() };
    const some = workers.filter(() => sets.chance(2));
    return { workers: some.length > 0 ? some : workers.slice(-1) };
  }

  #cancel(id: string, cause = wireError("cancelled", "the user stopped it")): void {
    this.cancelled.add(id);
    this.driver.cancel(id, cause);
  }

  #closeChannel(): void {
    const agent = this.#channelAgent;
    this.#channelAgent = undefined;
    if (agent !== undefined) this.driver.closeChannel("ch", agent, CHANNEL);
  }

  /** An execution has ended. */
  #goOn(): void {
    // Datasets of an execution that failed cannot be read.
    const gone = this.#datasets.filter(({ id }) => !this.driver.datasets.has(id));
    for (const dataset of gone) this.#datasets.splice(this.#datasets.indexOf(dataset), 1);
    if (this.#datasets.length > 1 && this.#options.random.chance(4)) {
      const [{ id }] = this.#datasets.splice(this.#options.random.below(this.#datasets.length), 1);
      const { driver } = this;
      this.#world.timeline.after(0, () => driver.release(id));
    }
    this.#later(1, () => this.#finish());
  }

  #finish(): void {
    if (this.phase !== "running" || !this.driver.isUp) return;
    if (this.#submitted < this.#options.executions || this.#metagraph !== undefined || !this.driver.isOver)
      return;
    this.phase = "settling";
    const agent = this.#channelAgent;
    if (agent !== undefined) this.driver.closeChannel("ch", agent, CHANNEL);
    this.#collect(this.#datasets.find(({ id }) => id !== "ch")?.id);
  }

  /** Reads one of the datasets that are left, then drops them all. */
  #collect(dataset: string | undefined): void {
    const drop = (error?: string): void => {
      if (error !== undefined) this.unread.push(error);
      for (const { id } of this.#datasets) this.driver.release(id);
      this.#settlesUntil = this.#world.timeline.now + SETTLE_MS;
      this.#settle();
    };
    if (dataset === undefined || this.#options.random.chance(3)) drop();
    else this.driver.collect(dataset, drop);
  }

  /** Without a handle nothing may be left, as soon as agents have been told. */
  #settle(): void {
    const hasMail = this.#world.mails !== undefined;
    const left = leftOf(this.driver, this.#job, hasMail);
    if (left === undefined) {
      if (hasMail) checkMail(this.driver, this.#job);
      this.#close();
    } else if (this.#world.timeline.now > this.#settlesUntil) {
      throw new Error(`${this.#job} has ended, and ${left} (${this.describe()})`);
    } else {
      const { driver } = this;
      this.#world.timeline.after(50, () => {
        if (driver.isUp) this.#settle();
      });
    }
  }

  #close(): void {
    this.phase = "closing";
    this.driver.close();
    this.driver.seats.end(() => {
      this.phase = "over";
    });
  }
}
