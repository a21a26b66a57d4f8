/**
 * From a graph to its physical plan: looks up what only the machine knows (files, their sizes)
 * and lets core plan with it.
 */

import type { Graph, NodeId } from "../../../core/graph/node.ts";
import { compareValues } from "../../../core/key/compare.ts";
import type { DatasetFacts, PlanFacts } from "../../../core/plan/facts.ts";
import type { PhysicalPlan, SourceSplit } from "../../../core/plan/physical.ts";
import type { Placement } from "../../../core/plan/placement.ts";
import { planGraph } from "../../../core/plan/plan.ts";
import { splitBytes } from "../../../core/plan/split_bytes.ts";
import { resolveSource } from "../../source/resolve.ts";

const SOURCE_KINDS: ReadonlySet<string> = new Set([
  "text",
  "binary",
  "csv",
  "jsonl",
  "files",
  "range",
  "array",
  "generate",
]);

/**
 * Plans a graph for this machine.
 *
 * @param placements Where equal keys of datasets of the job lie, by id, as far as that is known.
 * @throws {LucioleError} If an input is missing or cannot be read.
 * @throws {PlanError} If the graph cannot be planned.
 */
export async function planExecution(
  graph: Graph,
  facts: { readonly slots: number; readonly memoryBytes: number },
  placements: ReadonlyMap<string, Placement> = new Map(),
): Promise<PhysicalPlan> {
  return planGraph(graph, await gatherFacts(graph, facts, placements));
}

/** Looks up what planning must know. @throws {LucioleError} If an input is missing or cannot be read. */
export async function gatherFacts(
  graph: Graph,
  facts: { readonly slots: number; readonly memoryBytes: number },
  placements: ReadonlyMap<string, Placement>,
): Promise<PlanFacts> {
  const sources = new Map<NodeId, { splits: readonly SourceSplit[]; bytes: number }>();
  const datasets = new Map<string, DatasetFacts>();
  for (const node of graph.nodes) {
    if (SOURCE_KINDS.has(node.spec.kind)) sources.set(node.id, await resolveSource(node, facts));
    if (node.spec.kind === "from") {
      const { dataset, shards, bytes, rows } = node.spec;
      datasets.set(dataset, { shards, bytes, rows, placement: placements.get(dataset) });
    }
  }
  return { ...facts, sources, datasets };
}

/** Tasks and bytes read, for those who choose workers. */
export function estimateOf(
  graph: Graph,
  plan: PhysicalPlan,
): { readonly tasks: number; readonly bytes: number } {
  let bytes = 0;
  for (const { spec } of graph.nodes) {
    if (spec.kind === "from" && Number.isFinite(spec.bytes)) bytes += spec.bytes;
  }
  for (const { head } of plan.groups) {
    if (head.kind === "source") for (const split of head.splits) bytes += splitBytes(split);
  }
  return { tasks: plan.groups.reduce((sum, { tasks }) => sum + tasks, 0), bytes };
}

/** The order of every sorting node, for the scheduler's splitters: ascending values turned round where asked. */
export function compareFunctions(graph: Graph): ReadonlyMap<NodeId, (a: unknown, b: unknown) => number> {
  const functions = new Map<NodeId, (a: unknown, b: unknown) => number>();
  for (const { id, spec } of graph.nodes) {
    if (!("descending" in spec)) continue;
    const own = spec.kind === "sort" && spec.fn !== undefined ? spec.fn : compareValues;
    functions.set(id, spec.descending ? (a, b) => own(b, a) : own);
  }
  return functions;
}

/** The groups whose output a client reads from the start. */
export function followedGroups(plan: PhysicalPlan): ReadonlySet<number> {
  return new Set(plan.outputs.filter((output) => output.kind === "dataset").map((output) => output.group));
}
