/**
 * Draws a plan as a graph: exactly the groups that run, and the edges between them.
 */
import type { Graph } from "../graph/node.ts";
import { plural } from "../program/plural.ts";
import { arrowsOf, describeGroup, describeTail } from "./describe.ts";
import type { InputEdge, PhysicalPlan } from "./physical.ts";
import { type Box, type Drawing, drawSvg } from "./plot_svg.ts";

/**
 * A drawing's form: Graphviz, Mermaid, or a picture.
 *
 * @example Every form of a drawing
 * ```ts
 * import { flow, type PlotFormat, run } from "luciole";
 * const formats: readonly PlotFormat[] = ["dot", "mermaid"];
 * const drawings = flow("drawings", (f) => f.values(formats.map((format) => f.range(3).sum().plot({ format }).slice(0, 9))));
 * await run(async (job) => {
 *   console.log(await (await job.execute(drawings)).collect()); // ["digraph \"", "flowchart"]
 * });
 * ```
 */
export type PlotFormat = "dot" | "mermaid" | "svg";

/**
 * Options of a drawing.
 *
 * @example A drawing for Graphviz
 * ```ts
 * import { flow, type PlotOptions, run } from "luciole";
 * const options: PlotOptions = { format: "dot" };
 * const drawing = flow("drawing", (f) => f.values([f.range(3).plot(options).slice(0, 7)]));
 * await run(async (job) => {
 *   console.log(await (await job.execute(drawing)).collect()); // ["digraph"]
 * });
 * ```
 */
export interface PlotOptions {
  /** Default "svg". */
  readonly format?: PlotFormat;
}

/** Draws the groups of a plan. */
export function plotPlan(graph: Graph, plan: PhysicalPlan, format: PlotFormat): string {
  return drawAs(plan.flow, format, drawingOf(graph, plan));
}

export function drawAs(title: string, format: PlotFormat, drawing: Drawing): string {
  switch (format) {
    case "dot":
      return drawDot(title, drawing);
    case "mermaid":
      return drawMermaid(drawing);
    case "svg":
      return drawSvg(title, drawing);
  }
}

function drawingOf(graph: Graph, plan: PhysicalPlan): Drawing {
  const outputs = new Set(plan.outputs.map(({ group }) => group));
  const boxes: Box[] = plan.groups.map((group) => ({
    id: `g${group.id}`,
    title: `${group.id}: ${plural(group.tasks, "task")}`,
    lines: [...describeGroup(graph, group).map(({ text }) => text), describeTail(graph, group.tail)],
    isOutput: outputs.has(group.id),
  }));
  const arrows = arrowsOf(plan);
  const datasets = new Set(arrows.flatMap(({ from }) => (from.kind === "dataset" ? [from.dataset] : [])));
  const ids = new Map([...datasets].map((dataset, i) => [dataset, `d${i}`]));
  const sources = [...ids].map(
    ([dataset, id]): Box => ({ id, title: `dataset ${dataset}`, lines: [], isOutput: false }),
  );
  const idOf = (from: InputEdge["from"]): string =>
    from.kind === "group" ? `g${from.group}` : (ids.get(from.dataset) ?? from.dataset);
  return {
    boxes: [...sources, ...boxes],
    arrows: arrows.map(({ from, to, label }) => ({ from: idOf(from), to: `g${to}`, label })),
  };
}

function drawDot(flow: string, { boxes, arrows }: Drawing): string {
  const quote = (text: string): string => `"${text.replace(/[\\"]/g, "\\$&").replace(/\r?\n/g, " ")}"`;
  // A label is quoted line by line: its own backslashes are text, the line ends of DOT are not.
  const label = ({ title, lines }: Box): string =>
    `"${[title, ...lines].map((line) => `${quote(line).slice(1, -1)}\\l`).join("")}"`;
  return [
    `digraph ${quote(flow)} {`,
    "  node [shape=box, fontname=monospace];",
    ...boxes.map((box) => `  ${box.id} [label=${label(box)}${box.isOutput ? ", peripheries=2" : ""}];`),
    ...arrows.map(({ from, to, label: text }) => `  ${from} -> ${to} [label=${quote(text)}];`),
    "}",
    "",
  ].join("\n");
}

function drawMermaid({ boxes, arrows }: Drawing): string {
  const escapeText = (text: string): string =>
    text.replace(/[^\w .,:/→()-]/g, (character) => `#${character.codePointAt(0)};`);
  return [
    "flowchart TD",
    ...boxes.map(({ id, title, lines }) => `  ${id}["${[title, ...lines].map(escapeText).join("<br/>")}"]`),
    ...arrows.map(({ from, to, label }) => `  ${from} -->|"${escapeText(label)}"| ${to}`),
    "",
  ].join("\n");
}
