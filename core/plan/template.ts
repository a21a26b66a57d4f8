/**
 * Plans without the names of the datasets that they read: what is the same in each turn of a loop.
 *
 * Datasets are numbered in the order of the graph (`datasetsOf`). Nothing else of a plan is looked at.
 */
import type { Head, InputEdge, PhysicalPlan, StepPlan, TaskGroupPlan } from "./physical.ts";

/** The plan with numbers in the place of datasets, and without what only the planner and people look at. */
export function withoutDatasets(plan: PhysicalPlan, datasets: readonly string[]): PhysicalPlan {
  const groups = plan.groups.map((group): TaskGroupPlan => {
    const { notes: _, ...rest } = renamed(group, (dataset) => String(datasets.indexOf(dataset)));
    return { ...rest, estimatedBytes: 0 };
  });
  return { ...plan, groups };
}

/** The same plan for datasets of other names. */
export function forDatasets(
  plan: PhysicalPlan,
  before: readonly string[],
  datasets: readonly string[],
): PhysicalPlan {
  if (datasets.every((dataset, i) => dataset === before[i])) return plan;
  const names = new Map(before.map((name, i) => [name, datasets[i]]));
  return {
    ...plan,
    groups: plan.groups.map((group) => renamed(group, (dataset) => names.get(dataset) ?? dataset)),
  };
}

/** A group that reads no dataset is given as it is: the plans of all turns of a loop have it in common. */
function renamed(group: TaskGroupPlan, rename: (dataset: string) => string): TaskGroupPlan {
  let reads = false;
  const ofEdge = (edge: InputEdge): InputEdge => {
    if (edge.from.kind !== "dataset") return edge;
    reads = true;
    return { ...edge, from: { kind: "dataset", dataset: rename(edge.from.dataset) } };
  };
  const head = renamedHead(group.head, ofEdge);
  const steps = group.steps.map((step) => ofStep(step, ofEdge));
  return reads ? { ...group, head, steps } : group;
}

function renamedHead(head: Head, ofEdge: (edge: InputEdge) => InputEdge): Head {
  switch (head.kind) {
    case "source":
      return head;
    case "read":
    case "worker":
      return { ...head, inputs: head.inputs.map(ofEdge) };
    case "merge":
      return { ...head, input: ofEdge(head.input) };
    case "join":
      return { ...head, left: ofEdge(head.left), right: ofEdge(head.right) };
  }
}

function ofStep(step: StepPlan, ofEdge: (edge: InputEdge) => InputEdge): StepPlan {
  if (!("side" in step) || step.side === undefined) return step;
  return { ...step, side: ofEdge(step.side) };
}
