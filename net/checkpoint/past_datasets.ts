/**
 * Datasets of executions that an earlier driver ran: read from their copies, or given to the scheduler when somebody
 * wants them, so that they are brought to agents or computed again.
 *
 * Nothing is done for a dataset before it is wanted.
 */

import type { Batch } from "../../core/batch/column.ts";
import { keptGroups, planOfCopies } from "../../core/checkpoint/kept_groups.ts";
import type { DoneRecord } from "../../core/checkpoint/records.ts";
import { describeThrown } from "../../core/errors.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import type { Placement } from "../../core/plan/placement.ts";
import type { PlanTemplate } from "../../core/schedule/attempts/order.ts";
import type { SubmittedCheckpoint } from "../../core/schedule/job_state.ts";
import type { Executor } from "../driver/executor/executor.ts";
import type { PlanCache } from "../driver/executor/plan_cache.ts";
import { compareFunctions } from "../driver/executor/planning.ts";
import type { CheckpointDirectory } from "./checkpoint_directory.ts";
import { type Copies, checkCopies, isWhole, readCopy } from "./copy_files.ts";
import { inputsOf, type KnownExecution, outputOf, splitDataset } from "./known_execution.ts";

export interface PastOptions {
  readonly executor: Executor;
  readonly directory: CheckpointDirectory;
  readonly placements: ReadonlyMap<string, Placement>;
  readonly find: (execution: string) => KnownExecution | undefined;
  readonly plans: PlanCache;
  readonly warn: (text: string) => void;
}

export class PastDatasets {
  readonly #options: PastOptions;
  /** Of each execution, what was begun last: one after the other is done. */
  readonly #turns = new Map<string, Promise<void>>();
  /** How many submissions each dataset is needed for that are not done. */
  readonly #pins = new Map<string, number>();

  constructor(options: PastOptions) {
    this.#options = options;
  }

  /** Has the scheduler know the datasets that a graph reads; until `unpin` nobody releases them. */
  async pinInputs(inputs: readonly string[]): Promise<void> {
    for (const dataset of inputs) {
      this.#pins.set(dataset, (this.#pins.get(dataset) ?? 0) + 1);
      await this.bring(dataset);
    }
  }

  /** Who reads them has been submitted. */
  unpin(inputs: readonly string[]): void {
    for (const dataset of inputs) {
      const left = (this.#pins.get(dataset) ?? 1) - 1;
      if (left > 0) this.#pins.set(dataset, left);
      else this.#pins.delete(dataset);
      const { execution, node } = splitDataset(dataset);
      const known = this.#options.find(execution);
      if (known?.isReplayed && known.released.has(node)) this.release(dataset);
    }
  }

  /** The program has released it. */
  release(dataset: string): void {
    if (this.#pins.has(dataset)) return;
    this.#options.executor.feed({ kind: "datasetReleased", dataset });
  }

  /** The batches of a dataset that has copies of all its shards; undefined when it has not. */
  copied(known: KnownExecution, node: number): Generator<Batch> | undefined {
    const output = outputOf(known, node);
    if (output === undefined) return undefined;
    const copies = this.#options.directory.copies.list(known.number).get(output.group);
    if (!isWhole(copies, output.shards) || !this.#areSound(copies)) return undefined;
    return (function* () {
      for (const shard of output.shards.keys()) {
        const copy = copies?.get(shard);
        if (copy !== undefined) for (const { batch } of readCopy(copy)) yield batch;
      }
    })();
  }

  /** Has the scheduler know a dataset of an earlier driver; nothing for any other one. */
  async bring(dataset: string): Promise<void> {
    const { execution, node } = splitDataset(dataset);
    const known = this.#options.find(execution);
    if (known === undefined || !known.isReplayed) return;
    const before = this.#turns.get(execution) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(() => this.#hold(known, node));
    this.#turns.set(execution, turn);
    await turn;
  }

  async #hold(known: KnownExecution, node: number): Promise<void> {
    const { executor } = this.#options;
    if (known.isSubmitted) {
      executor.feed({ kind: "datasetHeld", dataset: `${known.id}.${node}` });
      return;
    }
    const copies = this.#options.directory.copies.list(known.number);
    const done = known.done;
    if (done !== undefined && this.#isCopied(done, copies)) {
      const plan = planOfCopies({ flow: known.flow, fingerprint: [] }, done.outputs);
      this.#submit(known, plan, { copied: new Set(), kept: shardsOf(copies), held: new Set([node]) });
      return;
    }
    await this.#submitWhole(known, copies, node);
  }

  /** With all that it was made of: what has no copy is computed. */
  async #submitWhole(known: KnownExecution, copies: Copies, node: number): Promise<void> {
    const { placements, plans, find } = this.#options;
    const { graph, past } = known;
    if (past === undefined) return;
    const { slots, memoryBytes } = past.started;
    const { plan, template } = await plans.plan(graph, { slots, memoryBytes }, placements);
    const isSame = template.id === past.started.plan;
    if (!isSame && copies.size > 0) this.#warnOfChange(known);
    const isChannel = (dataset: string): boolean => find(splitDataset(dataset).execution) === undefined;
    const copied = keptGroups(plan, isChannel);
    const inputs = inputsOf(graph);
    await this.pinInputs(inputs);
    try {
      const kept = isSame ? shardsOf(copies) : new Map<number, ReadonlySet<number>>();
      this.#submit(known, plan, { copied, kept, held: new Set([node]) }, template);
    } finally {
      this.unpin(inputs);
    }
  }

  #submit(
    known: KnownExecution,
    plan: PhysicalPlan,
    checkpoint: SubmittedCheckpoint,
    template?: PlanTemplate,
  ): void {
    const { graph, id, params } = known;
    const compare = compareFunctions(graph);
    known.isSubmitted = true;
    this.#options.executor.submit(id, plan, {
      compare,
      followed: new Set(),
      graph,
      checkpoint,
      params,
      ...(template === undefined ? {} : { template }),
    });
  }

  #isCopied({ outputs }: DoneRecord, copies: Copies): boolean {
    if (outputs.length === 0) return false;
    return outputs.every(({ group, shards }) => {
      const some = copies.get(group);
      return isWhole(some, shards) && this.#areSound(some);
    });
  }

  #areSound(copies: Parameters<typeof checkCopies>[0]): boolean {
    try {
      checkCopies(copies);
      return true;
    } catch (error) {
      this.#options.warn(`what is damaged in the checkpoint is computed again: ${describeThrown(error)}`);
      return false;
    }
  }

  #warnOfChange({ flow }: KnownExecution): void {
    this.#options.warn(
      `what the checkpoint has of flow "${flow}" is computed again: its inputs are not what they were`,
    );
  }
}

/** Numbers of the shards that have copies, by group. */
export function shardsOf(copies: Copies): ReadonlyMap<number, ReadonlySet<number>> {
  return new Map([...copies].map(([group, shards]) => [group, new Set(shards.keys())]));
}
