import { describe, expect, test } from "bun:test";
import type { PlanTemplate } from "../../../core/schedule/attempts/order.ts";
import { ToldDefinitions } from "../../../core/schedule/told_definitions.ts";

const template = (id: string): PlanTemplate => ({ id, body: new Uint8Array([1]) });
const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);

function define(told: ToldDefinitions, execution: string, plan: string): void {
  told.define({ id: execution, template: plan, params: new Uint8Array() }, template(plan));
}

describe("ToldDefinitions", () => {
  test("tell() names a plan once for each agent, and each execution", () => {
    const told = new ToldDefinitions();
    define(told, "e0", "t0");
    define(told, "e1", "t0");
    const first = told.tell("a", ["e0"]);
    expect([ids(first.templates), ids(first.executions)]).toEqual([["t0"], ["e0"]]);
    const second = told.tell("a", ["e0", "e1"]);
    expect([ids(second.templates), ids(second.executions)]).toEqual([[], ["e1"]]);
    expect(ids(told.tell("b", ["e1"]).templates)).toEqual(["t0"]);
  });

  test("tell() names again what could not be told, and all to an agent that comes anew", () => {
    const told = new ToldDefinitions();
    define(told, "e0", "t0");
    told.untell("a", told.tell("a", ["e0"]));
    expect(ids(told.tell("a", ["e0"]).templates)).toEqual(["t0"]);
    told.dropAgent("a");
    expect(ids(told.tell("a", ["e0"]).executions)).toEqual(["e0"]);
  });

  test("forget() tells the agents that know it, and of the plan that was used longest ago when there are many", () => {
    const told = new ToldDefinitions();
    define(told, "kept", "t-kept");
    told.tell("a", ["kept"]);
    const evicted: string[] = [];
    for (let i = 0; i < 200; i++) {
      define(told, `e${i}`, `t${i}`);
      told.tell("a", [`e${i}`]);
      const forgotten = told.forget(`e${i}`);
      expect(forgotten.map(({ agent, executions }) => [agent, executions])).toEqual([["a", [`e${i}`]]]);
      evicted.push(...forgotten.flatMap(({ templates }) => templates));
    }
    // The one that an execution runs by stays, and those that were used of late.
    expect(evicted).toEqual(Array.from({ length: 200 - 63 }, (_, i) => `t${i}`));
    expect(told.forget("nobody")).toEqual([]);
  });
});
