/**
 * Which datasets of a plan are copied into a checkpoint: those that the user marked, and those that could not be
 * computed again because they were made of a channel's rows.
 */
import type { NodeId } from "../graph/node.ts";
import type { PhysicalPlan, TaskGroupPlan } from "../plan/physical.ts";
import { headEdges, sideEdges } from "../plan/pieces.ts";

/** Numbers of the groups that store them. @param isChannel Of the id of a dataset. */
export function keptGroups(plan: PhysicalPlan, isChannel: (dataset: string) => boolean): ReadonlySet<number> {
  const kept = new Set<number>();
  for (const { id, tail, isCheckpoint } of plan.groups) {
    if (isCheckpoint === true && tail.kind === "store") kept.add(id);
  }
  if (plan.groups.some((group) => readsChannel(group, isChannel))) {
    for (const { group, kind } of plan.outputs) if (kind === "dataset") kept.add(group);
  }
  return kept;
}

function readsChannel(group: TaskGroupPlan, isChannel: (dataset: string) => boolean): boolean {
  const edges = [...headEdges(group.head), ...sideEdges(group).map(({ edge }) => edge)];
  return edges.some(({ from }) => from.kind === "dataset" && isChannel(from.dataset));
}

/** A plan of nothing but datasets that have whole copies: what they were made of need not be there. */
export function planOfCopies(
  plan: Pick<PhysicalPlan, "flow" | "fingerprint">,
  outputs: readonly CopiedOutput[],
): PhysicalPlan {
  const groups = [...new Map(outputs.map((output) => [output.group, output])).values()];
  return {
    flow: plan.flow,
    fingerprint: plan.fingerprint,
    groups: groups.map(({ group, shards }) => ({
      id: group,
      head: { kind: "read", inputs: [] },
      steps: [],
      tail: { kind: "store" },
      tasks: shards.length,
      nodes: [],
      label: "checkpoint",
      estimatedBytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
      needsCommittedInput: false,
    })),
    outputs: outputs.map(({ node, group }) => ({ node, group, kind: "dataset" })),
  };
}

interface CopiedOutput {
  readonly node: NodeId;
  readonly group: number;
  readonly shards: readonly { readonly bytes: number }[];
}
