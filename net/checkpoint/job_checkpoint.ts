/**
 * The checkpoint of one job: what its executions did is written down, and what an earlier driver of the program did is
 * not done again.
 *
 * The driver's program runs from its start each time. An execution that is known from the log as done ends at once;
 * one that was running goes on from the copies that there are of its shards.
 */
import type { Batch } from "../../core/batch/column.ts";
import { keptGroups } from "../../core/checkpoint/kept_groups.ts";
import type { DoneRecord, PastOutput } from "../../core/checkpoint/records.ts";
import { LucioleError } from "../../core/errors.ts";
import type { Graph } from "../../core/graph/node.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import type { Placement } from "../../core/plan/placement.ts";
import type { SubmittedCheckpoint } from "../../core/schedule/job_state.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import type { TaskReport } from "../../core/schedule/report.ts";
import type { ExecutionRecord } from "../driver/execution.ts";
import type { Executor } from "../driver/executor/executor.ts";
import type { PlanCache } from "../driver/executor/plan_cache.ts";
import type { ExecutionListener, PublishCommand } from "../driver/executor/running_executions.ts";
import type { KeepCommand, RestoreCommand, ShardKeeper } from "../driver/executor/shard_keeper.ts";
import type { SinkResult } from "../driver/executor/sink_results.ts";
import type { DatasetSource } from "../driver/handle.ts";
import type { LocalShards } from "../driver/reading/read_dataset.ts";
import { countUses } from "../driver/uses.ts";
import type { CheckpointDirectory } from "./checkpoint_directory.ts";
import { executionDigest } from "./digests.ts";
import { inputsOf, type KnownExecution, outputOf, splitDataset } from "./known_execution.ts";
import { PastDatasets, shardsOf } from "./past_datasets.ts";
import { pastSinks, redoSinks } from "./past_sinks.ts";
import { Retention } from "./retention.ts";
import { ShardCopier } from "./shard_copier.ts";

/** Outputs up to this size are copied though nobody marked them: what a driver reads to decide how to go on. */
const SMALL_BYTES = 256 * 1024;
const SMALL_SHARDS = 64;

export interface AttachOptions {
  readonly executor: Executor;
  readonly local: LocalShards | undefined;
  readonly signal: AbortSignal;
  /** Where equal keys of the job's datasets lie, by id. */
  readonly placements: Map<string, Placement>;
  readonly plans: PlanCache;
  readonly log: (text: string) => void;
}

/** Who gets lines for the user. */
export interface LogRelay {
  log: (text: string) => void;
}

interface Attached {
  readonly executor: Executor;
  readonly copier: ShardCopier;
  readonly past: PastDatasets;
  readonly placements: Map<string, Placement>;
}

export interface BeginOptions {
  readonly record: ExecutionRecord;
  readonly graph: Graph;
  /** With references in the place of handles. */
  readonly params: unknown;
  readonly encoded: Uint8Array;
}

/** What an execution is planned with. */
export interface PlanSize {
  readonly slots: number;
  readonly memoryBytes: number;
}

export class JobCheckpoint implements ShardKeeper {
  readonly #directory: CheckpointDirectory;
  readonly #relay: LogRelay;
  readonly #known = new Map<string, KnownExecution>();
  readonly #retention: Retention;
  #attached: Attached | undefined;

  /** @param relay Where lines go; to the job's own output from `attach` on. */
  constructor(directory: CheckpointDirectory, relay: LogRelay) {
    this.#directory = directory;
    this.#relay = relay;
    this.#retention = new Retention(directory);
  }

