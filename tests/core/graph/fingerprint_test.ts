/** Fingerprints: equal for equal builds, different for whatever a builder can change. */
import { describe, expect, test } from "bun:test";
import { PlanMismatchError } from "../../../core/errors.ts";
import type { FlowBuilder } from "../../../core/graph/builder.ts";
import { checkFingerprint, fingerprint } from "../../../core/graph/fingerprint.ts";
import { graphOf } from "../plan/planned.ts";

const of = (builder: (f: FlowBuilder) => unknown) => fingerprint(graphOf(builder));

describe("fingerprint()", () => {
  test("has one string a node, without closures", () => {
    const build = (f: FlowBuilder) =>
      f
        .text("in", { shards: 2 })
        .map((line) => line)
        .top(3, (line) => line.length);
    expect(of(build)).toEqual(['text(path: "in", split: {"shards":2})', "map <- 0", "top(n: 3) <- 1"]);
    expect(of(build)).toEqual(of(build));
  });

  test.each<[string, (f: FlowBuilder) => unknown, (f: FlowBuilder) => unknown]>([
    ["options", (f) => f.range(3).limit(1), (f) => f.range(3).limit(2)],
    ["kinds", (f) => f.range(3).keyBy((n) => n), (f) => f.range(3).map((n) => n)],
    ["paths", (f) => f.text("a"), (f) => f.text("b")],
    ["numbers of values", (f) => f.values([1]), (f) => f.values([1, 2])],
    [
      "columns of a sink",
      (f) => f.csv("a").writeCsv("b", { columns: ["x"] }),
      (f) => f.csv("a").writeCsv("b", { columns: ["y"] }),
    ],
    ["marks", (f) => f.range(3).cache(), (f) => f.range(3).checkpoint()],
    ["a closure or none", (f) => f.range(3).sort(), (f) => f.range(3).sort(undefined, { descending: true })],
  ])("differs by %s", (_, one, other) => {
    expect(of(one)).not.toEqual(of(other));
  });

  test("differs by inputs", () => {
    const inputs = (swap: boolean) => (f: FlowBuilder) => {
      const [a, b] = [f.range(1), f.range(1)];
      return swap ? b.union(a) : a.union(b);
    };
    expect(of(inputs(true))).not.toEqual(of(inputs(false)));
  });
});

describe("checkFingerprint()", () => {
  test("passes when equal and names the first differing step when not", () => {
    const graph = graphOf((f) =>
      f
        .range(3)
        .limit(2)
        .map((n) => n),
    );
    const actual = fingerprint(graph);
    checkFingerprint(actual, [...actual], graph);
    const expected = [actual[0], "limit(n: 1) <- 0", "other"];
    const check = () => checkFingerprint(expected, actual, graph);
    expect(check).toThrow(PlanMismatchError);
    expect(check).toThrow(
      /step 1 at \S+fingerprint_test.ts:\d+ is limit\(n: 2\) <- 0 in a worker and limit\(n: 1/,
    );
  });

  test("tells missing steps on either side", () => {
    const graph = graphOf((f) => f.range(3).limit(2));
    const actual = fingerprint(graph);
    expect(() => checkFingerprint([...actual, "map <- 1"], actual, graph)).toThrow("step 2 at");
    expect(() => checkFingerprint([...actual, "map <- 1"], actual, graph)).toThrow(
      "is missing in a worker and map <- 1 in the driver",
    );
    expect(() => checkFingerprint(actual.slice(0, 1), actual, graph)).toThrow("and missing in the driver");
  });
});
