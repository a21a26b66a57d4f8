/** Random flows: every plan is well formed, and is drawn whole. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { FlowBuilder } from "../../../core/graph/builder.ts";
import type { Dataset } from "../../../core/graph/dataset.ts";
import { explainPlan } from "../../../core/plan/explain.ts";
import type { PhysicalPlan, TaskGroupPlan } from "../../../core/plan/physical.ts";
import { headEdges, sideEdges } from "../../../core/plan/pieces.ts";
import { plotPlan } from "../../../core/plan/plot.ts";
import { MIB, planned } from "./planned.ts";

type Pair = [number, number];
type Pairs = Dataset<Pair>;
type Make = (f: FlowBuilder, a: Pairs, b: Pairs) => Pairs;

const pair = (n: number): Pair => [n, n];

const OPERATIONS: readonly Make[] = [
  (f) => f.range(10, { shards: 4 }).map(pair),
  (_, a) => a.map(([k, v]) => [v, k]),
  (_, a) => a.filter(() => true),
  (_, a) => a.mapValues((n) => n + 1).cache(),
  (_, a) => a.reduceByKey((x, y) => x + y),
  (_, a) => a.groupByKey().mapValues((values) => values.length),
  (_, a) => a.countByKey(),
  (_, a) => a.distinct(),
  (_, a) => a.keys().countByValue(),
  (_, a) => a.sortByKey(),
  (_, a) => a.sortBy(1, { descending: true, shards: 3 }),
  (_, a) => a.localSort().mergeSorted(),
  (_, a, b) => a.union(b),
  (_, a, b) => a.join(b).mapValues(([v]) => v),
  (_, a, b) => a.fullJoin(b, { strategy: "sort-merge" }).mapValues(() => 1),
  (_, a, b) => a.cogroup(b).mapValues(([left]) => left.length),
  (_, a, b) => a.map(([k, v], ctx) => [k, v + ctx.side.length], { with: b.broadcast() }),
  (_, a) => a.partitionByKey(5),
  (_, a) => a.repartition(2),
  (_, a) => a.coalesce(2).name("few"),
  (_, a) => a.zipWithIndex().map(([[k], i]) => [k, i]),
  (_, a) => a.limit(3),
  (_, a) => a.top(3, ([, v]) => v),
  (_, a) => a.reduce((x) => x),
];

const steps = fc.array(fc.tuple(fc.nat(OPERATIONS.length - 1), fc.nat(), fc.nat()), {
  minLength: 1,
  maxLength: 25,
});

function flowOf(choices: readonly (readonly [number, number, number])[]) {
  return (f: FlowBuilder) => {
    const made: Pairs[] = [f.range(20, { shards: 3 }).map(pair)];
    for (const [operation, a, b] of choices) {
      made.push(OPERATIONS[operation](f, made[a % made.length], made[b % made.length]));
    }
    return [made.at(-1), made[made.length >> 1]];
  };
}

function checkGroup(plan: PhysicalPlan, group: TaskGroupPlan): void {
  expect(group.tasks).toBeGreaterThanOrEqual(1);
  const edges = headEdges(group.head);
  let unions = 0;
  for (const { from, mode } of [...edges, ...sideEdges(group).map(({ edge }) => edge)]) {
    if (from.kind !== "group") throw new Error("no datasets here");
    expect(from.group).toBeLessThan(group.id);
    const { tail, tasks } = plan.groups[from.group];
    if (mode === "forward") expect(tasks).toBe(group.tasks);
    if (mode === "spread") expect(tasks).toBeGreaterThan(group.tasks);
    if (mode === "union") unions += tasks;
    if (mode === "partition") expect("partitions" in tail && tail.partitions).toBe(group.tasks);
    else expect(tail.kind).toBe(mode === "range" ? "runs" : "store");
  }
  if (unions > 0) expect(unions).toBe(group.tasks);
  if (group.head.kind === "source") expect(group.tasks).toBe(group.head.splits.length);
  if (group.steps.some((step) => step.op === "index")) {
    expect(group.steps[0].op).toBe("index");
    expect(group.needsCommittedInput).toBe(true);
  }
}

describe("planGraph()", () => {
  test("gives groups in topological order whose edges fit when flows are random", () => {
    fc.assert(
      fc.property(
        steps,
        fc.constantFrom(0.001, 10, 1000),
        fc.integer({ min: 1, max: 9 }),
        (choices, mib, slots) => {
          const { plan, graph } = planned(flowOf(choices), { bytes: mib * MIB, slots });
          for (const [i, group] of plan.groups.entries()) {
            expect(group.id).toBe(i);
            checkGroup(plan, group);
          }
          for (const { group } of plan.outputs) expect(plan.groups[group].tail.kind).toBe("store");
          expect(plan.outputs.map(({ node }) => node)).toEqual([...graph.outputs]);
          // Every group is read or is an output: nothing runs for nothing.
          const read = new Set(
            plan.groups.flatMap(
              ({ head, steps }) => JSON.stringify([head, steps]).match(/"group":\d+/g) ?? [],
            ),
          );
          for (const { id } of plan.groups) {
            expect(read.has(`"group":${id}`) || plan.outputs.some(({ group }) => group === id)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("gives the same plan twice", () => {
    fc.assert(
      fc.property(steps, (choices) => {
        const [one, two] = [planned(flowOf(choices)), planned(flowOf(choices))];
        expect(one.plan).toEqual(two.plan);
      }),
      { numRuns: 50 },
    );
  });
});

describe("explainPlan() and plotPlan()", () => {
  test("show every group, task count and edge when flows are random", () => {
    fc.assert(
      fc.property(steps, (choices) => {
        const { plan, graph } = planned(flowOf(choices));
        const text = explainPlan(graph, plan);
        const dot = plotPlan(graph, plan, "dot");
        const mermaid = plotPlan(graph, plan, "mermaid");
        const edges = plan.groups.reduce(
          (n, group) => n + headEdges(group.head).length + sideEdges(group).length,
          0,
        );
        for (const { id, tasks } of plan.groups) {
          expect(text).toContain(`Group ${id}: ${tasks} task`);
          expect(dot).toContain(`  g${id} [label="${id}: ${tasks} task`);
          expect(mermaid).toContain(`  g${id}["${id}: ${tasks} task`);
        }
        expect(dot.match(/ -> /g) ?? []).toHaveLength(edges);
        expect(mermaid.match(/-->/g) ?? []).toHaveLength(edges);
        const svg = plotPlan(graph, plan, "svg");
        expect(svg.match(/<rect x=/g) ?? []).toHaveLength(plan.groups.length);
        expect(svg.match(/marker-end/g) ?? []).toHaveLength(edges);
      }),
      { numRuns: 50 },
    );
  });
});
