/**
 * Where a task stands, for people: what of which files it reads, and the user's lines that it runs.
 */
import { formatCallSite } from "../graph/call_site.ts";
import type { Graph } from "../graph/node.ts";
import type { SourceSplit, TaskGroupPlan } from "./physical.ts";

const MAX_LINES = 4;

/** `"a.txt"`, `"a.txt" (bytes 0 to 4096)`, `"a.txt" and 3 other files`; undefined of what is no file. */
export function filesOfTask({ head }: Pick<TaskGroupPlan, "head">, task: number): string | undefined {
  const split = head.kind === "source" ? head.splits[task] : undefined;
  return split === undefined ? undefined : splitText(split);
}

function splitText(split: SourceSplit): string | undefined {
  if (split.kind === "file") {
    const { path, start, end } = split;
    const name = JSON.stringify(path);
    return Number.isFinite(end) ? `${name} (bytes ${start} to ${end})` : name;
  }
  if (split.kind !== "files") return undefined;
  const [first, ...others] = split.files;
  if (first === undefined) return undefined;
  if (others.length === 0) return splitText(first);
  const rest = others.length === 1 ? "another file" : `${others.length} other files`;
  return `${JSON.stringify(first.path)} and ${rest}`;
}

/** `/home/ann/job.ts:4, /home/ann/job.ts:6`: the user's lines that make the steps of a group. */
function linesOfGroup(graph: Graph, { nodes }: Pick<TaskGroupPlan, "nodes">): string {
  const sites = new Set<string>();
  for (const id of nodes) {
    const site = graph.nodes[id]?.callSite;
    if (site !== undefined) sites.add(formatCallSite(site));
  }
  const lines = [...sites];
  const more = lines.length > MAX_LINES ? [`${lines.length - MAX_LINES} more`] : [];
  return [...lines.slice(0, MAX_LINES), ...more].join(", ");
}

/** ` (steps of /home/ann/job.ts:4; from "a.txt")`: for a task of which nobody can say which row was its end. */
export function placeOfTask(graph: Graph, group: TaskGroupPlan, task: number): string {
  const lines = linesOfGroup(graph, group);
  const files = filesOfTask(group, task);
  const parts = [
    ...(lines === "" ? [] : [`steps of ${lines}`]),
    ...(files === undefined ? [] : [`from ${files}`]),
  ];
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}
