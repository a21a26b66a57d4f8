/**
 * What all operators of one running task share: its plan, ports, budget and totals.
 *
 * The scope also names the culprit when user code throws. It knows nothing of
 * single operators. The task closes every operator itself, so an operator
 * finishes its next one but never closes it.
 */
import { describeThrown, LucioleError, TaskError } from "../errors.ts";
import { isEngineStack } from "../graph/call_site.ts";
import type { Graph, GraphNode, NodeId } from "../graph/node.ts";
import { operationName } from "../graph/operation_name.ts";
import type { StepPlan, TaskGroupPlan, TaskInput } from "../plan/physical.ts";
import { filesOfTask } from "../plan/task_place.ts";
import type { TaskReport } from "../schedule/report.ts";
import type { TaskContext } from "./context.ts";
import type { KeptTable } from "./keyed/kept_table.ts";
import type { TaskPorts } from "./ports.ts";

/** Totals of the attempt as they grow; `counters` belong to the context, so they stay empty here. */
export type Totals = { -readonly [K in keyof TaskReport]: TaskReport[K] } & {
  samples: Record<string, readonly string[]>;
};

export interface TaskScope {
  readonly graph: Graph;
  readonly plan: TaskGroupPlan;
  readonly task: number;
  readonly input: TaskInput;
  readonly context: TaskContext;
  readonly ports: TaskPorts;
  /** Bytes that one blocking operator may hold: its share of the task's. */
  readonly memoryBytes: number;
  readonly totals: Totals;
  /** Set where tasks run one after the other. */
  readonly kept?: KeptTable | undefined;
  /** The context that the closure of this step gets: with `side` when it reads a broadcast dataset. */
  contextOf(step: StepPlan): TaskContext;
  /**
   * Called between batches, by heads and by operators that emit many: tells what to wait for, if anything
   * (asynchronous operators, the writer), and sends the totals on.
   *
   * @throws {CancelledError} If the attempt was cancelled.
   */
  settle(): Promise<void> | undefined;
  /** @throws {TaskError} Naming the step, the user's line, the shard and the row, with the error as cause. */
  fail(node: NodeId, error: unknown, row?: number): never;
}

/** The node of a plan's step; a plan that names another one was made for another graph. */
export function nodeOf(graph: Graph, id: NodeId): GraphNode {
  const node = graph.nodes[id];
  if (node === undefined) throw new RangeError(`Cannot find node ${id}: the graph has ${graph.nodes.length}`);
  return node;
}

/** Wraps what user code threw; the engine's own errors (a full disk, a cancellation) are thrown as they are. */
export function failStep(
  scope: Pick<TaskScope, "graph" | "plan" | "task">,
  id: NodeId,
  error: unknown,
  row?: number,
): never {
  if (error instanceof LucioleError && error.code !== "not-serialisable") throw error;
  const node = nodeOf(scope.graph, id);
  const site = node.callSite === undefined ? "" : `${node.callSite.file}:${node.callSite.line}`;
  const files = filesOfTask(scope.plan, scope.task);
  const shard = files === undefined ? `shard ${scope.task}` : `shard ${scope.task} of ${files}`;
  const place = row === undefined ? shard : `${shard}, row ${row}`;
  const step = operationName(node.spec);
  throw new TaskError(
    `Cannot run ${step}${site === "" ? "" : ` at ${site}`}: ${place}: ${describeFailure(error)}`,
    {
      cause: error,
      fields: {
        step,
        node: id,
        callSite: site,
        shard: scope.task,
        ...(files === undefined ? {} : { files }),
        ...(row === undefined ? {} : { row }),
      },
    },
  );
}

/** The engine's own complaint needs no name of a class before it. */
function describeFailure(error: unknown): string {
  return error instanceof Error && isEngineStack(error.stack ?? "") ? error.message : describeThrown(error);
}
