/**
 * One simulated run of a whole cluster: a seed decides what runs on what, and what goes wrong; the same seed gives the
 * same run, bit by bit.
 */

import { checkMasters, QUIET_MS, SETTLED_MS } from "./aftermath.ts";
import { AgentNode } from "./agent_node.ts";
import { planDisasters } from "./disasters.ts";
import { planFaults, planMoreFaults } from "./faults.ts";
import { GangRules } from "./gang_rules.ts";
import { MasterNode } from "./master_node.ts";
import { Network } from "./network.ts";
import { OutputFiles } from "./output_files.ts";
import { Program } from "./program.ts";
import { Random } from "./random.ts";
import { Timeline } from "./timeline.ts";
import type { World } from "./world.ts";

const MAX_MS = 30 * 60_000;
const MAX_STEPS = 200_000;

/** How a run ended. */
export interface RunSummary {
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Drivers that were killed. */
  readonly killed: number;
  readonly faults: number;
  readonly steps: number;
  /** What happened, in order. */
  readonly story: readonly string[];
}

export class Simulation {
  readonly #random: Random;
  readonly #timeline = new Timeline();
  readonly #world: World;
  readonly #agents: AgentNode[] = [];
  readonly #masters: MasterNode[] = [];
  readonly #programs: Program[] = [];
  readonly #story: string[] = [];
  readonly #faults: number;
  readonly #isCalm: boolean;
  readonly #isSmall: boolean;
  readonly #seed: number;
  #quietAt = 0;

  constructor(seed: number) {
    this.#seed = seed;
    const random = new Random(seed);
    this.#random = random;
    // Small runs find most of what there is to find, and many more of them are made in the same time.
    this.#isSmall = !random.chance(5);
    this.#faults = random.chance(5) ? 0 : random.below(random.chance(4) ? 12 : 4);
    this.#isCalm = this.#faults === 0;
    const timeline = this.#timeline;
    const network = new Network(timeline, new Random(random.below(2 ** 32)), this.#isCalm ? 0 : 20);
    this.#world = {
      timeline,
      network,
      random: new Random(random.below(2 ** 32)),
      mails: seed % 4 === 3 ? new Random(seed + 4) : undefined,
      files: new OutputFiles(),
      gangs: new GangRules(),
      wrong: [],
      agents: new Map(),
      plans: new Map(),
      work: (job, order) => this.#program(job).work(order),
      tell: (what) => {
        this.#story.push(`${timeline.now.toFixed(1)} ${what}`);
      },
    };
    this.#build();
  }

