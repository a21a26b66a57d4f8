/** The registry of flows. */
import { describe, expect, test } from "bun:test";
import { findFlow, flow } from "../../../core/program/flow.ts";

describe("flow()", () => {
  test("registers the flow under its name with its line", () => {
    const defined = flow("flow-test-a", (f) => f.range(1));
    expect(findFlow("flow-test-a")).toBe(defined);
    expect(defined.callSite?.file).toBe(import.meta.filename);
  });

  test("names both lines when two flows have one name", () => {
    flow("flow-test-twice", (f) => f.range(1));
    expect(() => flow("flow-test-twice", (f) => f.range(2))).toThrow(
      /^Cannot define flow "flow-test-twice" at \S+flow_test.ts:14: a flow of that name is defined at \S+flow_test.ts:13$/,
    );
  });

  test("takes the place of itself when the same line runs again", () => {
    const define = () => {
      const defined = flow("flow-test-again", (f) => f.range(1));
      return [defined];
    };
    const [first] = define();
    const [second] = define();
    expect(second).not.toBe(first);
    expect(findFlow("flow-test-again")).toBe(second);
  });

  test("refuses names and builders that are none", () => {
    expect(() => flow("", (f) => f.range(1))).toThrow(TypeError);
    expect(() => flow("flow-test-none", undefined as never)).toThrow(
      "builder must be a function, got undefined",
    );
  });
});

describe("findFlow()", () => {
  test("tells what is registered when the name is unknown", () => {
    flow("flow-test-known", (f) => f.range(1));
    expect(() => findFlow("flow-test-knwon")).toThrow(
      /^Cannot find flow "flow-test-knwon": .*it defines .*flow-test-known.*did you mean "flow-test-known"/,
    );
    expect(() => findFlow("flow-test-knwon")).toThrow('did you mean "flow-test-known"?');
  });
});
