/** What a worker knows of executions: plans stay from one to the next, and graphs are compared with them. */
import { describe, expect, test } from "bun:test";
import { buildGraph } from "../../../core/graph/build.ts";
import { findFlow } from "../../../core/program/flow.ts";
import type { PlanTemplate } from "../../../core/schedule/attempts/order.ts";
import { encode } from "../../../net/cbor.ts";
import { PlanCache } from "../../../net/driver/executor/plan_cache.ts";
import { ExecutionCache } from "../../../net/worker/execution_cache.ts";
import "./worker_program.ts";

const PARAMS = { what: "double" };

async function templateOf(params: object): Promise<PlanTemplate> {
  const { graph } = buildGraph(findFlow("work"), params);
  return (await new PlanCache().plan(graph, { slots: 1, memoryBytes: 1 << 20 }, new Map())).template;
}

describe("ExecutionCache", () => {
  test("find() runs a second execution by the plan of the first, with a graph of its own", async () => {
    const template = await templateOf(PARAMS);
    const executions = new ExecutionCache();
    const order = (id: string) => ({ id, template: template.id, params: encode(PARAMS) });
    executions.take({ templates: [template], executions: [order("e0")], forget: [] });
    const first = executions.find("e0");
    expect(executions.find("e0")).toBe(first);
    executions.take({ templates: [], executions: [order("e1")], forget: ["e0"] });
    const second = executions.find("e1");
    expect(second.plan).toBe(first.plan);
    expect(second.graph).not.toBe(first.graph);
    expect(() => executions.find("e0")).toThrow("Cannot find execution e0");
  });

  test("find() refuses an execution whose plan was forgotten", async () => {
    const template = await templateOf(PARAMS);
    const executions = new ExecutionCache();
    executions.take({ templates: [template], executions: [], forget: [] });
    const order = { id: "e0", template: template.id, params: encode(PARAMS) };
    executions.take({ templates: [], executions: [order], forget: [template.id] });
    expect(() => executions.find("e0")).toThrow("Cannot find execution e0");
  });

  test("find() refuses parameters that make another graph than the plan's", async () => {
    const template = await templateOf(PARAMS);
    const executions = new ExecutionCache();
    const params = encode({ ...PARAMS, shards: 3 });
    executions.take({
      templates: [template],
      executions: [{ id: "e0", template: template.id, params }],
      forget: [],
    });
    expect(() => executions.find("e0")).toThrow("a flow must be a pure function of its parameters");
  });
});
