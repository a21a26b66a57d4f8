/**
 * What a simulated user does: submits random flows that read each other's datasets, cancels some, drops handles, and
 * closes the job; and what the tasks of those flows do: take their time, fail now and then, or always.
 */
import type { Grant } from "../../core/cluster/placement.ts";
import type { WireError } from "../../core/errors.ts";
import type { Execution, Task } from "../../core/schedule/execution_state.ts";
import type { TaskOrder } from "../../core/schedule/order.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import { isDone, taskName } from "../../core/schedule/transitions.ts";
import { type Dataset, randomPlan } from "../core/schedule/random_plans.ts";
import { Copies } from "./copies.ts";
import { DriverNode } from "./driver_node.ts";
import type { MasterNode } from "./master_node.ts";
import type { Random } from "./random.ts";
import { Seats } from "./seats.ts";
import { type World, wireError } from "./world.ts";

const CHANNEL = [{ rows: 3, sum: 77 }];
/** How long a job that is over may take to let go of everything. */
const SETTLE_MS = 150_000;

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
  #seats: Seats;
  readonly #copies: Copies | undefined;
  /** Drivers that were killed, and have another in their place. */
  #drivers = 0;
  readonly #datasets: Dataset[] = [];
  #submitted = 0;
  #grants: readonly Grant[] = [];
  #channelAgent: string | undefined;
  #settlesUntil = 0;

  constructor(options: ProgramOptions, world: World) {
    const { random } = options;
    this.#options = options;
    this.#world = world;
    this.#copies = options.checkpoint && new Copies(options.checkpoint);
    [this.driver, this.#seats] = this.#newDriver(1 + random.below(4));
    const seats = this.#seats;
    world.timeline.after(random.below(20), () => seats.take());
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
    const running = [...this.driver.state.executions.values()].flatMap(({ id, status, groups }) => [
      `${id} ${status.kind}`,
      ...groups.flatMap(({ tasks }) => tasks.flatMap(describeTask)),
    ]);
    const agents = [...this.driver.state.agents.values()].map(
      ({ id, slots, running: held }) => `${id} ${held.size}/${slots}`,
    );
    return [this.phase, ...agents, ...running].join(" | ");
  }

  #newDriver(workers: number): [DriverNode, Seats] {
    const { speculates, isSkewed, masters, slips } = this.#options;
    const copies = this.#copies;
    const job = this.#job;
    const onEnded = (id: string, { kind }: ExecutionOutcome): void => {
      this.#noteEnd(id, kind === "done");
      this.#goOn();
    };
    const driver = new DriverNode({ job, speculates, isSkewed, slips, copies, onEnded }, this.#world);
    const seats = new Seats(
      {
        job,
        driver,
        workers,
        masters,
        isSkewed,
        onTaken: (grants) => this.#begin(grants),
        onGivenUp: () => {
          this.phase = "over";
        },
      },
      this.#world,
    );
    return [driver, seats];
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
    [this.driver, this.#seats] = this.#newDriver(1 + copies.random.below(4));
    this.#world.tell(`${this.driver.name} goes on`);
    const seats = this.#seats;
    this.#world.timeline.after(copies.random.below(500), () => seats.take());
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
    this.#grants = grants;
    this.driver.open(grants);
    if (this.#options.hasChannel) {
      this.#channelAgent = grants[0].agent.id;
      this.driver.openChannel("ch", this.#channelAgent);
      this.driver.datasets.set("ch", [CHANNEL]);
      this.#datasets.push({ id: "ch", shards: 1 });
      this.#later(this.#options.random.below(300), () => this.#closeChannel());
    }
    if (this.#copies !== undefined) this.#replay(this.#copies);
    if (this.#submitted < this.#options.executions) this.#submit();
    else this.#later(1, () => this.#finish());
    this.#bustle();
  }

  #later(ms: number, act: () => void): void {
    const { driver } = this;
    this.#world.timeline.after(ms, () => {
      if (driver.isUp && this.phase === "running") act();
    });
  }

  #submit(): void {
    const { random, executions, isSkewed, isPoisoned, isImpatient, groups, sorts } = this.#options;
    const id = `e${this.#submitted}`;
    this.#submitted += 1;
    const { plan, outputs } = randomPlan(random, this.#datasets, { isSkewed, groups, sorts });
    const followed = random.chance(3) ? new Set(outputs.map(({ node }) => node)) : new Set<number>();
    const busy = plan.groups.filter(({ tasks }) => tasks > 0);
    if (isPoisoned && busy.length > 0) {
      const group = random.pick(busy);
      this.poisoned.set(id, { group: group.id, task: random.below(group.tasks) });
    }
    this.#copies?.past.push({ id, plan, followed, isDone: false });
    this.driver.submit(id, plan, followed, { workers: this.#someWorkers() });
    for (const { node, shards } of outputs) this.#datasets.push({ id: `${id}.${node}`, shards });
    if (isImpatient && random.chance(3)) this.#later(random.below(60), () => this.#cancel(id));
    if (this.#submitted < executions) this.#later(random.below(40), () => this.#submit());
    else this.#later(random.below(100), () => this.#closeChannel());
  }

  #someWorkers(): readonly number[] | undefined {
    const { sets } = this.#options;
    if (sets === undefined || sets.chance(3)) return undefined;
    const { workers } = this.driver;
    const some = workers.filter(() => sets.chance(2));
    return some.length > 0 ? some : workers.slice(-1);
  }

  #cancel(id: string): void {
    this.cancelled.add(id);
    this.driver.cancel(id, wireError("cancelled", "the user stopped it"));
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
    if (this.#submitted < this.#options.executions || !this.driver.isOver) return;
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
    const left = this.#left();
    if (left === undefined) {
      this.#checkMail();
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

  #left(): string | undefined {
    const { state, lines, crew } = this.driver;
    // Without an agent nothing of what was lost comes back.
    const known = [...state.executions.values()].filter(
      (execution) => !isKept(execution) || (execution.status.kind === "recovering" && lines.size > 0),
    );
    if (known.length > 0) {
      const left = known.map(({ id, history }) => `${id}: ${history.join(", ")}`);
      return `executions are not forgotten: ${left.join("; ")}`;
    }
    const unheard = this.driver.crew.left();
    if (unheard !== undefined && this.#world.mails !== undefined) return unheard;
    if (state.attempts.size > 0) return `attempts ${[...state.attempts.keys()]} are not forgotten`;
    for (const { agent } of lines.values()) {
      const part = agent.jobs.get(this.#job);
      const stray = part?.present.filter((worker) => crew.hasLeft(agent.name, worker)) ?? [];
      const mails = crew.on(agent.name).map((worker) => part?.mailsOf(worker).at(-1));
      if (mails.some((mail) => mail?.isQuiet === false)) return `messages of ${agent.name} are under way`;
      if (stray.length > 0) return `workers ${stray} are at work on ${agent.name}, and were taken away`;
      const shards = part?.shards ?? [];
      if (shards.length > 0) return `shards ${shards.join(" ")} are left on ${agent.name}`;
    }
    return undefined;
  }

  #checkMail(): void {
    const job = this.#job;
    if (this.#world.mails === undefined) return;
    this.driver.crew.check(({ agent, worker }) =>
      this.driver.lines.get(agent)?.agent.jobs.get(job)?.mailsOf(worker),
    );
  }

  /** Messages, and workers that come and go, while executions run. */
  #bustle(): void {
    const { mails } = this.#world;
    if (mails === undefined) return;
    for (let count = mails.below(12); count > 0; count -= 1) {
      this.#later(mails.below(300), () => {
        const { workers } = this.driver;
        if (mails.chance(2) || workers.length === 0) this.driver.crew.send();
        else this.driver.crew.send(mails.pick(workers));
      });
    }
    if (mails.chance(2)) this.#later(mails.below(200), () => this.#shrink(mails));
  }

  #shrink(mails: Random): void {
    const { workers } = this.driver;
    if (workers.length < 2) return;
    const left = workers.slice(1).filter(() => mails.chance(2));
    if (left.length > 0) this.driver.shrink(left, mails.pick([0, 5, 200, 5_000]));
  }

  #close(): void {
    this.phase = "closing";
    this.driver.close();
    this.#seats.end(this.#grants, () => {
      this.phase = "over";
    });
  }
}

/** What an earlier driver saw the end of is known as long as the job, and what it was made of. */
function isKept({ isReplayed, downstream }: Execution): boolean {
  return isReplayed || [...downstream].some(isKept);
}

/** What holds up a task that is not done. */
function describeTask(task: Task): string[] {
  if (isDone(task)) return [];
  return [`${taskName(task)} ${task.status.kind}: ${task.history.slice(-6).join(", ")}`];
}
