/**
 * Random plans on random agents with a budget of faults, checked after each event.
 */
import { expect, test } from "bun:test";
import {
  CancelledError,
  LucioleError,
  ShardLostError,
  TaskError,
  toWireError,
} from "../../../core/errors.ts";
import type { PhysicalPlan } from "../../../core/plan/physical.ts";
import type { SubmittedCheckpoint } from "../../../core/schedule/job_state.ts";
import { Random } from "../../simulation/random.ts";
import { FakeCluster } from "./fake_cluster.ts";
import { type Dataset, randomPlan, randomProgram } from "./random_plans.ts";

const RUNS = Number(process.env.LUCIOLE_TEST_RUNS ?? 400);
const FIRST_SEED = Number(process.env.LUCIOLE_TEST_SEED ?? 1);
/** Of fewer it is not known how they end. */
const LEAST_RUNS = 100;
const MAX_EVENTS = 20_000;

interface Options {
  readonly paceMs?: number;
  readonly backoffMs?: number;
  readonly speculates?: boolean;
  /** There is a checkpoint: shards are copied and brought back, and some are there from the start. */
  readonly isCopied?: boolean;
}

/** One random schedule. */
class Simulation {
  readonly #random: Random;
  readonly #cluster: FakeCluster;
  readonly #datasets: Dataset[] = [];
  readonly #submitted: string[] = [];
  /** Executions that only some workers perform. */
  readonly #bound = new Set<string>();
  readonly #hasPrograms: boolean;
  #isOpen = false;
  #faults: number;
  #agents = 0;

  readonly #isCopied: boolean;

