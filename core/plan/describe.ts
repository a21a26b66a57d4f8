/**
 * Words for the parts of a plan, the same in text and in drawings.
 */
import { formatCallSite } from "../graph/call_site.ts";
import type { Graph, NodeId } from "../graph/node.ts";
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
  return [
    line(describeHead(graph, group.head), nodeOfHead(group.head)),
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
      return `sorted runs${tail.order.descending ? ", descending" : ""}`;
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

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function describeHead(graph: Graph, head: Head): string {
  switch (head.kind) {
    case "source": {
      const { spec } = graph.nodes[head.node];
      return "path" in spec ? `${spec.kind} ${spec.path}` : spec.kind;
    }
    case "read":
      return head.inputs.length === 1 ? "read" : `read ${head.inputs.length} inputs`;
    case "merge":
      return head.input.mode === "range" ? "merge one range of the runs" : "merge sorted shards";
    case "join":
      return head.how === "cogroup" ? "cogroup" : `${head.how} join (${head.strategy})`;
  }
}

function nodeOfHead(head: Head): NodeId | undefined {
  if (head.kind === "merge") return head.order.node;
  return head.kind === "read" ? undefined : head.node;
}

function describeStep(graph: Graph, step: StepPlan): string {
  switch (step.op) {
    case "combine":
    case "fold":
      return `${graph.nodes[step.node].spec.kind} (${step.phase})`;
    case "group":
    case "index":
      return graph.nodes[step.node].spec.kind;
    case "broadcastJoin":
      return `${step.how} join (broadcast)`;
    case "limit":
      return `limit ${step.n}`;
    default:
      return step.op;
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
    case "forward":
      return "shard by shard";
  }
}

/** Names that the user gave, by the node that they name. */
function givenNames(graph: Graph): ReadonlyMap<NodeId, string> {
  const names = new Map<NodeId, string>();
  const real = (id: NodeId): NodeId => {
    const { spec, inputs } = graph.nodes[id];
    return spec.kind === "mark" || spec.kind === "broadcast" ? real(inputs[0]) : id;
  };
  for (const { id, spec } of graph.nodes) {
    if (spec.kind === "mark" && spec.marks.name !== undefined) names.set(real(id), spec.marks.name);
  }
  return names;
}
