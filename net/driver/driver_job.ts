/**
 * The job behind the interface that programs hold: its worker set, executions and datasets.
 *
 * Begins and ends executions, and wraps what comes of them in handles. How they get to the scheduler is in
 * execution_submitter.ts.
 */
import { failedEnd, type JobEnd, SUCCEEDED } from "../../core/cluster/job_end.ts";
import type { CancelledError } from "../../core/errors.ts";
import { show } from "../../core/graph/arguments.ts";
import type { BuiltGraph } from "../../core/graph/build.ts";
import { outputName } from "../../core/graph/operation_name.ts";
import { type AnyFlow, type Flow, type FlowOutput, isFlow } from "../../core/program/flow.ts";
import type { JobCheckpoint } from "../checkpoint/job_checkpoint.ts";
import { persistFlow } from "../program/persist_flow.ts";
import { compileLimits } from "./execute_limits.ts";
import type { ExecuteOptions } from "./execute_options.ts";
import { ExecutionRecord } from "./execution.ts";
import type { Execution } from "./execution_types.ts";
import type { JobRecord } from "./executor/event_log.ts";
import { beginFlow, ExecutionSubmitter } from "./executor/execution_submitter.ts";
import type { Executor } from "./executor/executor.ts";
import type { ProgressSnapshot } from "./executor/running_executions.ts";
import { discardSinks } from "./executor/sink_results.ts";
import { createDatasetHandle, createSinkHandle, type DatasetSource } from "./handle.ts";
import type { Job } from "./job.ts";
import type { Fleet } from "./members/fleet.ts";
import { isMemberEvent, MEMBER_EVENTS, type MemberListeners } from "./members/job_members.ts";
import { JobScaler } from "./members/job_scaler.ts";
import { createMessenger, type Messenger } from "./members/messenger.ts";
import type { Scaler } from "./members/scaler.ts";
import { DriverMetagraph } from "./metagraph.ts";
import type { Metagraph, Vertices } from "./metagraph_types.ts";
import { mapOutputs, type Outputs } from "./outputs.ts";
import { collectRefs } from "./param_refs.ts";
import type { Channel } from "./reading/channel.ts";
import { datasetSource } from "./reading/dataset_source.ts";
import { openChannel } from "./reading/open_channel.ts";
import type { LocalShards } from "./reading/read_dataset.ts";

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
  readonly #submitter: ExecutionSubmitter;
  #executions = 0;
  #channels = 0;
  #closed: Promise<void> | undefined;
  #end = SUCCEEDED;
  /** The driver function is at its end: nobody will go on from the checkpoint. */
  #isOver = false;

  constructor(parts: JobParts) {
    this.#parts = parts;
    this.args = parts.args;
    this.id = parts.id;
    const { executor, fleet, isScalable, replacesLost = false, memoryBytes, local, checkpoint, log } = parts;
    const { signal } = this.#closing;
    const scaler = new JobScaler({ executor, fleet, isScalable, replacesLost, log, signal });
    this.scaler = scaler;
    const mayGrow = (): boolean => scaler.mayGrow;
    this.#submitter = new ExecutionSubmitter({ executor, checkpoint, memoryBytes, mayGrow, log });
    const { placements, plans } = this.#submitter;
    checkpoint?.attach({ executor, local, signal, placements, plans, log });
    const agents = executor.agents.map(({ id }) => id);
    parts.record({ kind: "jobStarted", job: parts.id, workers: this.workers, agents });
    this.messenger = createMessenger(executor.messages);
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
    const begun = beginFlow(flow, refs);
    const record = new ExecutionRecord(`e${this.#executions++}-${this.id}`, flow.name, (changed) => {
      this.#parts.onProgress(changed.hasEnded ? undefined : changed.progress);
    });
    this.#running.add(record);
    const onAbort = (): void =>
      this.#cancel(record, record.cancelled("go on with", "its signal was aborted"));
    options.signal?.addEventListener("abort", onAbort, { once: true });
    this.#submitter
      .submit({ record, flow, refs, begun, isFollowed, limits })
      .catch((error) => record.fail(error))
      .finally(refs.end);
    const finish = (): void => {
      if (limits.isBound) this.#submitter.leave(record.id);
      this.#running.delete(record);
      options.signal?.removeEventListener("abort", onAbort);
    };
    record.ended.promise.then(finish, () => {
      finish();
      this.#sweep(record);
    });
    if (options.signal?.aborted === true) onAbort();
    return { record, built: begun.built };
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
        const source = this.#source(record, node, () => outputName(graph, node), isFollowed);
        return createDatasetHandle<unknown>(checkpoint?.source(record, node, source) ?? source);
      },
      (node) => createSinkHandle(() => record.sinkResult(node)),
    );
  }

  #source(record: ExecutionRecord, node: number, nameOf: () => string, isFollowed: boolean): DatasetSource {
    const { executor, local } = this.#parts;
    return datasetSource({
      executor,
      local,
      record,
      node,
      nameOf,
      isFollowed,
      signal: this.#closing.signal,
      onReleased: (dataset) => this.#submitter.placements.delete(dataset),
      persist: async (ref, path) => (await this.execute(persistFlow, { input: ref, path })).result(),
    });
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new TypeError("Cannot use the job: it is closed");
  }
}
