/**
 * Tells a plan as text: exactly the groups that run, and why they were cut so.
 */
import type { GeneratedCode } from "../exec/explain_code.ts";
import type { Graph } from "../graph/node.ts";
import { plural } from "../program/plural.ts";
import { arrowsOf, describeGroup, describeTail, formatEstimate } from "./describe.ts";
import type { PhysicalPlan, TaskGroupPlan } from "./physical.ts";

/** Writes the groups of a plan, in the order in which they depend on each other. */
export function explainPlan(
  graph: Graph,
  plan: PhysicalPlan,
  codeOf: (group: TaskGroupPlan) => readonly GeneratedCode[] = () => [],
): string {
  const tasks = plan.groups.reduce((sum, group) => sum + group.tasks, 0);
  const title = `Flow "${plan.flow}": ${plural(plan.groups.length, "group")}, ${plural(tasks, "task")}`;
  return [
    title,
    ...plan.groups.map((group) => explainGroup(graph, plan, group) + codeText(codeOf(group))),
  ].join("\n\n");
}

function codeText(parts: readonly GeneratedCode[]): string {
  return parts
    .map(({ title, source }) => `\n  code: ${title}\n${source.replaceAll(/^/gm, "    | ")}`)
    .join("");
}

function explainGroup(graph: Graph, plan: PhysicalPlan, group: TaskGroupPlan): string {
  const inputs = arrowsOf(plan)
    .filter(({ to }) => to === group.id)
    .map(({ from, label }) =>
      from.kind === "group" ? `group ${from.group} (${label})` : `dataset ${from.dataset} (${label})`,
    );
  const steps = describeGroup(graph, group);
  const width = Math.max(...steps.map(({ text }) => text.length));
  const isOutput = plan.outputs.some((output) => output.group === group.id && output.kind === "dataset");
  return [
    `Group ${group.id}: ${plural(group.tasks, "task")}, ${formatEstimate(group.estimatedBytes)}`,
    ...(inputs.length === 0 ? [] : [`  reads ${inputs.join(", ")}`]),
    ...steps.map(({ text, place }) => `    ${text.padEnd(width)}  ${place}`.trimEnd()),
    `  then ${describeTail(graph, group.tail)}${isOutput ? ", an output of the flow" : ""}`,
    ...(group.notes ?? []).map((note) => `  note: ${note}`),
  ].join("\n");
}
