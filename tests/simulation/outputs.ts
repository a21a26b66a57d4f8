/**
 * The outputs of a simulated job's executions: what they should be, and what became of them, as net/driver/executor/sink_results.ts
 * publishes them.
 */
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import type { JobCommand, JobEvent, JobState } from "../../core/schedule/job_state.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import { checkDataset, checkSink } from "./check_outputs.ts";
import type { Random } from "./random.ts";
import { oracle, type Shards } from "./rows.ts";
import { type World, wireError } from "./world.ts";

export interface OutputsOptions {
  readonly job: string;
  readonly state: JobState;
  /** Has publications fail. */
  readonly slips: Random | undefined;
  readonly feed: (event: JobEvent) => void;
  /** Later, unless the driver dies before. */
  readonly later: (ms: number, act: () => void) => void;
}

export class Outputs {
  /** Datasets that programs can read, by id. */
  readonly datasets = new Map<string, Shards>();
  readonly #options: OutputsOptions;
  readonly #world: World;

  constructor(options: OutputsOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  /** @param arePublished An earlier driver saw its end. @returns The shards that its groups should have. */
  open(id: string, plan: PhysicalPlan, arePublished: boolean): readonly Shards[] {
    const expected = oracle(plan, this.datasets);
    for (const { node, group, kind } of plan.outputs) {
      if (kind === "dataset") this.datasets.set(`${id}.${node}`, expected[group]);
      else if (!arePublished) this.#world.files.open(this.#place(id, node));
    }
    return expected;
  }

  publish({ execution, sinks }: Extract<JobCommand, { kind: "publishSinks" }>): void {
    const { files, random } = this.#world;
    const { slips, feed, later } = this.#options;
    let ms = 1;
    if (sinks.length > 0 && slips?.chance(4) === true) {
      const error = wireError("output-unwritable", "the output cannot be moved to its place");
      later(random.below(50), () => feed({ kind: "sinksPublished", execution, error }));
      return;
    }
    for (const { node, parts } of sinks) {
      const place = this.#place(execution, node);
      const attempts = parts.map(({ attempt }) => attempt);
      later(ms, () => files.gather(place, attempts));
      ms += 1 + random.below(50);
      later(ms, () => files.put(place));
    }
    later(ms + 1, () => feed({ kind: "sinksPublished", execution }));
  }

  /** Compares what an execution left with what it should have; nobody can read the datasets of one that failed. */
  close(id: string, plan: PhysicalPlan, expected: readonly Shards[], outcome: ExecutionOutcome): void {
    const { job, state } = this.#options;
    const known = { job, state, plan, world: this.#world };
    for (const { node, group, kind } of plan.outputs) {
      if (kind === "sink") checkSink(this.#world, this.#place(id, node), expected[group], outcome);
      else if (outcome.kind === "done") checkDataset(known, `${id}.${node}`, expected[group]);
      else this.datasets.delete(`${id}.${node}`);
    }
  }

  /** The outputs of an execution cannot be had again. */
  forget(id: string, { outputs }: PhysicalPlan): void {
    for (const { node } of outputs) this.datasets.delete(`${id}.${node}`);
  }

  #place(execution: string, node: number): string {
    return `${this.#options.job}/${execution}/${node}`;
  }
}
