/**
 * Brings an execution from its flow to the scheduler: waits for its parameters and workers, plans it and hands the plan
 * over, with what the job's checkpoint has of it.
 *
 * What becomes of it afterwards is not its business.
 */
import { type BuiltGraph, buildGraph } from "../../../core/graph/build.ts";
import type { Graph } from "../../../core/graph/node.ts";
import type { Placement } from "../../../core/plan/placement.ts";
import type { AnyFlow } from "../../../core/program/flow.ts";
import { decode } from "../../cbor.ts";
import type { JobCheckpoint } from "../../checkpoint/job_checkpoint.ts";
import type { ExecuteLimits } from "../execute_limits.ts";
import type { ExecutionRecord } from "../execution.ts";
import { encodeParams, type ParamRefs } from "../param_refs.ts";
import type { Executor } from "./executor.ts";
import { PlanCache } from "./plan_cache.ts";
import { compareFunctions, estimateOf, followedGroups } from "./planning.ts";
import { openSinks } from "./sink_results.ts";
import { type TakenSet, WorkerSets } from "./worker_sets.ts";

export interface SubmitterOptions {
  readonly executor: Executor;
  readonly checkpoint: JobCheckpoint | undefined;
  /** That operators may use, all workers together, as many as there are now. */
  readonly memoryBytes: () => number;
  readonly mayGrow: () => boolean;
  readonly log: (text: string) => void;
}

/** What came of the parameters as they were at first. */
export interface BegunFlow {
  readonly params: Uint8Array;
  readonly built: BuiltGraph;
}

export interface Submission {
  readonly record: ExecutionRecord;
  readonly flow: AnyFlow;
  readonly refs: ParamRefs;
  readonly begun: BegunFlow;
  readonly isFollowed: boolean;
  readonly limits: ExecuteLimits;
}

/** @throws {PlanError} If the builder fails; then nothing is kept. */
export function beginFlow(flow: AnyFlow, refs: ParamRefs): BegunFlow {
  try {
    const params = encodeParams(flow, refs);
    return { params, built: buildGraph(flow, decode(params)) };
  } catch (error) {
    refs.end();
    throw error;
  }
}

export class ExecutionSubmitter {
  readonly plans = new PlanCache();
  /** Where equal keys of the job's datasets lie. */
  readonly placements = new Map<string, Placement>();
  readonly #options: SubmitterOptions;
  readonly #sets: WorkerSets;

  constructor(options: SubmitterOptions) {
    this.#options = options;
    const { executor, memoryBytes, mayGrow, log } = options;
    const memoryBytesPerWorker = (): number => Math.floor(memoryBytes() / Math.max(1, executor.members.size));
    this.#sets = new WorkerSets({ executor, memoryBytesPerWorker, mayGrow, log });
  }

  async submit({ record, flow, refs, begun, isFollowed, limits }: Submission): Promise<void> {
    const { executor, checkpoint } = this.#options;
    await refs.complete();
    // Nobody would sweep what is staged from here on.
    if (record.hasEnded) return;
    const params = encodeParams(flow, refs);
    // The builder sees on the driver what it will see on the workers.
    const isSame = isEqualBytes(params, begun.params);
    const { graph } = isSame ? begun.built : buildGraph(flow, decode(params));
    const past = checkpoint?.begin({ record, graph, params: refs.params(), encoded: params });
    if (past === "done") return;
    const taken = limits.isBound ? await this.#takeWorkers(record, graph, refs, limits) : undefined;
    if (record.hasEnded) return;
    record.graph = graph;
    const size = past ?? this.#facts(taken);
    openSinks(graph, record.id);
    const { plan, template } = await this.plans.plan(graph, size, this.placements);
    for (const { node, placement } of plan.outputs) {
      if (placement !== undefined) this.placements.set(`${record.id}.${node}`, placement);
    }
    if (record.hasEnded) return;
    const copies = await checkpoint?.planned(record.id, template.id, plan, size);
    if (record.hasEnded) return;
    executor.submit(record.id, plan, {
      compare: compareFunctions(graph),
      followed: isFollowed ? followedGroups(plan) : new Set(),
      listener: checkpoint?.listen(record, plan) ?? record,
      graph,
      limits: {
        ...taken,
        // Planning took its time, in which some may have gone.
        ...(taken && { workers: this.#sets.heldBy(record.id) ?? taken.workers }),
        maxAttempts: limits.maxAttempts,
      },
      params,
      template,
      checkpoint: copies,
    });
    record.isSubmitted = true;
    checkpoint?.submitted(record.id);
    // Handles that were dropped before anybody knew of what they stand for.
    for (const dataset of record.dropped) executor.feed({ kind: "datasetReleased", dataset });
  }

  /** The execution is over: its workers are free. */
  leave(execution: string): void {
    this.#sets.leave(execution);
  }

  #takeWorkers(
    record: ExecutionRecord,
    graph: Graph,
    refs: ParamRefs,
    limits: ExecuteLimits,
  ): Promise<TakenSet | undefined> {
    return this.#sets.take({
      isGang: graph.nodes.some(({ spec }) => spec.kind === "worker"),
      execution: record.id,
      flow: record.flow,
      limits,
      datasets: refs.datasets(),
      isWanted: () => !record.hasEnded,
      estimate: async () => {
        const { plan } = await this.plans.plan(graph, this.#facts(), this.placements);
        return estimateOf(graph, plan);
      },
    });
  }

  /** What plans are made for: the workers that run them. */
  #facts(taken?: TakenSet): { readonly slots: number; readonly memoryBytes: number } {
    const { executor, memoryBytes } = this.#options;
    // While workers are lost and others come, there may be none for a moment.
    if (taken === undefined) {
      return { slots: Math.max(1, executor.members.size), memoryBytes: memoryBytes() };
    }
    const slots = taken.workers.length;
    return { slots, memoryBytes: slots * taken.memoryBytes };
  }
}

function isEqualBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
