/**
 * Builds the operators of a task group, from the tail back to the first step.
 *
 * The one place that knows which operator does which step of a plan. It runs
 * nothing.
 */
import type { StepPlan, TaskGroupPlan } from "../plan/physical.ts";
import { createFold } from "./fold.ts";
import { createBroadcastJoin } from "./keyed/broadcast_join.ts";
import { createCombine } from "./keyed/combine.ts";
import { createGroup } from "./keyed/group.ts";
import type { Operator } from "./operator.ts";
import { createSegment, splitSteps } from "./segment.ts";
import { CountingSink, CountingWriter } from "./shard_count.ts";
import type { SideBatches } from "./sides.ts";
import { createSinkEncoder } from "./sink_encoder.ts";
import { createLocalSort } from "./sort/local_sort.ts";
import { createRunWriter } from "./sort/run_writer.ts";
import { createLines, createMapShards, createPipe } from "./steps/async_steps.ts";
import { createIndex } from "./steps/index.ts";
import { createLimit } from "./steps/limit.ts";
import { createTop } from "./steps/top.ts";
import { createDiscard } from "./tails/discard.ts";
import { createExchange } from "./tails/exchange.ts";
import { createStore } from "./tails/store.ts";
import { nodeOf, type TaskScope } from "./task_scope.ts";

export interface Chain {
  /** Takes the rows of the head. */
  readonly first: Operator;
  /** All operators, each to be closed. */
  readonly operators: readonly Operator[];
  /** What the tail writes to; missing when rows go nowhere. */
  readonly output: CountingWriter | CountingSink | undefined;
}

/** How many operators of a group share its memory. */
export function countBlocking(plan: TaskGroupPlan): number {
  const ops = new Set<StepPlan["op"]>(["combine", "group", "top", "sort"]);
  const steps = plan.steps.filter(({ op }) => ops.has(op)).length;
  const head = plan.head.kind === "merge" || plan.head.kind === "join" ? 1 : 0;
  const tails = new Set<string>(["hash", "function", "roundRobin", "runs"]);
  return Math.max(1, steps + head + (tails.has(plan.tail.kind) ? 1 : 0));
}

/** Pushes every operator it makes to `operators` at once, so that a failure half way leaves none open. */
export function buildChain(scope: TaskScope, sides: SideBatches, operators: Operator[]): Chain {
  const output = openOutput(scope);
  let next = createTail(scope, output);
  operators.push(next);
  const steps = scope.plan.steps.filter(({ op }) => op !== "toSink");
  for (const part of splitSteps(steps).reverse()) {
    next = "op" in part ? createStep(scope, part, next, sides) : createSegment(scope, part, next);
    operators.push(next);
  }
  return { first: next, operators, output };
}

function openOutput(scope: TaskScope): CountingWriter | CountingSink | undefined {
  const { tail } = scope.plan;
  switch (tail.kind) {
    case "discard":
      return undefined;
    case "sink":
      return openSink(scope, tail.node);
    default: {
      const partitions = "partitions" in tail ? tail.partitions : 1;
      return new CountingWriter(
        scope.ports.openWriter(partitions, scope.plan.storage),
        partitions,
        scope.totals,
      );
    }
  }
}

const EXTENSIONS = { text: ".txt", csv: ".csv", jsonl: ".jsonl", binary: ".bin" } as const;

function openSink(scope: TaskScope, node: number): CountingSink {
  const { spec } = nodeOf(scope.graph, node);
  if (spec.kind !== "sink") throw new RangeError(`Cannot write to a ${spec.kind}: node ${node} is no sink`);
  const { path, format, isSingle } = spec;
  const sink = scope.ports.openSink({ path, extension: EXTENSIONS[format.kind], single: isSingle });
  return new CountingSink(sink, scope.totals);
}

function createTail(scope: TaskScope, output: Chain["output"]): Operator {
  const { tail } = scope.plan;
  if (output === undefined) return createDiscard();
  if (output instanceof CountingSink) {
    if (tail.kind !== "sink") throw new RangeError(`Cannot end a ${tail.kind} group with a sink file`);
    return createSinkEncoder(scope, nodeOf(scope.graph, tail.node), output);
  }
  switch (tail.kind) {
    case "hash":
    case "function":
    case "roundRobin":
      return createExchange(scope, tail, output);
    case "runs":
      return createRunWriter(scope, tail.order, tail.hasKeyColumn, output);
    default:
      return createStore(scope, output);
  }
}

function createStep(scope: TaskScope, step: StepPlan, next: Operator, sides: SideBatches): Operator {
  switch (step.op) {
    case "combine":
      return createCombine(scope, step, next);
    case "group":
      return createGroup(scope, step, next);
    case "fold":
      return createFold(scope, step, next);
    case "broadcastJoin":
      return createBroadcastJoin({ scope, step, side: sides.get(step) ?? [], next });
    case "sort":
      return createLocalSort(scope, step.order, next);
    case "top":
      return createTop(scope, step, next);
    case "limit":
      return createLimit(scope, step, next);
    case "index":
      return createIndex(scope, step, next);
    default:
      if (isStep(step, "mapShards")) return createMapShards(scope, step, next);
      if (isStep(step, "pipe")) return createPipe(scope, step, next);
      if (isStep(step, "lines")) return createLines(scope, step, next);
      throw new RangeError(`Cannot run the step ${step.op}: it belongs to a segment or a tail`);
  }
}

function isStep<K extends StepPlan["op"]>(step: StepPlan, op: K): step is StepPlan & { readonly op: K } {
  return step.op === op;
}
