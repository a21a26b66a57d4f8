/**
 * Completes what a driver tells of an execution that failed: where the task stood, and on which machine.
 *
 * Knows nothing of why it failed.
 */
import type { WireError } from "../../../core/errors.ts";
import { formatCallSite } from "../../../core/graph/call_site.ts";
import type { Graph } from "../../../core/graph/node.ts";
import type { PhysicalPlan } from "../../../core/plan/physical.ts";
import { placeOfTask } from "../../../core/plan/task_place.ts";
import type { ExecutionOutcome } from "../../../core/schedule/outcome.ts";

/** They name the line themselves, or no line is to blame. */
const NAMED: ReadonlySet<string> = new Set(["task", "worker-start"]);

/** The same outcome; a failure names the user's lines, the files and the machine, as far as they are known. */
export function withPlace(outcome: ExecutionOutcome, graph: Graph, plan: PhysicalPlan): ExecutionOutcome {
  if (outcome.kind !== "failed") return outcome;
  const { error } = outcome;
  const message = `${error.message}${machineOf(error)}${NAMED.has(error.code) ? "" : stepsOf(error, graph, plan)}`;
  return { ...outcome, error: { ...error, message } };
}

/** A task that is lost may run code that ends its worker, and errors about files know no lines of code. */
function stepsOf({ fields, message }: WireError, graph: Graph, plan: PhysicalPlan): string {
  const group = plan.groups.find(({ id }) => id === fields.group);
  const place = group === undefined ? "" : placeOfTask(graph, group, Number(fields.task));
  const isTold = graph.nodes.some(
    ({ callSite }) => callSite !== undefined && message.includes(formatCallSite(callSite)),
  );
  return isTold ? "" : place;
}

/** Errors about files name it themselves. */
function machineOf({ fields: { agent, host }, message }: WireError): string {
  if (agent === undefined || host === undefined) return "";
  const place = ` (on agent ${agent} of host ${host})`;
  return message.includes(place.slice(0, -1)) ? "" : place;
}
