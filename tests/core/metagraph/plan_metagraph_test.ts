/** C3: metagraphs that cannot be run are refused by name before anything runs. */
import { describe, expect, test } from "bun:test";
import { PlanError } from "../../../core/errors.ts";
import { planMetagraph, type VertexShape } from "../../../core/metagraph/plan_metagraph.ts";
import { Random } from "../../simulation/random.ts";

function vertex(name: string, inputs: readonly string[] = [], more: Partial<VertexShape> = {}): VertexShape {
  const reads = Object.fromEntries(inputs.map((dataset, i) => [`p${i}`, dataset]));
  return { name, inputs: reads, publishes: {}, datasets: ["", "rows"], ...more };
}

function refused(...vertices: VertexShape[]): string {
  try {
    planMetagraph(vertices);
  } catch (error) {
    expect(error).toBeInstanceOf(PlanError);
    return error instanceof Error ? error.message.replace("Cannot run the metagraph: ", "") : "";
  }
  return "it was planned";
}

describe("planMetagraph()", () => {
  test("resolves vertices, paths and published names", () => {
    const publishes = { points: "rows" };
    const { order, edges } = planMetagraph([
      vertex("c", ["points", "b"]),
      vertex("b", ["a.rows"]),
      vertex("a", [], { publishes }),
    ]);
    expect(order).toEqual(["a", "b", "c"]);
    expect(edges).toEqual([
      { from: "a", path: "rows", to: "c", param: "p0" },
      { from: "b", path: "", to: "c", param: "p1" },
      { from: "a", path: "rows", to: "b", param: "p0" },
    ]);
  });

  test("C3: refuses a cycle, and tells the whole of it", () => {
    expect(refused(vertex("a", ["c"]), vertex("b", ["a"]), vertex("c", ["b"]))).toBe(
      "it has the cycle a → b → c → a",
    );
    expect(refused(vertex("x"), vertex("a", ["x", "a"]))).toBe("it has the cycle a → a");
  });

  test("C3: refuses a dataset that nobody makes, with the name that may have been meant", () => {
    expect(refused(vertex("points"), vertex("b", ["pionts"]))).toBe(
      'vertex "b" reads dataset "pionts", which nobody makes, did you mean "points"?',
    );
    expect(refused(vertex("a"), vertex("b", ["something.rows"]))).toBe(
      'vertex "b" reads dataset "something.rows", which nobody makes, known are a, b',
    );
    expect(refused(vertex("a", [], { datasets: ["rows"] }), vertex("b", ["a.rwos"]))).toBe(
      'vertex "a" makes no dataset "a.rwos", did you mean "a.rows"?',
    );
    expect(refused(vertex("a", [], { datasets: ["rows", "figures"] }), vertex("b", ["a"]))).toBe(
      'vertex "a" makes no dataset "a", it makes "a.rows", "a.figures"',
    );
    expect(refused(vertex("a", [], { datasets: [] }), vertex("b", ["a"]))).toEndWith("it makes none");
    expect(refused(vertex("a", [], { publishes: { p: "lines" }, datasets: ["rows"] }))).toContain(
      'no dataset "a.lines"',
    );
  });

  test("C3: refuses two producers of one dataset, and names that mean two things", () => {
    const publishes = { points: "rows" };
    expect(refused(vertex("a", [], { publishes }), vertex("b", [], { publishes }))).toBe(
      'dataset "points" has two producers, vertices "a" and "b"',
    );
    expect(refused(vertex("a", [], { publishes }), vertex("points"))).toBe(
      '"points" names a vertex, and a dataset that vertex "a" publishes',
    );
    expect(refused(vertex("a.b"))).toBe('"a.b" cannot name a vertex: it must be a word without "."');
  });

  test("orders random metagraphs, and finds a cycle in exactly those that have one", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = new Random(seed);
      const names = Array.from({ length: 1 + random.below(8) }, (_, i) => `v${i}`);
      const vertices = names.map((name, i) =>
        vertex(
          name,
          names.filter((_, other) => (other < i ? random.chance(3) : random.chance(40))),
        ),
      );
      const left = new Map(vertices.map(({ name, inputs }) => [name, new Set(Object.values(inputs))]));
      for (let isGoing = true; isGoing; ) {
        isGoing = false;
        for (const [name, reads] of left) {
          if (reads.size > 0) continue;
          left.delete(name);
          for (const others of left.values()) others.delete(name);
          isGoing = true;
        }
      }
      if (left.size > 0) {
        expect(refused(...vertices)).toContain("cycle");
        continue;
      }
      const { order, edges } = planMetagraph(vertices);
      expect(order.toSorted()).toEqual(names.toSorted());
      for (const { from, to } of edges) expect(order.indexOf(from)).toBeLessThan(order.indexOf(to));
    }
  });
});
