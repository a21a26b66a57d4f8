/**
 * The executions of a job that somebody waits for: what their owners, the event log and the log are told of them.
 *
 * It does not know how they are computed.
 */
import { toWireError, type WireError } from "../../../core/errors.ts";
import { skippedText } from "../../../core/exec/source/fault_log.ts";
import type { Graph } from "../../../core/graph/node.ts";
import type { PhysicalPlan } from "../../../core/plan/physical.ts";
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import type { JobCommand } from "../../../core/schedule/job_state.ts";
import type { ExecutionOutcome } from "../../../core/schedule/outcome.ts";
import type { JobRecord } from "./event_log.ts";
import { endRecord, startRecord } from "./event_records.ts";
import { withPlace } from "./failure_place.ts";
import { publishSinks, type SinkResult } from "./sink_results.ts";

export type ProgressSnapshot = Extract<JobCommand, { kind: "progress" }>;
export type PublishCommand = Extract<JobCommand, { kind: "publishSinks" }>;

/** What the owner of an execution hears of it. */
export interface ExecutionListener {
  onOutputReady(node: number): void;
  onProgress(progress: ProgressSnapshot): void;
  /** All parts of the sinks are there; nothing is published before this resolves. */
  onPublishing?(command: PublishCommand): Promise<void>;
  onEnded(outcome: ExecutionOutcome, sinks: ReadonlyMap<number, SinkResult>): void;
}

/** What the job hears from its agents. */
export interface JobListener {
  onLog(event: Extract<AgentEvent, { kind: "log" }>): void;
  onWarning(text: string): void;
  /** For the event log. */
  record(record: JobRecord): void;
}

interface RunningExecution {
  readonly graph: Graph;
  readonly plan: PhysicalPlan;
  readonly listener: ExecutionListener;
}

export class RunningExecutions {
  readonly #running = new Map<string, RunningExecution & { readonly sinks: Map<number, SinkResult> }>();
  readonly #job: JobListener;

  constructor(job: JobListener) {
    this.#job = job;
  }

  get ids(): readonly string[] {
    return [...this.#running.keys()];
  }

  has(execution: string): boolean {
    return this.#running.has(execution);
  }

  add(execution: string, running: RunningExecution): void {
    this.#running.set(execution, { ...running, sinks: new Map() });
    this.#job.record(startRecord(execution, running.plan));
  }

  outputReady(execution: string, node: number): void {
    this.#running.get(execution)?.listener.onOutputReady(node);
  }

  progress(progress: ProgressSnapshot): void {
    this.#running.get(progress.execution)?.listener.onProgress(progress);
  }

  /** Publishes the sinks of an execution. @returns Why it did not work. */
  async publish(command: PublishCommand): Promise<WireError | undefined> {
    const { execution, sinks } = command;
    const running = this.#running.get(execution);
    if (running === undefined) return undefined;
    try {
      await running.listener.onPublishing?.(command);
      publishSinks(running.graph, execution, sinks, running.sinks);
      return undefined;
    } catch (error) {
      return toWireError(error);
    }
  }

  end(execution: string, outcome: ExecutionOutcome): void {
    const running = this.#running.get(execution);
    if (running === undefined) return;
    this.#running.delete(execution);
    const skipped = outcome.kind === "done" ? skippedText(outcome.totals) : undefined;
    if (skipped !== undefined) this.#job.onWarning(skipped);
    const placed = withPlace(outcome, running.graph, running.plan);
    this.#job.record(endRecord(execution, placed));
    running.listener.onEnded(placed, running.sinks);
  }
}
