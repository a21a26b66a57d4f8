/**
 * What of the events of agents, and of executions, goes to the event log.
 */

import type { PhysicalPlan } from "../../../core/plan/physical.ts";
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import type { ExecutionOutcome } from "../../../core/schedule/outcome.ts";
import type { JobRecord } from "./event_log.ts";

/** Undefined for what is not told there: all that goes as it should. */
export function recordOf(agent: string, event: AgentEvent): JobRecord | undefined {
  switch (event.kind) {
    case "attemptEnded": {
      const { attempt, result } = event;
      if (result.kind !== "failed") return undefined;
      return { kind: "attemptFailed", agent, attempt, cause: result.error.message };
    }
    case "attemptLost":
      return { kind: "attemptLost", agent, attempt: event.attempt, cause: event.cause };
    case "workerExited":
      return { kind: "workerExited", agent, worker: event.worker, cause: event.cause };
    default:
      return undefined;
  }
}

export function startRecord(execution: string, { flow, groups }: PhysicalPlan): JobRecord {
  const told = groups.map(({ id, label, tasks }) => ({ group: id, label, tasks }));
  return { kind: "executionStarted", execution, flow, groups: told };
}

export function endRecord(execution: string, outcome: ExecutionOutcome): JobRecord {
  if (outcome.kind !== "done") {
    return { kind: "executionEnded", execution, outcome: outcome.kind, cause: outcome.error.message };
  }
  const stages = outcome.stages.map(({ totals: _, ...stage }) => stage);
  return { kind: "executionEnded", execution, outcome: "done", stages };
}
