/**
 * Words for the parts of a plan, the same in text and in drawings.
 */
import { formatCallSite } from "../graph/call_site.ts";
import type { Graph, NodeId } from "../graph/node.ts";
import { givenNames, operationName } from "../graph/operation_name.ts";
import type { Head, InputEdge, PhysicalPlan, StepPlan, Tail, TaskGroupPlan } from "./physical.ts";
import { headEdges, sideEdges } from "./pieces.ts";

/** One line of a group: what is done, and the user's line that asked for it. */
export interface PlanLine {
  readonly text: string;
  readonly place: string;
}

/** An edge of the drawing: from a group, or from a dataset of the job. */
export interface PlanArrow {
  readonly from: InputEdge["from"];
  readonly to: number;
  readonly label: string;
}

/** Head and steps of a group, in order. */
export function describeGroup(graph: Graph, group: TaskGroupPlan): readonly PlanLine[] {
  const names = givenNames(graph);
  const line = (text: string, node: NodeId | undefined): PlanLine => {
    const name = node === undefined ? undefined : names.get(node);
    return {
      text: name === undefined ? text : `${text} "${name}"`,
      place: node === undefined ? "" : formatCallSite(graph.nodes[node]?.callSite),
    };
  };
  const head = describeHead(graph, group.head);
  return [
    ...(head === undefined ? [] : [line(head, nodeOfHead(group.head))]),
    ...group.steps.map((step) => line(describeStep(graph, step), nodeOfStep(step))),
  ];
}

/** All edges of a plan, the sides of steps among them. */
export function arrowsOf(plan: PhysicalPlan): readonly PlanArrow[] {
  return plan.groups.flatMap((group) => [
    ...headEdges(group.head).map((edge) => ({
      from: edge.from,
      to: group.id,
      label: describeEdge(plan, group, edge),
    })),
    ...sideEdges(group).map(({ edge }) => ({ from: edge.from, to: group.id, label: "broadcast" })),
  ]);
}

/** What a group does with its rows at the end. */
export function describeTail(graph: Graph, tail: Tail): string {
  switch (tail.kind) {
    case "store":
      return "store";
    case "hash":
      return `partition by hash of the ${tail.key === "pair" ? "key" : "row"} into ${tail.partitions}`;
    case "function":
      return `partition by function into ${tail.partitions}`;
    case "roundRobin":
      return `deal into ${tail.partitions}`;
    case "runs":
      return `sorted runs for ${operationName(graph.nodes[tail.order.node].spec)}${tail.order.descending ? ", descending" : ""}`;
    case "sink": {
      const { spec } = graph.nodes[tail.node];
      return spec.kind === "sink" ? `write ${spec.format.kind} to ${spec.path}` : "write";
    }
    case "discard":
      return "discard";
  }
}

/** Bytes for people: `about 12 MiB out`. */
export function formatEstimate(bytes: number): string {
  if (!Number.isFinite(bytes)) return "size unknown";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `about ${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]} out`;
}

/** Undefined when all it does is to read one input: the edge tells that. */
function describeHead(graph: Graph, head: Head): string | undefined {
  const operation = (node: NodeId): string => operationName(graph.nodes[node].spec);
  switch (head.kind) {
    case "source": {
      const { spec } = graph.nodes[head.node];
      return "path" in spec ? `${operation(head.node)} ${spec.path}` : operation(head.node);
    }
    case "read":
      return head.inputs.length === 1 ? undefined : `union of ${head.inputs.length} inputs`;
    case "worker":
      return "worker program";
    case "merge":
      return `${operation(head.order.node)} (merges ${head.input.mode === "range" ? "one range of the runs" : "sorted shards"})`;
    case "join":
      return `${operation(head.node)} (${head.strategy})`;
  }
}

function nodeOfHead(head: Head): NodeId | undefined {
  if (head.kind === "merge") return head.order.node;
  return head.kind === "read" ? undefined : head.node;
}

function describeStep(graph: Graph, step: StepPlan): string {
  const operation = operationName(graph.nodes[nodeOfStep(step)].spec);
  switch (step.op) {
    case "combine":
    case "fold":
      return `${operation} (${step.phase})`;
    case "broadcastJoin":
      return `${operation} (broadcast)`;
    case "limit":
      return `${operation} ${step.n}`;
    default:
      return operation;
  }
}

function nodeOfStep(step: StepPlan): NodeId {
  return step.op === "sort" ? step.order.node : step.node;
}

function describeEdge(plan: PhysicalPlan, reader: TaskGroupPlan, { from, mode }: InputEdge): string {
  const tail = from.kind === "group" ? plan.groups[from.group].tail : undefined;
  switch (mode) {
    case "partition":
      return tail?.kind === "hash" ? "by key" : tail?.kind === "function" ? "by function" : "dealt";
    case "range":
      return "by range";
    case "all":
      return reader.tasks === 1 ? "gathered" : "all to all";
    case "spread":
      return "neighbours joined";
    case "union":
      return "union";
    case "dealt":
      return "dealt out";
    case "forward":
      return "shard by shard";
  }
}
