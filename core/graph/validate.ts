/**
 * Checks a graph when its builder has returned, and blames the user's line.
 *
 * Arguments are checked at their call; here is what only the whole shows.
 */
import { isPlainObject } from "../batch/shape.ts";
import { PlanError } from "../errors.ts";
import { formatCallSite } from "./call_site.ts";
import { BroadcastNode, DatasetNode, SinkNode } from "./dataset_node.ts";
import type { CallSite, NodeId } from "./node.ts";
import type { Recorder } from "./recorder.ts";

/**
 * Finds the nodes that the execution must make: what was returned, and every sink.
 *
 * @throws {PlanError} If a returned value is no output, belongs to another graph, or there is nothing to make.
 */
export function validateOutputs(
  recorder: Recorder,
  flowSite: CallSite | undefined,
  returned: unknown,
): NodeId[] {
  const outputs = new Set<NodeId>();
  collect(recorder, flowSite, returned, "the result", outputs);
  for (const node of recorder.nodes) {
    if (node.spec.kind === "sink" || node.spec.kind === "forEach") outputs.add(node.id);
  }
  if (outputs.size === 0) {
    throw new PlanError(
      `Cannot plan flow "${recorder.flow}" at ${formatCallSite(flowSite)}: ` +
        "it returns no dataset and has no sink, so there is nothing to make",
    );
  }
  return [...outputs];
}

function collect(
  recorder: Recorder,
  flowSite: CallSite | undefined,
  value: unknown,
  place: string,
  outputs: Set<NodeId>,
): void {
  if (value === undefined) return;
  if (value instanceof DatasetNode || value instanceof SinkNode) {
    if (value.recorder !== recorder) throw foreign(recorder, value, place);
    outputs.add(value.node);
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) collect(recorder, flowSite, item, `${place}[${i}]`, outputs);
  } else if (isPlainObject(value)) {
    for (const [name, item] of Object.entries(value)) {
      collect(recorder, flowSite, item, `${place}.${name}`, outputs);
    }
  } else {
    throw new PlanError(
      `Cannot plan flow "${recorder.flow}" at ${formatCallSite(flowSite)}: ` +
        `${place} must be a dataset or a sink, got ${describe(value)}`,
    );
  }
}

function foreign(recorder: Recorder, value: DatasetNode<unknown> | SinkNode, place: string): PlanError {
  const node = value.recorder.nodes[value.node];
  return new PlanError(
    `Cannot plan flow "${recorder.flow}": ${place} is ${node.spec.kind} of ${formatCallSite(node.callSite)}, ` +
      `which belongs to another graph (flow "${value.recorder.flow}")`,
  );
}

function describe(value: unknown): string {
  if (value instanceof BroadcastNode) return "a broadcast: return its dataset instead";
  if (value instanceof Promise) return "a promise: a builder must not be async";
  return value === null ? "null" : `a ${typeof value}`;
}
