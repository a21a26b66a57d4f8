/**
 * Completes what a driver tells of an execution that failed: where the task stood, and on which machine.
 *
 * Knows nothing of why it failed.
 */
import type { WireError } from "../../core/errors.ts";
import type { Graph } from "../../core/graph/node.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import { placeOfTask } from "../../core/plan/task_place.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";

/** The same outcome; a failure names the user's lines, the files and the machine, as far as they are known. */
export function withPlace(outcome: ExecutionOutcome, graph: Graph, plan: PhysicalPlan): ExecutionOutcome {
  if (outcome.kind !== "failed") return outcome;
  const { error } = outcome;
  const message =
    error.message + (error.code === "task-lost" ? lostPlace(error, graph, plan) : machineOf(error));
  return { ...outcome, error: { ...error, message } };
}

/** A task that is lost again and again may run code that ends its worker: where that stands is told. */
function lostPlace({ fields }: WireError, graph: Graph, plan: PhysicalPlan): string {
  const group = plan.groups.find((one) => one.id === fields.group);
  return group === undefined ? "" : placeOfTask(graph, group, Number(fields.task));
}

/** Errors about files name it themselves. */
function machineOf({ fields: { agent, host }, message }: WireError): string {
  if (agent === undefined || host === undefined) return "";
  const place = ` (on agent ${agent} of host ${host})`;
  return message.includes(place.slice(0, -1)) ? "" : place;
}
