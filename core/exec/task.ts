/**
 * Runs one task group in a worker: head → steps → tail.
 *
 * Owns the life of a task's operators: built, fed, finished, and closed whatever
 * happens. It knows nothing of processes or of who ordered the task.
 */
import { CancelledError } from "../errors.ts";
import type { Graph } from "../graph/node.ts";
import type { StepPlan, TaskGroupPlan, TaskInput } from "../plan/physical.ts";
import { NO_TOTALS, type ShardReport } from "../schedule/report.ts";
import { buildChain, countBlocking } from "./chain.ts";
import type { SideContext, TaskContext } from "./context.ts";
import { runHashJoin } from "./keyed/hash_join.ts";
import type { KeptTable } from "./keyed/kept_table.ts";
import type { Operator } from "./operator.ts";
import { runPieceHead } from "./piece_head.ts";
import type { TaskPorts } from "./ports.ts";
import { runProgramHead } from "./program_head.ts";
import { loadSides, sideContext } from "./sides.ts";
import { runMergeHead } from "./sort/merge_head.ts";
import { runMergeJoin } from "./sort/merge_join.ts";
import { runSourceHead } from "./source_head.ts";
import { failStep, type TaskScope, type Totals } from "./task_scope.ts";

export interface TaskGroupOptions {
  readonly graph: Graph;
  readonly plan: TaskGroupPlan;
  readonly task: number;
  readonly input: TaskInput;
  readonly context: TaskContext;
  readonly ports: TaskPorts;
  /** For the tasks of one worker, which run one after the other. */
  readonly kept?: KeptTable;
}

/**
 * Runs a task to its end.
 *
 * @throws {TaskError} If user code threw.
 * @throws {CancelledError} If the ports' signal was aborted.
 */
export async function runTaskGroup(options: TaskGroupOptions): Promise<ShardReport> {
  const task = new RunningTask(options);
  try {
    return await task.run();
  } finally {
    task.close();
  }
}

/** Offsets of columns and of keys are 32-bit: what an operator holds must fit in one. */
const MAX_OPERATOR_BYTES = 2 ** 31;

class RunningTask implements TaskScope {
  readonly graph: Graph;
  readonly plan: TaskGroupPlan;
  readonly task: number;
  readonly input: TaskInput;
  readonly context: TaskContext;
  readonly ports: TaskPorts;
  readonly memoryBytes: number;
  readonly kept: KeptTable | undefined;
  readonly totals: Totals = { ...NO_TOTALS, counters: {}, samples: {} };
  readonly #sides = new Map<StepPlan, SideContext<unknown>>();
  readonly #operators: Operator[] = [];
  #failure: { readonly error: unknown } | undefined;
  #drains: (() => Promise<void> | undefined)[] = [];

  constructor(options: TaskGroupOptions) {
    this.graph = options.graph;
    this.plan = options.plan;
    this.task = options.task;
    this.input = options.input;
    this.context = options.context;
    this.ports = options.ports;
    this.kept = options.kept;
    const share = Math.floor(options.ports.memoryBytes / countBlocking(options.plan));
    this.memoryBytes = Math.min(share, MAX_OPERATOR_BYTES);
  }

  async run(): Promise<ShardReport> {
    const breath = this.settle();
    if (breath !== undefined) await breath;
    const batches = await loadSides(this);
    for (const [step, side] of batches) {
      if (step.op !== "broadcastJoin") this.#sides.set(step, sideContext(this.context, side));
    }
    const { first, output } = buildChain(this, batches, this.#operators);
    this.#drains = this.#operators
      .filter((each) => each.drained !== undefined)
      .map((each) => () => each.drained?.());
    const stopFlushing = this.ports.everyMoment?.(() => this.#flush());
    try {
      await this.#runHead(first);
    } finally {
      stopFlushing?.();
    }
    await first.finish();
    const waiting = this.settle();
    if (waiting !== undefined) await waiting;
    return output?.report() ?? { partitions: [] };
  }

  /** What cannot be released is told, not thrown: it must not hide why the task failed. */
  close(): void {
    for (const operator of this.#operators) {
      try {
        operator.close?.();
      } catch (error) {
        this.ports.log({ level: "warn", text: `Cannot clean up after ${this.plan.label}: ${String(error)}` });
      }
    }
  }

  contextOf(step: StepPlan): TaskContext {
    return this.#sides.get(step) ?? this.context;
  }

  settle(): Promise<void> | undefined {
    this.#checkCancelled();
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#report();
    const waits: Promise<void>[] = [];
    for (const drained of this.#drains) {
      const wait = drained();
      if (wait !== undefined) waits.push(wait);
    }
    const breath = this.ports.breathe?.();
    if (breath !== undefined) waits.push(breath);
    if (waits.length === 0) return undefined;
    return Promise.all(waits).then(() => this.#checkCancelled());
  }

  fail(node: number, error: unknown, row?: number): never {
    failStep(this, node, error, row);
  }

  async #runHead(first: Operator): Promise<void> {
    const { head } = this.plan;
    switch (head.kind) {
      case "source":
        return runSourceHead(this, head, first);
      case "read":
        return runPieceHead(this, first);
      case "worker":
        return runProgramHead(this, head, first);
      case "merge":
        return runMergeHead(this, head, first);
      case "join":
        return head.strategy === "hash" ? runHashJoin(this, head, first) : runMergeJoin(this, head, first);
    }
  }

  /** Followers must not wait for a batch to fill. A failure is thrown where the task next looks. */
  #flush(): void {
    try {
      // From the head to the tail, so that what one hands on the next does not keep for another moment.
      for (const operator of this.#operators.toReversed()) operator.flush?.();
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #checkCancelled(): void {
    if (!this.ports.signal.aborted) return;
    throw new CancelledError(`Cannot go on with task ${this.task} of ${this.plan.label}: it was cancelled`);
  }

  #report(): void {
    const { counters: _, ...totals } = this.totals;
    this.ports.report(totals);
  }
}