  constructor(seed: number, { paceMs, isCopied, ...options }: Options) {
    this.#random = new Random(seed);
    this.#cluster = new FakeCluster({ maxAttempts: 3, maxLosses: 6, isSkewed: seed % 2 === 0, ...options });
    this.#cluster.paceMs = paceMs;
    this.#isCopied = isCopied ?? false;
    this.#hasPrograms = seed % 3 === 0;
    this.#faults = this.#random.below(12);
    for (let i = 0; i <= this.#random.below(3); i += 1) this.#addAgent();
    if (this.#random.chance(2)) {
      this.#cluster.open("ch", this.#random.pick([...this.#cluster.agents.keys()]));
      this.#isOpen = true;
      this.#datasets.push({ id: "ch", shards: 1 });
    }
  }

  /** Attempts of groups of which a shard before theirs was divided. */
  get divided(): number {
    const orders = [...this.#cluster.orders.values()];
    return orders.filter(({ attempt, task }) => Number(attempt.split("-").at(-2)) !== task).length;
  }

  /** Runs to the end; returns how the executions ended. */
  run(): string[] {
    for (let events = 0; !this.#isOver(); events += 1) {
      if (events > MAX_EVENTS)
        throw new Error(`no end: ${[...this.#cluster.outcomes.keys()]} of ${this.#submitted}`);
      this.#next();
      if (this.#hasPrograms) this.#checkGangs();
    }
    this.#close();
    while (this.#datasets.length > 0) this.#drop(0);
    this.#cluster.send({ kind: "datasetReleased", dataset: "ch" });
    const { state, outcomes, forgotten } = this.#cluster;
    for (const attempt of this.#cluster.cancelled()) this.#stop(attempt);
    while (this.#copies > 0) this.#answerCopy();
    expect(this.#cluster.shards()).toEqual([]);
    expect(state.attempts.size).toBe(0);
    expect(state.executions.size).toBe(0);
    expect([...forgotten].toSorted()).toEqual(this.#submitted.toSorted());
    return this.#submitted.map((id) => outcomes.get(id)?.kind ?? "none");
  }

  #isOver(): boolean {
    const { outcomes } = this.#cluster;
    if (this.#submitted.length < 3 || !this.#submitted.every((id) => outcomes.has(id))) return false;
    return this.#cluster.cancelled().length === 0 && this.#cluster.running().length === 0;
  }

  #next(): void {
    const random = this.#random;
    if (this.#submitted.length < 3 && random.chance(12)) this.#submit();
    else if (this.#faults > 0 && random.chance(8)) this.#fault();
    else if (random.chance(30) && this.#datasets.length > 0) this.#drop(random.below(this.#datasets.length));
    else if (random.chance(100)) this.#addAgent();
    else if (random.chance(60) && this.#submitted.length > 0) {
      const cause = toWireError(new CancelledError("stop"));
      this.#cluster.send({ kind: "executionCancelled", execution: random.pick(this.#submitted), cause });
    } else this.#step();
  }

  #addAgent(): void {
    this.#cluster.join(`a${this.#agents++}`, 1 + this.#random.below(3));
  }

  get #slots(): number {
    return [...this.#cluster.agents.values()].reduce((sum, { slots }) => sum + slots, 0);
  }

  /** Tasks of worker programs run together with all of their peers. */
  #checkGangs(): void {
    const together = new Map<string, number>();
    for (const attempt of this.#cluster.state.attempts.values()) {
      const { status } = attempt.task;
      if (!("attempt" in status) || status.attempt !== attempt) continue;
      // One that was brought from its copy has no order.
      const gang = this.#cluster.orders.get(attempt.id)?.gang;
      if (gang !== undefined) together.set(gang.id, (together.get(gang.id) ?? 0) + 1);
    }
    for (const [id, members] of together) {
      const { gang } = [...this.#cluster.orders.values()].find((order) => order.gang?.id === id) ?? {};
      const {
        done = 0,
        tasks = [],
        hasKept,
      } = this.#cluster.state.executions.get(id.split("-")[0])?.groups[0] ?? {};
      // When all are done their shards may go one by one.
      if (done < tasks.length && hasKept === false && members !== gang?.members.length) {
        throw new Error(`${members} of the ${gang?.members.length} members of ${id} run`);
      }
    }
  }

  #submit(): void {
    const id = `e${this.#submitted.length}`;
    const isProgram = this.#hasPrograms && this.#random.chance(2);
    const { plan, outputs } = isProgram
      ? randomProgram(this.#random, this.#datasets, this.#slots)
      : randomPlan(this.#random, this.#datasets, this.#cluster);
    this.#submitted.push(id);
    const followed = this.#random.chance(2) ? outputs.map((one) => one.node) : [];
    const workers = this.#random.chance(3) ? this.#someWorkers() : undefined;
    if (workers !== undefined) this.#bound.add(id);
    const checkpoint = this.#isCopied ? this.#checkpoint(plan) : undefined;
    this.#cluster.submit(id, plan, { followed, workers, checkpoint });
    if (this.#cluster.outcomes.get(id)?.kind === "failed") return;
    for (const { node, shards } of outputs) this.#datasets.push({ id: `${id}.${node}`, shards });
  }

  /** Some groups are copied, and of some there are copies. */
  #checkpoint({ groups }: PhysicalPlan): SubmittedCheckpoint {
    const random = this.#random;
    const stored = groups.filter(({ tail }) => tail.kind === "store");
    const copied = new Set(stored.filter(() => random.chance(2)).map(({ id }) => id));
    const kept = new Map<number, ReadonlySet<number>>();
    for (const { id, tasks } of stored) {
      if (!random.chance(3)) continue;
      kept.set(id, new Set(Array.from({ length: tasks }, (_, i) => i).filter(() => random.chance(2))));
    }
    return { copied, kept };
  }

  get #copies(): number {
    return this.#cluster.keeping.length + this.#cluster.restoring.length;
  }

  /** The driver has made a copy, or brought one. */
  #answerCopy(): void {
    const random = this.#random;
    const cluster = this.#cluster;
    const keep = cluster.keeping.shift();
    if (keep !== undefined) {
      const { execution, group, shard } = keep;
      cluster.send({ kind: "shardKept", execution, group, shard, isKept: !random.chance(4) });
      return;
    }
    const restore = cluster.restoring.splice(random.below(cluster.restoring.length), 1)[0];
    if (restore === undefined) return;
    const { execution, group, task } = restore;
    const error = toWireError(new LucioleError("checkpoint-damaged", "it was cut short"));
    if (random.chance(4)) cluster.send({ kind: "restoreFailed", execution, group, task, error });
    else cluster.restored(restore, random.chance(10) ? "gone" : random.pick([...cluster.agents.keys()]));
  }

  #someWorkers(): readonly number[] | undefined {
    const all = [...this.#cluster.agents.values()].flatMap(({ workers }) => workers);
    const some = all.filter(() => this.#random.chance(2));
    return some.length > 0 ? some : all.slice(0, 1);
  }

  /** Others take over from workers that are gone. */
  #moveBound(): void {
    for (const id of this.#bound) {
      const workers = this.#someWorkers();
      if (workers !== undefined) this.#cluster.send({ kind: "executionMoved", execution: id, workers });
    }
  }

  #drop(index: number): void {
    const [dataset] = this.#datasets.splice(index, 1);
    this.#cluster.send({ kind: "datasetReleased", dataset: dataset.id });
  }

  #close(): void {
    if (this.#isOpen) this.#cluster.close("ch");
    this.#isOpen = false;
  }

  #stop(attempt: string): void {
    this.#cluster.fail(attempt, new CancelledError("stopped"));
  }

  #fault(): void {
    const random = this.#random;
    const cluster = this.#cluster;
    this.#faults -= 1;
    const running = cluster.running();
    const kind = random.below(5);
    if (kind === 0) {
      if (cluster.agents.size === 1) this.#addAgent();
      cluster.loseAgent(random.pick([...cluster.agents.keys()]));
      this.#moveBound();
      return;
    }
    if (running.length === 0) return;
    const attempt = random.pick(running);
    if (kind === 1) cluster.lose(attempt);
    else if (kind === 2) this.#failRead(attempt);
    else if (kind === 3) cluster.fail(attempt, new TaskError(`boom ${random.below(3)}`));
    else cluster.fail(attempt, new LucioleError("disk-full", "no room"));
  }

  #failRead(attempt: string): void {
    const cluster = this.#cluster;
    const pieces = cluster.order(attempt).input.pieces.flat();
    const readable = pieces.filter((piece) => cluster.agents.has(piece.agent));
    if (readable.length === 0) return;
    const lost = this.#random.pick(readable).attempt;
    if (!lost.startsWith("ch") && cluster.shards().includes(lost)) cluster.destroy(lost);
    cluster.fail(attempt, new ShardLostError("gone", { fields: { attempt: lost } }));
  }

  /** Something goes on by itself. */
  #step(): void {
    const random = this.#random;
    const cluster = this.#cluster;
    const cancelled = cluster.cancelled();
    const running = cluster.running();
    const published = cluster.publishing.shift();
    if (published !== undefined) {
      const error = random.chance(5) ? toWireError(new LucioleError("sink", "no room")) : undefined;
      cluster.send({ kind: "sinksPublished", execution: published.execution, error });
    } else if (this.#copies > 0 && random.chance(3)) {
      this.#answerCopy();
    } else if (cancelled.length > 0 && random.chance(2)) {
      const attempt = random.pick(cancelled);
      if (random.chance(3) && cluster.canCommit(attempt)) cluster.commit(attempt);
      else if (random.chance(3)) cluster.lose(attempt);
      else this.#stop(attempt);
    } else if (running.length > 0) {
      const attempt = random.pick(running);
      if (random.chance(2)) cluster.start(attempt);
      else if (cluster.canCommit(attempt)) cluster.commit(attempt);
      else if (random.chance(10)) this.#close();
    } else if (random.chance(10)) {
      this.#close();
    } else {
      cluster.tick(random.below(3_000));
    }
  }
}

const CASES: readonly (readonly [string, Options])[] = [
  ["", {}],
  [", when tasks are short", { paceMs: 0.1 }],
  [", with copies of stragglers, and tasks that rest", { speculates: true, backoffMs: 500 }],
  [", with a checkpoint", { isCopied: true, backoffMs: 100 }],
];

test.each(CASES)(
  "apply() ends every execution and leaves nothing when anything fails at random%s",
  (_, options) => {
    const counts: Record<string, number> = {};
    let divided = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
      try {
        const simulation = new Simulation(seed, options);
        for (const outcome of simulation.run()) counts[outcome] = (counts[outcome] ?? 0) + 1;
        divided += simulation.divided;
      } catch (error) {
        throw new Error(`LUCIOLE_TEST_SEED=${seed} LUCIOLE_TEST_RUNS=1: ${error}`, { cause: error });
      }
    }
    if (RUNS < LEAST_RUNS) return;
    expect(counts.done).toBeGreaterThan(RUNS / 4);
    expect(counts.failed).toBeGreaterThan(RUNS / 20);
    expect(divided).toBeGreaterThan(RUNS / 10);
  },
);

/** Runs that found a defect, and the options that they are runs of. */
const REGRESSIONS: readonly { readonly seed: number; readonly was: string; readonly options: Options }[] = [
  {
    seed: 203_890,
    was: "a task failed after its shard was copied, and what it read was kept",
    options: { isCopied: true, backoffMs: 100 },
  },
];

test.each(REGRESSIONS)(
  "apply() does what it must in the run of seed $seed, in which $was",
  ({ seed, options }) => {
    new Simulation(seed, options).run();
  },
);
