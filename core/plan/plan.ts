/**
 * Lowers a logical graph to task groups.
 *
 * A pure function of the graph and of facts: nothing is read, nothing runs. Each
 * family of operations is lowered in its own file; here is only the walk.
 */
import { PlanError } from "../errors.ts";
import { fingerprint } from "../graph/fingerprint.ts";
import type { Graph, GraphNode, NodeKind } from "../graph/node.ts";
import type { Draft } from "./draft.ts";
import type { PlanFacts } from "./facts.ts";
import { fusionRule, isSink } from "./fusion.ts";
import { lowerCogroup, lowerJoin } from "./lower_join.ts";
import { lowerCombine, lowerGroup, lowerLocalKeyed } from "./lower_keyed.ts";
import { lowerPlacement, lowerUnion } from "./lower_placement.ts";
import { lowerFrom, lowerProgram, lowerRowStep, lowerSink, lowerSource, type RowOp } from "./lower_rows.ts";
import { lowerLocalSort, lowerMergeSorted, lowerSort } from "./lower_sort.ts";
import { lowerFold, lowerIndex, lowerLimit, lowerTop } from "./lower_whole.ts";
import { Lowering } from "./lowering.ts";
import type { PhysicalPlan, PlanOutput } from "./physical.ts";

/**
 * Plans a graph.
 *
 * @param facts Slots, splits of the sources, and figures of earlier datasets.
 * @returns Groups in topological order; nodes that no output needs are not planned.
 * @throws {PlanError} If the splits of a source are not known, or there are no slots.
 */
export function planGraph(graph: Graph, facts: PlanFacts): PhysicalPlan {
  if (!(facts.slots >= 1)) {
    throw new PlanError(`Cannot plan flow "${graph.flow}": it needs at least 1 slot, got ${facts.slots}`);
  }
  const rule = fusionRule(graph);
  const lowering = new Lowering(graph, facts, rule);
  const sinks = new Map<number, number>();
  for (const node of rule.reachable) {
    if (isSink(node)) sinks.set(node.id, lowerSink(lowering, node));
    else lowering.put(node.id, lowerNode(lowering, node));
  }
  const outputs = graph.outputs.map((node): PlanOutput => {
    const sink = sinks.get(node);
    return sink === undefined
      ? { node, ...lowering.outputOf(node), kind: "dataset" }
      : { node, group: sink, kind: "sink" };
  });
  return { flow: graph.flow, fingerprint: fingerprint(graph), groups: lowering.groups, outputs };
}

type Lower = (lowering: Lowering, node: GraphNode) => Draft;

const step =
  (op: RowOp): Lower =>
  (lowering, node) =>
    lowerRowStep(lowering, node, op);

/** How each kind is lowered; marks and broadcasts plan as their input, sinks end their chain. */
const LOWER: Readonly<Record<Exclude<NodeKind, "mark" | "broadcast" | "sink" | "forEach">, Lower>> = {
  text: lowerSource,
  binary: lowerSource,
  csv: lowerSource,
  jsonl: lowerSource,
  files: lowerSource,
  range: lowerSource,
  array: lowerSource,
  generate: lowerSource,
  worker: lowerProgram,
  from: lowerFrom,
  map: step("map"),
  filter: step("filter"),
  flatMap: step("flatMap"),
  tap: step("tap"),
  mapValues: step("mapValues"),
  keyBy: step("keyBy"),
  mapShards: step("mapShards"),
  keys: step("keys"),
  values: step("values"),
  words: step("words"),
  sample: step("sample"),
  pipe: step("pipe"),
  lines: step("lines"),
  repartition: lowerPlacement,
  roundRobin: lowerPlacement,
  coalesce: lowerPlacement,
  partitionBy: lowerPlacement,
  partitionByKey: lowerPlacement,
  union: lowerUnion,
  reduceByKey: lowerCombine,
  aggregateByKey: lowerCombine,
  countByKey: lowerCombine,
  sumByKey: lowerCombine,
  minByKey: lowerCombine,
  maxByKey: lowerCombine,
  countByValue: lowerCombine,
  distinct: lowerCombine,
  groupByKey: lowerGroup,
  localReduceByKey: lowerLocalKeyed,
  localGroupByKey: lowerLocalKeyed,
  join: lowerJoin,
  cogroup: lowerCogroup,
  sortBy: lowerSort,
  sortByKey: lowerSort,
  sort: lowerSort,
  localSort: lowerLocalSort,
  mergeSorted: lowerMergeSorted,
  top: lowerTop,
  limit: lowerLimit,
  zipWithIndex: lowerIndex,
  reduce: lowerFold,
  aggregate: lowerFold,
  count: lowerFold,
  sum: lowerFold,
  min: lowerFold,
  max: lowerFold,
  mean: lowerFold,
  stats: lowerFold,
};

function lowerNode(lowering: Lowering, node: GraphNode): Draft {
  const { kind } = node.spec;
  if (kind === "mark" || kind === "broadcast" || kind === "sink" || kind === "forEach") {
    throw new RangeError(`Cannot lower node ${node.id}: ${kind} is not a step`);
  }
  return LOWER[kind](lowering, node);
}
