/**
 * The built side of a broadcast join, kept from one task to the next of the same worker.
 *
 * At most one is kept, so that what it takes stays bounded however many executions there are. It knows nothing of
 * processes; whoever runs the tasks owns it.
 */
import type { StepPlan, TaskGroupPlan, TaskInput } from "../../plan/physical.ts";
import type { JoinTable } from "./join_table.ts";

export class KeptTable {
  #key: string | undefined;
  #table: JoinTable | undefined;

  /** The table that was kept by that key. */
  find(key: string | undefined): JoinTable | undefined {
    return key !== undefined && key === this.#key ? this.#table : undefined;
  }

  /** Keeps a sealed table in the place of the one before it. */
  keep(key: string, table: JoinTable): void {
    this.#key = key;
    this.#table = table;
  }

  /** Lets go of it. */
  clear(): void {
    this.#key = undefined;
    this.#table = undefined;
  }
}

/**
 * Names what a step's side is made of; undefined when it must not be kept: attempts are unique, but one that is not
 * committed may still fail.
 */
export function sideKey(
  { plan, input }: { readonly plan: TaskGroupPlan; readonly input: TaskInput },
  step: StepPlan,
): string | undefined {
  const pieces = input.sides[plan.steps.indexOf(step)];
  if (step.op !== "broadcastJoin" || pieces === undefined || !pieces.every((piece) => piece.isCommitted)) {
    return undefined;
  }
  const { node, how, streamed } = step;
  const places = pieces.map(({ attempt, partition, chunks }) => [attempt, partition, chunks]);
  return JSON.stringify([node, how, streamed, places]);
}