  attach({ executor, local, signal, placements, plans, log }: AttachOptions): void {
    this.#relay.log = log;
    const directory = this.#directory;
    const warn = (text: string): void => log(`warning: ${text}`);
    this.#attached = {
      executor,
      copier: new ShardCopier({ directory, places: { executor, local, signal }, warn }),
      past: new PastDatasets({
        executor,
        directory,
        placements,
        find: (execution) => this.#known.get(execution),
        plans,
        warn,
      }),
      placements,
    };
  }

  /**
   * An execution is about to be planned; one that is done already ends here.
   *
   * @returns What it is to be planned with, when that is known.
   */
  begin(options: BeginOptions): PlanSize | "done" | undefined {
    const { record, graph, params, encoded } = options;
    const digest = executionDigest(graph, params, this.#originOf);
    const { history } = this.#directory;
    const found = history.take(digest);
    if (found.kind === "diverged") this.#diverge(record.flow, found.expected);
    const past = found.kind === "past" ? found.past : undefined;
    const known: KnownExecution = {
      id: record.id,
      number: past?.started.number ?? history.nextNumber(),
      flow: record.flow,
      digest,
      graph,
      params: encoded,
      past,
      released: new Set(),
      read: new Set(),
      done: past?.done,
      isReplayed: false,
      isSubmitted: false,
    };
    this.#known.set(record.id, known);
    this.#retention.add(known, inputsOf(graph).map(this.#originOf));
    if (past?.publishing !== undefined && past.done === undefined) {
      known.done = redoSinks(graph, past.publishing);
      if (known.done !== undefined) this.#directory.append(known.done);
    }
    if (known.done === undefined) return past?.started;
    this.#replay(record, known, known.done);
    return "done";
  }

  /** An execution is about to be submitted. @param hash What its plan is known by. */
  async planned(
    id: string,
    hash: string,
    plan: PhysicalPlan,
    { slots, memoryBytes }: PlanSize,
  ): Promise<SubmittedCheckpoint> {
    const known = this.#find(id);
    const { past } = this.#use();
    const { number, flow, digest } = known;
    const { copies } = this.#directory;
    if (known.past?.started.plan !== hash) {
      copies.drop(number);
      this.#directory.append({ kind: "started", number, flow, digest, plan: hash, slots, memoryBytes });
    }
    await past.pinInputs(inputsOf(known.graph));
    const isChannel = (dataset: string): boolean => !this.#known.has(splitDataset(dataset).execution);
    return { copied: keptGroups(plan, isChannel), kept: shardsOf(copies.list(number)) };
  }

  /** It was submitted; hears of it before the record does. */
  listen(record: ExecutionRecord, plan: PhysicalPlan): ExecutionListener {
    const known = this.#find(record.id);
    return {
      onOutputReady: (node) => record.onOutputReady(node),
      onProgress: (progress) => record.onProgress(progress),
      onPublishing: (command) => this.#publishing(known, plan, command),
      onEnded: (outcome, sinks) => void this.#end(record, plan, outcome, sinks),
    };
  }

  submitted(id: string): void {
    this.#use().past.unpin(inputsOf(this.#find(id).graph));
  }

  /** What a handle reads. */
  source(record: ExecutionRecord, node: number, source: DatasetSource): DatasetSource {
    const replayed = (): KnownExecution | undefined => {
      const known = this.#known.get(record.id);
      return known?.isReplayed ? known : undefined;
    };
    const end = source.retain();
    return {
      ...source,
      sizes: () => {
        const known = replayed();
        return known === undefined ? source.sizes() : (outputOf(known, node)?.shards ?? []);
      },
      batches: () => {
        this.#known.get(record.id)?.read.add(node);
        const known = replayed();
        return known === undefined ? source.batches() : this.#read(known, node, source);
      },
      retain: countUses(() => {
        this.#known.get(record.id)?.released.add(node);
        if (replayed() === undefined) end();
        else this.#use().past.release(source.dataset);
        void this.#retention.sweep();
      }),
    };
  }

  restore(command: RestoreCommand): void {
    const { copier } = this.#use();
    const { number } = this.#find(command.execution);
    copier.restore(command, this.#directory.copies.list(number).get(command.group)?.get(command.task));
  }

  keep(command: KeepCommand): void {
    const known = this.#find(command.execution);
    const isWanted = (): boolean => !this.#retention.isUseless(known, command.group);
    this.#use().copier.keep(command, known.number, isWanted, () => void this.#retention.sweep());
  }

  forget(execution: string): void {
    const known = this.#known.get(execution);
    if (known !== undefined) known.isSubmitted = false;
  }

  /** @param isOver The job has succeeded: its checkpoint is deleted. */
  async close(isOver: boolean): Promise<void> {
    await this.#attached?.copier.settled();
    this.#directory.close(isOver);
  }

  readonly #originOf = (dataset: string): string => {
    const { execution, node } = splitDataset(dataset);
    const known = this.#known.get(execution);
    return known === undefined ? dataset : `${known.number}.${node}`;
  };

  #diverge(flow: string, expected: string): void {
    this.#relay.log(
      `warning: the program runs flow "${flow}" with parameters that the checkpoint does not know, where it ran flow "${expected}" before: nothing of the checkpoint is used from here on`,
    );
    const { copies, history } = this.#directory;
    for (const number of copies.executions()) if (!history.has(number)) copies.drop(number);
    this.#directory.rewrite();
  }

  #replay(record: ExecutionRecord, known: KnownExecution, done: DoneRecord): void {
    const { placements } = this.#use();
    known.isReplayed = true;
    for (const { node, placement } of done.outputs) {
      if (placement !== undefined) placements.set(`${record.id}.${node}`, placement);
    }
    const sinks = new Map(done.sinks.map(({ node, ...result }) => [node, result]));
    record.onEnded({ kind: "done", totals: done.totals, stages: [] }, sinks);
  }

  async *#read(known: KnownExecution, node: number, source: DatasetSource): AsyncGenerator<Batch> {
    const { past } = this.#use();
    const copied = past.copied(known, node);
    if (copied !== undefined) {
      yield* copied;
      return;
    }
    await past.bring(source.dataset);
    yield* source.batches();
  }

  async #publishing(known: KnownExecution, plan: PhysicalPlan, command: PublishCommand): Promise<void> {
    const { number, id, graph } = known;
    const { totals, sinks } = command;
    const outputs = this.#outputs(id, plan);
    const parts = pastSinks(graph, id, sinks);
    this.#directory.append({ kind: "publishing", number, execution: id, totals, outputs, sinks: parts });
    await this.#directory.sync();
    this.#directory.checkOwn();
  }

  async #end(
    record: ExecutionRecord,
    plan: PhysicalPlan,
    outcome: ExecutionOutcome,
    sinks: ReadonlyMap<number, SinkResult>,
  ): Promise<void> {
    const known = this.#find(record.id);
    if (outcome.kind === "done" && !record.hasEnded) {
      await this.#conclude(known, plan, outcome.totals, sinks).catch((error) =>
        this.#directory.giveUp(error),
      );
    }
    record.onEnded(outcome, sinks);
  }

  async #conclude(
    known: KnownExecution,
    plan: PhysicalPlan,
    totals: TaskReport,
    sinks: ReadonlyMap<number, SinkResult>,
  ): Promise<void> {
    const outputs = this.#outputs(known.id, plan);
    for (const output of outputs) await this.#copySmall(known, output);
    const written = [...sinks].map(([node, result]) => ({ node, ...result }));
    known.done = { kind: "done", number: known.number, totals, outputs, sinks: written };
    this.#directory.append(known.done);
    void this.#retention.sweep();
  }

  /** Those that the program has not released yet. */
  #outputs(id: string, plan: PhysicalPlan): readonly PastOutput[] {
    const { executor } = this.#use();
    const { released } = this.#find(id);
    return plan.outputs.flatMap(({ node, group, kind, placement }) => {
      if (kind !== "dataset" || released.has(node)) return [];
      const shards = executor.datasets
        .shardSizes(`${id}.${node}`)
        .map(({ rows, bytes }) => ({ rows, bytes }));
      return [{ node, group, shards, ...(placement === undefined ? {} : { placement }) }];
    });
  }

  async #copySmall({ id, number }: KnownExecution, { node, group, shards }: PastOutput): Promise<void> {
    const { executor, copier } = this.#use();
    const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
    if (bytes > SMALL_BYTES || shards.length > SMALL_SHARDS) return;
    const pieces = executor.datasets.pieces(`${id}.${node}`);
    const copied = this.#directory.copies.list(number).get(group);
    // Of shards that were divided there is no telling here which part is of which.
    if (pieces.length !== shards.length) return;
    const copies = pieces
      .filter(({ shard }) => !copied?.has(shard))
      .map(({ shard, piece }) => copier.copy({ execution: number, group, shard }, [piece], false));
    await Promise.all(copies);
  }

  #find(execution: string): KnownExecution {
    const known = this.#known.get(execution);
    if (known !== undefined) return known;
    throw new LucioleError("internal", `The checkpoint does not know execution ${execution}`);
  }

  #use(): Attached {
    if (this.#attached !== undefined) return this.#attached;
    throw new LucioleError("internal", "The checkpoint is not attached to a job");
  }
}
