/**
 * Tells and draws a metagraph: its vertices in the order in which they may run, and the datasets between them.
 */
import { drawAs, type PlotFormat } from "../plan/plot.ts";
import type { MetaEdge, MetagraphPlan } from "./plan_metagraph.ts";

/** What is told of a vertex beside its place. */
export interface VertexText {
  readonly flow: string;
  /** Its options in words, such as "2 workers". */
  readonly options: readonly string[];
  readonly isKept: boolean;
}

type Texts = ReadonlyMap<string, VertexText>;

export function explainMetagraph({ order, edges }: MetagraphPlan, texts: Texts): string {
  const stages = stagesOf(order, edges);
  const last = Math.max(0, ...stages.values());
  const lines = [`Metagraph: ${order.length} vertices in ${last + 1} stages`];
  for (let stage = 0; stage <= last; stage += 1) {
    lines.push("", `Stage ${stage}`);
    for (const name of order)
      if (stages.get(name) === stage) lines.push(...explainVertex(name, edges, texts));
  }
  return lines.join("\n");
}

function explainVertex(name: string, edges: readonly MetaEdge[], texts: Texts): string[] {
  const text = texts.get(name);
  const options = (text?.options ?? []).map((option) => `, ${option}`).join("");
  const reads = edges.filter(({ to }) => to === name).map((edge) => `    ${edge.param}: ${datasetOf(edge)}`);
  const kept = text?.isKept ? ["    keeps its datasets"] : [];
  return [`  ${name}: flow "${text?.flow}"${options}`, ...reads, ...kept];
}

function datasetOf({ from, path }: MetaEdge): string {
  return path === "" ? from : `${from}.${path}`;
}

/** Vertices of a stage can run at once. */
function stagesOf(order: readonly string[], edges: readonly MetaEdge[]): ReadonlyMap<string, number> {
  const stages = new Map<string, number>();
  for (const name of order) {
    const before = edges.filter(({ to }) => to === name).map(({ from }) => stages.get(from) ?? 0);
    stages.set(name, before.length === 0 ? 0 : 1 + Math.max(...before));
  }
  return stages;
}

export function plotMetagraph({ order, edges }: MetagraphPlan, texts: Texts, format: PlotFormat): string {
  const read = new Set(edges.map(({ from }) => from));
  const ids = new Map(order.map((name, i) => [name, `v${i}`]));
  const idOf = (name: string): string => ids.get(name) ?? name;
  return drawAs("metagraph", format, {
    boxes: order.map((name) => ({
      id: idOf(name),
      title: name,
      lines: [`flow ${texts.get(name)?.flow}`, ...(texts.get(name)?.options ?? [])],
      isOutput: !read.has(name) || texts.get(name)?.isKept === true,
    })),
    arrows: edges.map((edge) => ({
      from: idOf(edge.from),
      to: idOf(edge.to),
      label: edge.path || edge.from,
    })),
  });
}
