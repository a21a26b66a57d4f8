/**
 * `explain` and `plot` of a dataset while its flow is being built.
 *
 * Nothing has looked for the files yet, so sources have the shards that the user
 * asked for, or one for each slot, and their sizes are unknown. What is shown is
 * planned by the very planner, from these assumptions.
 */
import { codeOfGroup } from "../exec/explain_code.ts";
import { checkChoice, checkOptions } from "../graph/arguments.ts";
import type { Dataset } from "../graph/dataset.ts";
import { DatasetNode, placeOf } from "../graph/dataset_node.ts";
import type { Graph, GraphNode } from "../graph/node.ts";
import { ROW_BYTES } from "./estimates.ts";
import { explainPlan } from "./explain.ts";
import type { PlanFacts } from "./facts.ts";
import type { PhysicalPlan, SourceSplit } from "./physical.ts";
import { planGraph } from "./plan.ts";
import { type PlotOptions, plotPlan } from "./plot.ts";

/**
 * What `explain` shows beside the plan.
 *
 * @example The loop of a map and a filter
 * ```ts
 * import { type ExplainOptions, flow, run } from "luciole";
 * const options: ExplainOptions = { code: true };
 * let text = "";
 * const evens = flow("explained-code", (f) => {
 *   const rows = f.range(10).map((n) => n + 1).filter((n) => n % 2 === 0);
 *   text = rows.explain(options);
 *   return rows;
 * });
 * await run(async (job) => {
 *   await job.execute(evens);
 *   console.log(text.includes("code: map, filter")); // true
 * });
 * ```
 */
export interface ExplainOptions {
  /** Whether the generated code is shown. Default false. */
  readonly code?: boolean;
}

/** Looking at the plan of a dataset while its flow is being built, on every dataset. */
export interface PlanOperations {
  /**
   * Tells how the dataset would be computed: task groups, exchanges and why. Files are not looked
   * for, so shards of sources are assumed.
   *
   * @param options `code: true` shows the functions that are generated for each group, too: the loops that parse
   * and that call closures. Of csv files they are for the columns that are declared or read.
   * @returns Text of several lines.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * let text = "";
   * const sorted = flow("explained", (f) => {
   *   const rows = f.range(10).sort();
   *   text = rows.explain();
   *   return rows;
   * });
   * await run(async (job) => {
   *   await job.execute(sorted);
   *   console.log(text.slice(0, 16)); // Flow "explained"
   * });
   * ```
   */
  explain(options?: ExplainOptions): string;

  /**
   * Draws how the dataset would be computed, from the same assumptions as `explain`.
   *
   * @param options The format: "dot", "mermaid" or "svg" (the default).
   * @returns The drawing as text.
   * @throws {TypeError} If the format is not known.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * let drawing = "";
   * const drawn = flow("drawn", (f) => {
   *   const rows = f.range(10).map((n) => n + 1);
   *   drawing = rows.plot({ format: "mermaid" });
   *   return rows;
   * });
   * await run(async (job) => {
   *   await job.execute(drawn);
   *   console.log(drawing.slice(0, 12)); // flowchart TD
   * });
   * ```
   */
  plot(options?: PlotOptions): string;
}

const SLOTS = 4;
const NUMBER_BYTES = 8;
const MEMORY_BYTES = 2 ** 28;

/** Plans a graph whose sources nobody has looked for. */
function planAssumed(graph: Graph): PhysicalPlan {
  const sources = new Map<number, { splits: SourceSplit[]; bytes: number }>();
  for (const node of graph.nodes) {
    const splits = assumedSplits(node);
    if (splits !== undefined) sources.set(node.id, { splits, bytes: assumedBytes(node) });
  }
  const facts: PlanFacts = { slots: SLOTS, sources, datasets: new Map(), memoryBytes: MEMORY_BYTES };
  return planGraph(graph, facts);
}

function assumedSplits({ spec }: GraphNode): SourceSplit[] | undefined {
  const repeat = (shards: number | undefined, split: SourceSplit): SourceSplit[] =>
    Array.from({ length: shards ?? SLOTS }, () => split);
  switch (spec.kind) {
    case "text":
    case "csv":
    case "jsonl":
    case "binary": {
      const whole = { start: 0, end: Number.POSITIVE_INFINITY, compression: "none" } as const;
      return repeat(spec.split.shards, { kind: "file", path: spec.path, ...whole });
    }
    case "files":
      return repeat(spec.split.shards, { kind: "paths", paths: [spec.path] });
    case "range":
      return repeat(spec.shards, { kind: "range", from: spec.from, to: spec.to });
    case "array":
      return repeat(spec.shards, { kind: "slice", from: 0, to: spec.values.length });
    case "generate":
      return repeat(spec.shards, { kind: "shard" });
    default:
      return undefined;
  }
}

/** Only what is in memory has a size before anybody looks. */
function assumedBytes({ spec }: GraphNode): number {
  if (spec.kind === "range") return (spec.to - spec.from) * NUMBER_BYTES;
  return spec.kind === "array" ? spec.values.length * ROW_BYTES : Number.POSITIVE_INFINITY;
}

function graphOf(dataset: Dataset<unknown>): Graph {
  const { recorder, node } = placeOf(dataset);
  return { flow: recorder.flow, nodes: recorder.nodes, outputs: [node] };
}

DatasetNode.prototype.explain = function explain(options) {
  const { code = false } = checkOptions("explain", options, ["code"]);
  const graph = graphOf(this);
  return explainPlan(graph, planAssumed(graph), code ? (group) => codeOfGroup(graph, group) : undefined);
};
DatasetNode.prototype.plot = function plot(options) {
  const { format = "svg" } = checkOptions("plot", options, ["format"]);
  const graph = graphOf(this);
  return plotPlan(
    graph,
    planAssumed(graph),
    checkChoice("plot", "format", format, ["dot", "mermaid", "svg"]),
  );
};
