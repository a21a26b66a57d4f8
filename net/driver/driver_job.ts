/**
 * The job behind the interface that programs hold: its worker set, executions and datasets.
 *
 * Plans on the driver, hands the plan to the executor and wraps what comes of it in handles.
 */
import { failedEnd, type JobEnd, SUCCEEDED } from "../../core/cluster/job_end.ts";
import type { CancelledError } from "../../core/errors.ts";
import { show } from "../../core/graph/arguments.ts";
import { type BuiltGraph, buildGraph } from "../../core/graph/build.ts";
import type { Graph } from "../../core/graph/node.ts";
import { outputName } from "../../core/graph/operation_name.ts";
import type { Placement } from "../../core/plan/placement.ts";
import { type AnyFlow, type Flow, type FlowOutput, isFlow } from "../../core/program/flow.ts";
import { decode } from "../cbor.ts";
import type { JobCheckpoint } from "../checkpoint/job_checkpoint.ts";
import { persistFlow } from "../program/persist_flow.ts";
import type { Channel } from "./channel.ts";
import { datasetSource } from "./dataset_source.ts";
import type { JobRecord } from "./event_log.ts";
import { compileLimits, type ExecuteLimits } from "./execute_limits.ts";
import type { ExecuteOptions } from "./execute_options.ts";
import { ExecutionRecord } from "./execution.ts";
import type { Executor } from "./executor.ts";
import type { Fleet } from "./fleet.ts";
import { createDatasetHandle, createSinkHandle, type DatasetSource } from "./handle.ts";
import type { Execution, Job, Messenger } from "./job.ts";
import { isMemberEvent, MEMBER_EVENTS, type MemberListeners } from "./job_members.ts";
import { JobScaler } from "./job_scaler.ts";
import { DriverMetagraph } from "./metagraph.ts";
import type { Metagraph, Vertices } from "./metagraph_types.ts";
import { openChannel } from "./open_channel.ts";
import { mapOutputs, type Outputs } from "./outputs.ts";
import { collectRefs, encodeParams, type ParamRefs } from "./param_refs.ts";
import { PlanCache } from "./plan_cache.ts";
import { compareFunctions, estimateOf, followedGroups } from "./planning.ts";
import type { LocalShards } from "./read_dataset.ts";
import type { ProgressSnapshot } from "./running_executions.ts";
import type { Scaler } from "./scaler.ts";
import { discardSinks, openSinks } from "./sink_results.ts";
import { type TakenSet, WorkerSets } from "./worker_sets.ts";

/** What a job is made of; net/driver/local.ts makes it for one machine. */
export interface JobParts {
  readonly id: string;
  readonly args: readonly string[];
  /** That operators may use, all workers together, as many as there are now. */
  readonly memoryBytes: () => number;
  /** Where more workers come from. */
  readonly fleet: Fleet;
  readonly isScalable: boolean;
  /** See the option of the scaler. Default false. */
  readonly replacesLost?: boolean;
  readonly executor: Executor;
  readonly checkpoint?: JobCheckpoint | undefined;
  /** Shards on this host, which need no request to be read. */
  readonly local?: LocalShards;
  readonly onProgress: (progress: ProgressSnapshot | undefined) => void;
  readonly log: (text: string) => void;
  readonly record: (record: JobRecord) => void;
  /** Ends workers, agents and directories. @param end How the job ended, for those who list jobs. */
  readonly close: (end: JobEnd) => Promise<void>;
}

interface Submission {
  readonly record: ExecutionRecord;
  readonly flow: AnyFlow;
  readonly refs: ParamRefs;
  /** What came of the parameters as they were at first. */
  readonly begun: { readonly params: Uint8Array; readonly graph: Graph };
  readonly isFollowed: boolean;
  readonly limits: ExecuteLimits;
}

interface Begun {
  readonly record: ExecutionRecord;
  readonly built: BuiltGraph;
}

/** One run of a driver. Owns its workers and datasets until it is closed. */
export class DriverJob implements Job {
  readonly args: readonly string[];
  readonly id: string;
  readonly messenger: Messenger;
  readonly scaler: Scaler;
  readonly #parts: JobParts;
  readonly #running = new Set<ExecutionRecord>();
  /** Executions that were started, for which nobody has waited yet. */
  readonly #unheard = new Set<ExecutionRecord>();
  readonly #closing = new AbortController();
  readonly #sets: WorkerSets;
  #executions = 0;
  #channels = 0;
  readonly #plans = new PlanCache();
  /** Where equal keys of the job's datasets lie. */
  readonly #placements = new Map<string, Placement>();
  #closed: Promise<void> | undefined;
  #end = SUCCEEDED;
  /** The driver function is at its end: nobody will go on from the checkpoint. */
  #isOver = false;

