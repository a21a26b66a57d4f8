/**
 * Puts an execution of the worker program on an agent, and orders its tasks.
 */
import { buildGraph } from "../../../core/graph/build.ts";
import { findFlow } from "../../../core/program/flow.ts";
import type { TaskOrder } from "../../../core/schedule/attempts/order.ts";
import { encode } from "../../../net/cbor.ts";
import { PlanCache } from "../../../net/driver/executor/plan_cache.ts";
import { ROUTES } from "../../../net/protocol.ts";
import { type AgentWorld, JOB, order } from "../agent/agent_world.ts";
import type { WorkParams } from "./worker_program.ts";

/** Orders every task of the flow; returns the names of the attempts. */
export async function orderWork(
  agent: AgentWorld,
  execution: string,
  params: WorkParams,
  changes: Partial<TaskOrder> = {},
): Promise<string[]> {
  const { graph } = buildGraph(findFlow("work"), params);
  const room = { slots: params.shards ?? 1, memoryBytes: 1 << 20 };
  const { plan, template } = await new PlanCache().plan(graph, room, new Map());
  const executions = [{ id: execution, template: template.id, params: encode(params) }];
  await agent.call("POST", ROUTES.attempts(JOB), { orders: [], templates: [template], executions });
  const [group] = plan.groups;
  const orders = Array.from({ length: group?.tasks ?? 0 }, (_, task) =>
    order(`${execution}-0-${task}-0`, { execution, task, ...changes }),
  );
  await agent.enqueue(...orders);
  return orders.map(({ attempt }) => attempt);
}
