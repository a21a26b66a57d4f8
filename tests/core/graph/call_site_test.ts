/** The user's line in stacks of every engine and every way to ship the engine. */
import { describe, expect, test } from "bun:test";
import { captureCallSite, firstUserFrame, formatCallSite } from "../../../core/graph/call_site.ts";

describe("captureCallSite()", () => {
  test("finds this file when the engine runs from source", () => {
    const site = captureCallSite();
    expect(site?.file).toBe(import.meta.filename);
    expect(site?.line).toBe(7);
  });

  test("takes less than 0.2 ms a call when the stack is deep", () => {
    const deep = (n: number): number => (n === 0 ? capture() : 1 + deep(n - 1));
    const capture = () => {
      const from = performance.now();
      for (let i = 0; i < 1000; i += 1) captureCallSite();
      return performance.now() - from;
    };
    expect(deep(50) - 50).toBeLessThan(200);
  });
});

describe("firstUserFrame()", () => {
  const cases: readonly [string, string, string][] = [
    [
      "from source on JavaScriptCore",
      `Error
    at captureCallSite (/opt/luciole/core/graph/call_site.ts:17:30)
    at derive (/opt/luciole/core/graph/dataset.ts:60:10)
    at <anonymous> (/home/ann/wc.ts:5:8)
    at buildGraph (/opt/luciole/core/graph/build.ts:30:10)`,
      "/home/ann/wc.ts:5",
    ],
    [
      "from source on V8",
      `Error
    at captureCallSite (file:///opt/luciole/core/graph/call_site.ts:17:30)
    at Dataset.map (file:///opt/luciole/core/graph/dataset_rows.ts:60:10)
    at file:///home/ann%20b/wc.ts:5:8
    at buildGraph (file:///opt/luciole/core/graph/build.ts:30:10)`,
      "/home/ann b/wc.ts:5",
    ],
    [
      "of a program within the engine's own repository",
      `Error
    at captureCallSite (/opt/luciole/core/graph/call_site.ts:17:30)
    at flow (/opt/luciole/mod.ts:1:1)
    at module code (/opt/luciole/examples/demo.ts:9:2)`,
      "/opt/luciole/examples/demo.ts:9",
    ],
    [
      "of a script on disk that a compiled engine loads",
      `Error
    at a (/$bunfs/root/luciole:17:30)
    at map (/$bunfs/root/luciole:99:10)
    at native (native)
    at /home/ann/wc.ts:5:8
    at b (/$bunfs/root/luciole:7:7)`,
      "/home/ann/wc.ts:5",
    ],
    [
      "of a program that is compiled in with a source map",
      `Error
    at captureCallSite (core/graph/call_site.ts:17:30)
    at map (core/graph/dataset_rows.ts:60:10)
    at <anonymous> (jobs/wc.ts:5:8)`,
      "jobs/wc.ts:5",
    ],
    [
      "of a bundle that an agent keeps, past what was generated in it",
      `Error
    at a (/$bunfs/root/luciole:17:30)
    at segment (file:///data/programs/${"0a".repeat(32)}.mjs:8:146)
    at /home/ann/wc.ts:5:8`,
      "/home/ann/wc.ts:5",
    ],
    [
      "of an async frame",
      `Error
    at captureCallSite (/opt/luciole/core/graph/call_site.ts:17:30)
    at processTicksAndRejections (node:internal/process/task_queues:95:5)
    at async main (/home/ann/wc.ts:5:8)`,
      "/home/ann/wc.ts:5",
    ],
    [
      "on Windows",
      `Error
    at captureCallSite (C:\\luciole\\core\\graph\\call_site.ts:17:30)
    at map (C:\\luciole\\core\\graph\\dataset_rows.ts:60:10)
    at C:\\ann\\wc.ts:5:8`,
      "C:\\ann\\wc.ts:5",
    ],
    ["of an empty stack", "", "an unknown line"],
    [
      "of a program in the same bundle",
      "Error\n    at a (/$bunfs/root/wc:1:1)\n    at b (/$bunfs/root/wc:2:2)",
      "an unknown line",
    ],
  ];

  test.each(cases)("finds the line %s", (_, stack, place) => {
    expect(formatCallSite(firstUserFrame(stack))).toBe(place);
  });
});
