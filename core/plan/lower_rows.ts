/**
 * Lowers sources, closures and sinks.
 */
import { PlanError } from "../errors.ts";
import { formatCallSite } from "../graph/call_site.ts";
import type { GraphNode } from "../graph/node.ts";
import { type Draft, readAll, readShards, startDraft } from "./draft.ts";
import { bytesAfter, ROW_BYTES } from "./estimates.ts";
import type { DatasetFacts } from "./facts.ts";
import type { Lowering } from "./lowering.ts";
import { orderingAfter } from "./ordering.ts";
import type { Head, InputEdge, SourceSplit, StepPlan } from "./physical.ts";
import { placementAfter } from "./placement.ts";

/** Adds a step and follows what is known of the rows through it. */
export function addStep(draft: Draft, node: GraphNode, step: StepPlan): void {
  draft.steps.push(step);
  draft.nodes.push(node.id);
  draft.bytes = bytesAfter(node.spec, draft.bytes);
  draft.placement = placementAfter(node.spec, draft.placement);
  draft.ordering = orderingAfter(node.spec, draft.ordering);
}

/** Steps that carry nothing but their node and, at most, a side. */
export type RowOp = OpBeside<StepPlan, "map">;

/** All ops of the member of a union that has this one. */
type OpBeside<S, Op> = S extends { readonly op: infer O } ? (Op extends O ? O : never) : never;

/** A step that works row by row or shard by shard, with its side. */
export function lowerRowStep(lowering: Lowering, node: GraphNode, op: RowOp): Draft {
  const draft = lowering.chain(node.inputs[0]);
  const [, sideNode] = node.inputs;
  if (sideNode === undefined) {
    addStep(draft, node, { op, node: node.id });
  } else {
    const { from } = lowering.store(lowering.chain(sideNode));
    addStep(draft, node, { op, node: node.id, side: { from, mode: "all" } });
  }
  return draft;
}

export function lowerSource(lowering: Lowering, node: GraphNode): Draft {
  const known = lowering.facts.sources.get(node.id);
  if (known === undefined) {
    throw new PlanError(
      `Cannot plan ${node.spec.kind} at ${formatCallSite(node.callSite)}: its splits are not known`,
    );
  }
  const splits = known.splits.length > 0 ? known.splits : [emptySplit(node)];
  const columns = lowering.columns.get(node.id);
  const head: Head = { kind: "source", node: node.id, splits, ...(columns === undefined ? {} : { columns }) };
  const draft = startDraft({ head, tasks: splits.length, bytes: known.bytes, nodes: [node.id] });
  if (columns !== undefined) draft.notes.push(`only the columns ${columns.join(", ")} are read`);
  return draft;
}

/** Even nothing has one task, so that every group has a shard to read. */
function emptySplit({ spec, callSite }: GraphNode): SourceSplit {
  switch (spec.kind) {
    case "array":
      return { kind: "slice", from: 0, to: 0 };
    case "range":
      return { kind: "range", from: spec.from, to: spec.from };
    case "files":
      return { kind: "paths", paths: [] };
    default:
      throw new PlanError(`Cannot plan ${spec.kind} at ${formatCallSite(callSite)}: it has no splits`);
  }
}

export function lowerFrom(lowering: Lowering, node: GraphNode): Draft {
  if (node.spec.kind !== "from") throw new RangeError(`Cannot read node ${node.id} as a dataset`);
  const { dataset } = node.spec;
  const facts: DatasetFacts = lowering.facts.datasets.get(dataset) ?? node.spec;
  const { shards, bytes, rows, placement } = facts;
  const known = Number.isFinite(bytes) ? bytes : rows * ROW_BYTES;
  const draft = readShards({ from: { kind: "dataset", dataset }, shards, bytes: known, placement });
  draft.nodes.push(node.id);
  return draft;
}

/** One task for each worker; what it reads is dealt to them when they start. */
export function lowerProgram(lowering: Lowering, node: GraphNode): Draft {
  const inputs = node.inputs.map((input): InputEdge => {
    const { from } = lowering.store(lowering.chain(input));
    return { from, mode: "dealt" };
  });
  const head: Head = { kind: "worker", node: node.id, inputs };
  const tasks = lowering.facts.slots;
  return startDraft({ head, tasks, bytes: tasks * ROW_BYTES, nodes: [node.id], hasDemandedShards: true });
}

/** Ends the chain in files, or in a closure; returns the group. */
export function lowerSink(lowering: Lowering, node: GraphNode): number {
  let draft = lowering.chain(node.inputs[0]);
  if (node.spec.kind === "sink" && node.spec.isSingle && draft.tasks > 1) {
    draft = readAll(lowering.store(draft));
    draft.notes.push("one task: the sink writes a single file");
  }
  const isClosure = node.spec.kind === "forEach";
  addStep(draft, node, { op: isClosure ? "forEach" : "toSink", node: node.id });
  return lowering.close(draft, isClosure ? { kind: "discard" } : { kind: "sink", node: node.id });
}
