/**
 * Calls the builder of a flow and freezes what it made.
 *
 * The same flow and parameters must give the same graph everywhere; the
 * fingerprint tells whether they did. Nothing here plans.
 */
import type { AnyFlow } from "../program/flow.ts";
import { createBuilder } from "./builder.ts";
import { formatCallSite, isEngineStack } from "./call_site.ts";
import type { Graph } from "./node.ts";
import { Recorder } from "./recorder.ts";
import { validateOutputs } from "./validate.ts";

/** A graph and what the builder returned. */
export interface BuiltGraph {
  readonly graph: Graph;
  /** The structure that the builder returned, with Dataset and Sink leaves. */
  readonly outputs: unknown;
}

/**
 * Builds the graph of a flow.
 *
 * @throws {PlanError} If the graph cannot be run; what the builder throws passes through.
 */
export function buildGraph(flow: AnyFlow, params: unknown): BuiltGraph {
  const recorder = new Recorder(flow.name, flow.callSite);
  const outputs = callBuilder(flow, recorder, params);
  recorder.close();
  const nodes = Object.freeze([...recorder.nodes]);
  const graph = Object.freeze({
    flow: flow.name,
    nodes,
    outputs: Object.freeze(validateOutputs(recorder, flow.callSite, outputs)),
  });
  return { graph, outputs };
}

function callBuilder(flow: AnyFlow, recorder: Recorder, params: unknown): unknown {
  try {
    return flow.builder(createBuilder(recorder), params as never);
  } catch (error) {
    if (error instanceof TypeError && params === undefined && flow.builder.length > 1) {
      error.message += ` (flow "${flow.name}" was given no parameters)`;
    }
    // A call in tail position leaves no frame, so the stack may not say which flow it was.
    if (error instanceof Error && isEngineStack(error.stack ?? "") && !error.message.includes("flow ")) {
      error.message += ` (in flow "${flow.name}" at ${formatCallSite(flow.callSite)})`;
    }
    throw error;
  }
}
