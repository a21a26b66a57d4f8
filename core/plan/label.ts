/**
 * The short name of a task group, made of the operations that the user wrote.
 *
 * Internal steps have no place in it; explain() tells them.
 */
import type { Graph, NodeId } from "../graph/node.ts";
import { operationName } from "../graph/operation_name.ts";
import type { StepPlan, Tail } from "./physical.ts";

export interface Labelled {
  readonly nodes: readonly NodeId[];
  readonly steps: readonly StepPlan[];
  readonly tail: Tail;
}

const MAX_OPERATIONS = 5;
const MAX_NAME = 24;

/** `text → flatMap → filter → countByValue (partial)`; what the user named appears by its name. */
export function labelOf(graph: Graph, names: ReadonlyMap<NodeId, string>, group: Labelled): string {
  const { steps, tail } = group;
  const needed = "node" in tail ? tail.node : tail.kind === "runs" ? tail.order.node : undefined;
  const nodes = new Set([...group.nodes, ...(needed === undefined ? [] : [needed])]);
  const operations = countRepeats(
    [...nodes].map((id) => clip(names.get(id) ?? operationName(graph.nodes[id].spec))),
  );
  if (operations.length === 0) return "read";
  if (operations.length > MAX_OPERATIONS) operations.splice(2, operations.length - 4, "…");
  const last = steps.at(-1);
  const isPartial = last !== undefined && "phase" in last && last.phase === "partial";
  return `${operations.join(" → ")}${isPartial ? " (partial)" : ""}`;
}

/** `map, map` becomes `map ×2`. */
function countRepeats(names: readonly string[]): string[] {
  const repeats: { readonly name: string; count: number }[] = [];
  for (const name of names) {
    const last = repeats.at(-1);
    if (last?.name === name) last.count += 1;
    else repeats.push({ name, count: 1 });
  }
  return repeats.map(({ name, count }) => (count === 1 ? name : `${name} ×${count}`));
}

function clip(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
}
