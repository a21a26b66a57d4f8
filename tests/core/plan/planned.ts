/** Plans a flow for a test: sources have the splits and bytes that the test says. */
import { buildGraph } from "../../../core/graph/build.ts";
import type { FlowBuilder } from "../../../core/graph/builder.ts";
import type { Graph, GraphNode } from "../../../core/graph/node.ts";
import type { PlanFacts } from "../../../core/plan/facts.ts";
import type { PhysicalPlan, SourceSplit, StepPlan } from "../../../core/plan/physical.ts";
import { planGraph } from "../../../core/plan/plan.ts";

export const MIB = 2 ** 20;

export interface Assumed {
  readonly slots?: number;
  /** Splits of a source that does not say. Default 3. */
  readonly splits?: number;
  /** Bytes of a source, by its path or for all. Default 100 MiB. */
  readonly bytes?: number | ((node: GraphNode) => number);
  /** Datasets of earlier executions. Default none. */
  readonly datasets?: PlanFacts["datasets"];
}

export interface Planned {
  readonly graph: Graph;
  readonly plan: PhysicalPlan;
  /** `head | steps | tail ×tasks` of every group. */
  readonly shape: readonly string[];
}

export function graphOf(builder: (f: FlowBuilder) => unknown): Graph {
  return buildGraph({ name: "test", builder, callSite: undefined }, undefined).graph;
}

export function planned(builder: (f: FlowBuilder) => unknown, assumed: Assumed = {}): Planned {
  const { slots = 4, splits = 3, bytes = 40 * MIB, datasets = new Map() } = assumed;
  const graph = graphOf(builder);
  const sources = new Map(
    graph.nodes
      .filter(({ inputs, spec }) => inputs.length === 0 && spec.kind !== "from")
      .map((node) => [
        node.id,
        {
          splits: Array.from({ length: shardsOf(node) ?? splits }, (): SourceSplit => ({ kind: "shard" })),
          bytes: typeof bytes === "number" ? bytes : bytes(node),
        },
      ]),
  );
  const plan = planGraph(graph, { slots, sources, datasets, memoryBytes: 256 * MIB });
  return { graph, plan, shape: plan.groups.map(shapeOf) };
}

function shardsOf({ spec }: GraphNode): number | undefined {
  if ("split" in spec) return spec.split.shards;
  return "shards" in spec ? spec.shards : undefined;
}

function shapeOf({ head, steps, tail, tasks }: PhysicalPlan["groups"][number]): string {
  const from = "inputs" in head ? ` ${head.inputs.map((edge) => edge.mode).join("+")}` : "";
  const join = head.kind === "join" ? ` ${head.left.mode}+${head.right.mode}` : "";
  const merge = head.kind === "merge" ? ` ${head.input.mode}` : "";
  const partitions = "partitions" in tail ? ` ${tail.partitions}` : "";
  const parts = [
    `${head.kind}${from}${join}${merge}`,
    steps.map(stepShape).join(" "),
    `${tail.kind}${partitions}`,
  ];
  return `${parts.filter((part) => part !== "").join(" | ")} ×${tasks}`;
}

function stepShape(step: StepPlan): string {
  return "phase" in step ? `${step.op}:${step.phase}` : step.op;
}
