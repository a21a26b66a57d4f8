/**
 * Lowers a logical graph to task groups.
 *
 * A pure function of the graph and of facts: nothing is read, nothing runs. Each
 * family of operations is lowered in its own file; here is only the walk.
 */
import { PlanError } from "../errors.ts";
import { fingerprint } from "../graph/fingerprint.ts";
import type { Graph, GraphNode } from "../graph/node.ts";
import type { Draft } from "./draft.ts";
import type { PlanFacts } from "./facts.ts";
import { fusionRule, isSink } from "./fusion.ts";
import { lowerCogroup, lowerJoin } from "./lower_join.ts";
import { lowerCombine, lowerGroup, lowerLocalKeyed } from "./lower_keyed.ts";
import { lowerPlacement, lowerUnion } from "./lower_placement.ts";
import { lowerFrom, lowerRowStep, lowerSink, lowerSource } from "./lower_rows.ts";
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
      ? { node, group: lowering.groupOf(node), kind: "dataset" }
      : { node, group: sink, kind: "sink" };
  });
  return { flow: graph.flow, fingerprint: fingerprint(graph), groups: lowering.groups, outputs };
}

function lowerNode(lowering: Lowering, node: GraphNode): Draft {
  const { kind } = node.spec;
  switch (kind) {
    case "text":
    case "binary":
    case "csv":
    case "jsonl":
    case "files":
    case "range":
    case "array":
    case "generate":
      return lowerSource(lowering, node);
    case "from":
      return lowerFrom(lowering, node);
    case "map":
    case "filter":
    case "flatMap":
    case "tap":
    case "mapValues":
    case "keyBy":
    case "mapShards":
    case "keys":
    case "values":
    case "words":
    case "sample":
    case "pipe":
    case "lines":
      return lowerRowStep(lowering, node, kind);
    case "repartition":
    case "roundRobin":
    case "coalesce":
    case "partitionBy":
    case "partitionByKey":
      return lowerPlacement(lowering, node);
    case "union":
      return lowerUnion(lowering, node);
    default:
      return lowerExchanging(lowering, node);
  }
}

/** The operations that look at more than their own shard. */
function lowerExchanging(lowering: Lowering, node: GraphNode): Draft {
  const { kind } = node.spec;
  switch (kind) {
    case "reduceByKey":
    case "aggregateByKey":
    case "countByKey":
    case "countByValue":
    case "distinct":
      return lowerCombine(lowering, node);
    case "groupByKey":
      return lowerGroup(lowering, node);
    case "localReduceByKey":
    case "localGroupByKey":
      return lowerLocalKeyed(lowering, node);
    case "join":
      return lowerJoin(lowering, node);
    case "cogroup":
      return lowerCogroup(lowering, node);
    case "sortBy":
    case "sortByKey":
    case "sort":
      return lowerSort(lowering, node);
    case "localSort":
      return lowerLocalSort(lowering, node);
    case "mergeSorted":
      return lowerMergeSorted(lowering, node);
    case "top":
      return lowerTop(lowering, node);
    case "limit":
      return lowerLimit(lowering, node);
    case "zipWithIndex":
      return lowerIndex(lowering, node);
    case "reduce":
    case "aggregate":
    case "count":
    case "sum":
    case "min":
    case "max":
    case "mean":
    case "stats":
      return lowerFold(lowering, node);
    default:
      throw new PlanError(`Cannot plan node ${node.id}: ${kind} is not a step`);
  }
}