  constructor(parts: JobParts) {
    this.#parts = parts;
    this.args = parts.args;
    this.id = parts.id;
    const { executor, fleet, isScalable, replacesLost = false, log } = parts;
    const { signal } = this.#closing;
    const scaler = new JobScaler({ executor, fleet, isScalable, replacesLost, log, signal });
    this.scaler = scaler;
    this.#sets = new WorkerSets({
      executor,
      memoryBytesPerWorker: () => this.#memoryBytesPerWorker,
      mayGrow: () => scaler.mayGrow,
      log,
    });
    const { local, checkpoint } = parts;
    checkpoint?.attach({ executor, local, signal, placements: this.#placements, plans: this.#plans, log });
    const agents = executor.agents.map(({ id }) => id);
    parts.record({ kind: "jobStarted", job: parts.id, workers: this.workers, agents });
    const send = (message: unknown, workers: readonly number[] | "all"): Promise<void> =>
      executor.messages.send(message, workers);
    this.messenger = {
      broadcast: (message) => send(message, "all"),
      sendToWorkers: (message, workers) => send(message, workers),
      sendToWorker: (message, worker) => send(message, [worker]),
    };
  }

  get workers(): number {
    return this.#parts.executor.members.size;
  }

  get epoch(): number {
    return this.#parts.executor.members.epoch;
  }

  log(text: string): void {
    this.#parts.log(text);
  }

  on(event: "workerMessage", listener: (message: never, worker: number) => unknown): void;
  on<E extends keyof MemberListeners>(event: E, listener: MemberListeners[E]): void;
  on(event: string, listener: never): void {
    const { executor } = this.#parts;
    if (event === "workerMessage") {
      executor.messages.listen(listener);
    } else if (isMemberEvent(event)) {
      executor.members.listen(event, listener);
    } else {
      const events = ["workerMessage", ...MEMBER_EVENTS].map((name) => `"${name}"`).join(", ");
      throw new TypeError(`Cannot listen for ${show(event)}: the events are ${events}`);
    }
  }

  execute<R extends FlowOutput>(flow: Flow<void, R>): Promise<Outputs<R>>;
  execute<P, R extends FlowOutput>(
    flow: Flow<P, R>,
    params: P,
    options?: ExecuteOptions,
  ): Promise<Outputs<R>>;
  async execute(flow: AnyFlow, params?: unknown, options: ExecuteOptions = {}): Promise<unknown> {
    const { record, built } = this.#begin(flow, params, options, false);
    await record.ended.promise;
    return this.#outputs(record, built, false);
  }

  start<R extends FlowOutput>(flow: Flow<void, R>): Execution<R>;
  start<P, R extends FlowOutput>(flow: Flow<P, R>, params: P, options?: ExecuteOptions): Execution<R>;
  start(flow: AnyFlow, params?: unknown, options: ExecuteOptions = {}): Execution<never> {
    const { record, built } = this.#begin(flow, params, options, true);
    this.#unheard.add(record);
    return {
      id: record.id,
      outputs: this.#outputs(record, built, true),
      get done() {
        return record.heard().ended.promise;
      },
      get progress() {
        return record.progress;
      },
      cancel: () => this.#cancel(record, record.cancelled("go on with", "it was cancelled")),
    };
  }

  metagraph<P, R>(vertices: Vertices<P, R>): Metagraph<R> {
    this.#checkOpen();
    return new DriverMetagraph(vertices, (flow, params, options) => {
      const { record, built } = this.#begin(flow, params, options, false);
      return {
        done: record.heard().ended.promise,
        outputs: () => this.#outputs(record, built, false),
        cancel: (because) => this.#cancel(record, record.cancelled("go on with", because)),
      };
    });
  }

  channel<T>(source: AsyncIterable<T> | Iterable<T>): Channel<T> {
    this.#checkOpen();
    const attempt = `channel-${this.#channels++}`;
    return openChannel({ executor: this.#parts.executor, attempt, source, signal: this.#closing.signal });
  }

  /** The driver function failed: the job's agents are told so at its end. */
  failed(error: unknown): void {
    this.#end = failedEnd(error);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * The driver function is at its end: what it started must have been waited for.
   *
   * @throws The failure of an execution that nobody looked at, or that one still runs.
   */
  checkHeard(): void {
    for (const record of this.#unheard) {
      if (record.isHeard) continue;
      if (record.failure !== undefined) throw record.failure;
      if (!record.hasEnded) throw record.closed();
    }
    this.#isOver = true;
  }

  /** Deletes at once what running executions have staged; for a process that is about to end. */
  sweep(): void {
    for (const record of this.#running) this.#sweep(record);
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    const running = [...this.#running];
    for (const record of running) {
      this.#cancel(record, record.closed());
      record.fail(record.closed());
    }
    this.#parts.onProgress(undefined);
    this.#parts.executor.beginEnd();
    this.#parts.record({ kind: "jobEnded", job: this.id, ...this.#end });
    try {
      await this.#parts.close({ ...this.#end, allWorkers: this.workers });
    } finally {
      for (const record of running) this.#sweep(record);
      await this.#parts.checkpoint?.close(this.#isOver && this.#end === SUCCEEDED);
    }
  }

  #begin(flow: AnyFlow, params: unknown, options: ExecuteOptions, isFollowed: boolean): Begun {
    this.#checkOpen();
    if (!isFlow(flow)) throw new TypeError(`Cannot execute a flow: expected a flow, got ${show(flow)}`);
    const limits = compileLimits(flow.name, options);
    const refs = collectRefs(params);
    const { begun, built } = build(flow, refs);
    const record = new ExecutionRecord(`e${this.#executions++}-${this.id}`, flow.name, (changed) => {
      this.#parts.onProgress(changed.hasEnded ? undefined : changed.progress);
    });
    this.#running.add(record);
    const onAbort = (): void =>
      this.#cancel(record, record.cancelled("go on with", "its signal was aborted"));
    options.signal?.addEventListener("abort", onAbort, { once: true });
    this.#submit({
      record,
      flow,
      refs,
      begun,
      isFollowed,
      limits,
    })
      .catch((error) => record.fail(error))
      .finally(refs.end);
    const finish = (): void => {
      if (limits.isBound) this.#sets.leave(record.id);
      this.#running.delete(record);
      options.signal?.removeEventListener("abort", onAbort);
    };
    record.ended.promise.then(finish, () => {
      finish();
      this.#sweep(record);
    });
    if (options.signal?.aborted === true) onAbort();
    return { record, built };
  }

  async #submit({ record, flow, refs, begun, isFollowed, limits }: Submission): Promise<void> {
    const { executor, checkpoint } = this.#parts;
    await refs.complete();
    // Nobody would sweep what is staged from here on.
    if (record.hasEnded) return;
    const params = encodeParams(flow, refs);
    // The builder sees on the driver what it will see on the workers.
    const isSame = isEqualBytes(params, begun.params);
    const graph = isSame ? begun.graph : buildGraph(flow, decode(params)).graph;
    const past = checkpoint?.begin({ record, graph, params: refs.params(), encoded: params });
    if (past === "done") return;
    const taken = limits.isBound ? await this.#takeWorkers(record, graph, refs, limits) : undefined;
    if (record.hasEnded) return;
    record.graph = graph;
    const size = past ?? this.#facts(taken);
    openSinks(graph, record.id);
    const { plan, template } = await this.#plans.plan(graph, size, this.#placements);
    for (const { node, placement } of plan.outputs) {
      if (placement !== undefined) this.#placements.set(`${record.id}.${node}`, placement);
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
        const { plan } = await this.#plans.plan(graph, this.#facts(), this.#placements);
        return estimateOf(graph, plan);
      },
    });
  }

  /** What plans are made for: the workers that run them. */
  #facts(taken?: TakenSet): { readonly slots: number; readonly memoryBytes: number } {
    // While workers are lost and others come, there may be none for a moment.
    if (taken === undefined)
      return { slots: Math.max(1, this.workers), memoryBytes: this.#parts.memoryBytes() };
    const slots = taken.workers.length;
    return { slots, memoryBytes: slots * taken.memoryBytes };
  }

  get #memoryBytesPerWorker(): number {
    return Math.floor(this.#parts.memoryBytes() / Math.max(1, this.workers));
  }

  #cancel(record: ExecutionRecord, cause: CancelledError): void {
    if (record.isSubmitted) this.#parts.executor.cancel(record.id, cause);
    else record.fail(cause);
  }

  #sweep(record: ExecutionRecord): void {
    if (record.graph !== undefined) discardSinks(record.graph, record.id);
  }

  #outputs(record: ExecutionRecord, { graph, outputs }: BuiltGraph, isFollowed: boolean): never {
    const { checkpoint } = this.#parts;
    return mapOutputs(
      outputs,
      (node) => {
        const source = this.#source(record, node, outputName(graph, node), isFollowed);
        return createDatasetHandle<unknown>(checkpoint?.source(record, node, source) ?? source);
      },
      (node) => createSinkHandle(() => record.sinkResult(node)),
    );
  }

  #source(record: ExecutionRecord, node: number, name: string, isFollowed: boolean): DatasetSource {
    const { executor, local } = this.#parts;
    return datasetSource({
      executor,
      local,
      record,
      node,
      name,
      isFollowed,
      signal: this.#closing.signal,
      onReleased: (dataset) => this.#placements.delete(dataset),
      persist: async (ref, path) => (await this.execute(persistFlow, { input: ref, path })).result(),
    });
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new TypeError("Cannot use the job: it is closed");
  }
}

/** @throws {PlanError} If the builder fails; then nothing is kept. */
function build(flow: AnyFlow, refs: ParamRefs): { built: BuiltGraph; begun: Submission["begun"] } {
  try {
    const params = encodeParams(flow, refs);
    const built = buildGraph(flow, decode(params));
    return { built, begun: { params, graph: built.graph } };
  } catch (error) {
    refs.end();
    throw error;
  }
}

function isEqualBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
