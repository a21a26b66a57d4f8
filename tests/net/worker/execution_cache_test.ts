/** What a worker knows of executions: asked for once, however many tasks it runs of them. */
import { expect, test } from "bun:test";
import { buildGraph } from "../../../core/graph/build.ts";
import { findFlow } from "../../../core/program/flow.ts";
import type { ExecutionOrder } from "../../../core/schedule/order.ts";
import { encode } from "../../../net/cbor.ts";
import { planExecution } from "../../../net/driver/planning.ts";
import { ExecutionCache } from "../../../net/worker/execution_cache.ts";
import "./worker_program.ts";

test("find() fetches an execution once, and again only when it was forgotten", async () => {
  const params = { what: "double" };
  const { graph } = buildGraph(findFlow("work"), params);
  const plan = await planExecution(graph, { slots: 1, memoryBytes: 1 << 20 });
  const fetched: string[] = [];
  const executions = new ExecutionCache(async (id): Promise<ExecutionOrder> => {
    fetched.push(id);
    return { id, flow: "work", params: encode(params), plan };
  });
  const first = await executions.find("e0");
  expect(await executions.find("e0")).toBe(first);
  await executions.find("e1");
  expect(await executions.find("e0")).toBe(first);
  expect(fetched).toEqual(["e0", "e1"]);
  executions.forget("e0");
  await executions.find("e0");
  expect(fetched).toEqual(["e0", "e1", "e0"]);
});