  #build(): void {
    const random = this.#random;
    for (let i = 0; i <= random.below(2); i += 1) this.#masters.push(new MasterNode(`m${i}`, this.#timeline));
    const agents = 1 + random.below(4);
    for (let i = 0; i < agents; i += 1) {
      const agent = new AgentNode(`a${i}`, 1 + random.below(3), this.#world, this.#masters);
      this.#agents.push(agent);
      this.#world.agents.set(agent.name, agent);
    }
    const programs = !this.#isSmall && random.chance(3) ? 2 : 1;
    for (let i = 0; i < programs; i += 1) this.#programs.push(this.#newProgram(`j${i}`));
    const { random: chance } = this.#world;
    const targets = {
      world: this.#world,
      agents: this.#agents,
      masters: this.#masters,
      programs: this.#programs,
    };
    const withinMs = random.pick([100, 300, 3_000]);
    planFaults({ ...targets, random: chance }, this.#faults, withinMs);
    if (this.#hasDisasters) {
      const random = new Random(this.#seed + 9);
      const count = 1 + random.below(3);
      planDisasters({ ...targets, random }, count, withinMs);
      this.#quietAt = withinMs + QUIET_MS;
    }
    if (this.#isCalm || this.#seed % 5 !== 4) return;
    planMoreFaults({ ...targets, random: new Random(this.#seed + 3) }, 2, withinMs);
  }

  #newProgram(job: string): Program {
    const random = this.#random;
    // Of a seed of its own: without sets a run is what it was before there were any.
    const sets = this.#seed % 3 === 2 ? new Random(this.#seed) : undefined;
    const checkpoint = this.#seed % 5 === 4 ? new Random(this.#seed + 5) : undefined;
    return new Program(
      {
        job,
        random: new Random(random.below(2 ** 32)),
        masters: this.#masters,
        executions: this.#isSmall ? (sets === undefined ? 1 : 1 + sets.below(3)) : 1 + random.below(4),
        groups: this.#isSmall ? 3 : 6,
        isSkewed: random.chance(3),
        speculates: random.chance(2),
        isPoisoned: random.chance(10),
        // What was written to a channel goes with its driver.
        hasChannel: random.chance(5) && checkpoint === undefined,
        flaky: random.chance(4) ? 20 : 0,
        straggling: random.chance(8) ? 20 : 0,
        isImpatient: random.chance(8),
        sets,
        slips: this.#seed % 4 === 2 ? new Random(this.#seed + 2) : undefined,
        checkpoint,
        sorts: this.#seed % 4 === 1 ? new Random(this.#seed + 1) : undefined,
        gangs: this.#seed % 7 < 3 ? new Random(this.#seed + 6) : undefined,
        scales: this.#seed % 11 < 4 ? new Random(this.#seed + 7) : undefined,
        // What its vertices made is not known to another driver.
        metagraph: this.#seed % 13 === 5 && checkpoint === undefined ? new Random(this.#seed + 8) : undefined,
      },
      this.#world,
    );
  }

  #program(job: string): Program {
    return this.#programs[Number.parseInt(job.slice(1), 10)];
  }

  /** Runs to the end. @throws When something is not as it must be. */
  run(): RunSummary {
    try {
      while (!this.#isOver()) {
        if (this.#world.wrong.length > 0) throw this.#world.wrong[0];
        if (this.#timeline.now > MAX_MS || this.#timeline.steps > MAX_STEPS || !this.#timeline.step()) {
          throw new Error(
            `the run does not end after ${this.#timeline.now} ms and ${this.#timeline.steps} steps: ${this.#programs.map((program) => program.describe())}`,
          );
        }
      }
      if (this.#hasDisasters) this.#settle();
      return this.#summary();
    } catch (error) {
      const story = this.#story.slice(-60).join("\n  ");
      throw new Error(`${error instanceof Error ? error.message : error}\n  ${story}`, { cause: error });
    }
  }

  get #hasDisasters(): boolean {
    return !this.#isCalm && this.#seed % 9 === 4;
  }

  /** Masters know in the end what is there, whatever they missed. */
  #settle(): void {
    const until = Math.max(this.#quietAt, this.#timeline.now) + SETTLED_MS;
    while (this.#timeline.now < until && this.#timeline.step());
    checkMasters(this.#masters, this.#agents);
  }

  #isOver(): boolean {
    for (const program of this.#programs) if (!program.isOver) return false;
    for (const agent of this.#agents) if (agent.jobs.size > 0) return false;
    return true;
  }

  #summary(): RunSummary {
    const counts = { done: 0, failed: 0, cancelled: 0 };
    let killed = 0;
    for (const program of this.#programs) {
      const { driver } = program;
      if (program.hasResumed) killed += 1;
      if (!driver.isUp) {
        killed += 1;
        continue;
      }
      if (this.#isCalm && program.unread.length > 0)
        throw new Error(`${program.unread}, and nothing went wrong`);
      for (const [id, { outcome }] of driver.executions) {
        if (outcome === undefined) throw new Error(`${id} never ended`);
        counts[outcome.kind] += 1;
        // With copies of what follows nobody needs what throws.
        if (outcome.kind === "done" && program.poisoned.has(id) && !program.hasResumed)
          throw new Error(`${id} is done, and throws`);
        if (this.#isCalm && outcome.kind === "failed") this.#checkCalm(program, id, outcome.error.code);
      }
    }
    if (killed === 0 && this.#world.files.staged > 0) throw new Error("staging directories are left");
    return { ...counts, killed, faults: this.#faults, steps: this.#timeline.steps, story: this.#story };
  }

  /** Where nothing goes wrong but user code, that alone is told of. */
  #checkCalm(program: Program, id: string, code: string): void {
    const isOwn = code === "task" || code === "disk-full" || code === "output-unwritable";
    // Of what another execution was to give, or of slots for a pipeline.
    const isOfOther = code === "dataset-missing" || code === "not-enough-resources";
    if (code === "cancelled" && program.cancelled.size > 0) return;
    if (!isOwn && !isOfOther) throw new Error(`${id} failed with ${code}, and nothing went wrong`);
  }
}
