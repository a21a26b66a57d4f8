/**
 * One run of one flow, as the driver's program sees it.
 *
 * Made by `job.start`: its outputs can be read while it runs, `done` tells how it ended.
 * It listens to the executor and holds what was heard; it sends nothing itself.
 */
import { CancelledError, fromWireError } from "../../core/errors.ts";
import type { Graph } from "../../core/graph/node.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import type { ExecutionTotals } from "./execution_types.ts";
import type { ExecutionListener, ProgressSnapshot } from "./executor/running_executions.ts";
import type { SinkResult } from "./executor/sink_results.ts";

/** A promise with its two ends. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Who never looks at an output must not be told of its failure as unhandled.
    this.promise.catch(() => undefined);
  }
}

/** The state of one execution in the driver. */
export class ExecutionRecord implements ExecutionListener {
  readonly id: string;
  /** Name of its flow. */
  readonly flow: string;
  /** Set when the plan is made. */
  graph: Graph | undefined;
  readonly ended = new Deferred<ExecutionTotals>();
  /** True once the executor knows of it. */
  isSubmitted = false;
  /** Datasets of it whose handles are gone. */
  readonly dropped = new Set<string>();
  /** Why it failed. */
  failure: unknown;
  #isHeard = false;
  readonly #ready = new Map<number, Deferred<void>>();
  #change = new Deferred<void>();
  #sinks: ReadonlyMap<number, SinkResult> = new Map();
  #progress: ProgressSnapshot | undefined;
  #hasEnded = false;
  readonly #onChange: (record: ExecutionRecord) => void;

  constructor(id: string, flow: string, onChange: (record: ExecutionRecord) => void) {
    this.id = id;
    this.flow = flow;
    this.#onChange = onChange;
  }

  get progress(): ProgressSnapshot | undefined {
    return this.#progress;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether somebody waits for it, and so hears of its failure. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  /** Notes that somebody waits for it. */
  heard(): this {
    this.#isHeard = true;
    return this;
  }

  /** Resolves when the output's place is known: from its first attempt on when it is followed. */
  ready(node: number): Promise<void> {
    return this.#readyOf(node).promise;
  }

  /** What a sink wrote, once everything is published. */
  async sinkResult(node: number): Promise<SinkResult> {
    await this.heard().ended.promise;
    const result = this.#sinks.get(node);
    if (result !== undefined) return result;
    // A sink without files: forEach.
    return { path: "", rows: 0, bytes: 0, files: [] };
  }

  /** Resolves when the place of another shard is known, or the execution has ended. */
  changed(): Promise<void> {
    return this.#change.promise;
  }

  onOutputReady(node: number): void {
    this.#readyOf(node).resolve();
    this.#announce();
  }

  onProgress(progress: ProgressSnapshot): void {
    this.#progress = progress;
    this.#onChange(this);
  }

  onEnded(outcome: ExecutionOutcome, sinks: ReadonlyMap<number, SinkResult>): void {
    this.#sinks = sinks;
    if (outcome.kind === "done") {
      this.#hasEnded = true;
      for (const ready of this.#ready.values()) ready.resolve();
      this.ended.resolve(outcome.totals);
      this.#announce();
      this.#onChange(this);
    } else {
      this.fail(fromWireError(outcome.error));
    }
  }

  /** Ends it before or while it runs. */
  fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.failure = error;
    for (const ready of this.#ready.values()) ready.reject(error);
    this.ended.reject(error);
    this.#announce();
    this.#onChange(this);
  }

  /** The error of an execution whose job was closed under it. */
  closed(): CancelledError {
    return this.cancelled("complete", "the job was closed before; wait for it with await");
  }

  /** The error of an execution that does not come to its end. */
  cancelled(doing: string, state: string): CancelledError {
    return new CancelledError(`Cannot ${doing} flow "${this.flow}": ${state}`, {
      fields: { flow: this.flow, execution: this.id },
    });
  }

  #announce(): void {
    const change = this.#change;
    this.#change = new Deferred();
    change.resolve();
  }

  #readyOf(node: number): Deferred<void> {
    let ready = this.#ready.get(node);
    if (ready === undefined) {
      ready = new Deferred();
      if (this.failure !== undefined) ready.reject(this.failure);
      else if (this.#hasEnded) ready.resolve();
      this.#ready.set(node, ready);
    }
    return ready;
  }
}
