/** What operations record, and what they refuse at the call. */
import { describe, expect, test } from "bun:test";
import { PlanError } from "../../../core/errors.ts";
import { buildGraph } from "../../../core/graph/build.ts";
import type { FlowBuilder } from "../../../core/graph/builder.ts";
import type { NodeSpec } from "../../../core/graph/node.ts";
import { DatasetRef } from "../../../core/program/dataset_ref.ts";
import { graphOf } from "../plan/planned.ts";

const lastSpec = (builder: (f: FlowBuilder) => unknown): NodeSpec | undefined =>
  graphOf(builder).nodes.at(-1)?.spec;

/** Calls with arguments that the types forbid. */
function misuse(builder: (f: never) => unknown): () => void {
  return () => {
    graphOf(builder as (f: FlowBuilder) => unknown);
  };
}

// biome-ignore lint/suspicious/noExplicitAny: these calls are wrong on purpose
type Loose = any;

describe("operations record", () => {
  test("their options and inputs in frozen nodes", () => {
    const by = (line: string) => line.length;
    const graph = graphOf((f) => f.text("in", { shards: 2 }).sortBy(by, { descending: true }).limit(3));
    expect(graph.nodes).toMatchObject([
      { id: 0, inputs: [], spec: { kind: "text", path: "in", split: { shards: 2 } } },
      { id: 1, inputs: [0], spec: { kind: "sortBy", fn: by, descending: true } },
      { id: 2, inputs: [1], spec: { kind: "limit", n: 3, isFirst: false } },
    ]);
    expect(graph.nodes.every((node) => Object.isFrozen(node) && Object.isFrozen(node.spec))).toBe(true);
    expect(graph.nodes.every(({ callSite }) => callSite?.file === import.meta.filename)).toBe(true);
  });

  test("the field of sortBy beside a closure that reads it", () => {
    const spec = lastSpec((f) => f.values([{ a: 1 }]).sortBy("a"));
    if (spec?.kind !== "sortBy") throw new Error("no sortBy");
    expect([spec.field, spec.fn({ a: 7 })]).toEqual(["a", 7]);
  });

  test("ranges, values and references", () => {
    expect(lastSpec((f) => f.range(3))).toEqual({ kind: "range", from: 0, to: 3 });
    expect(lastSpec((f) => f.range(-2, 3, { shards: 2 }))).toEqual({
      kind: "range",
      from: -2,
      to: 3,
      shards: 2,
    });
    const ref = new DatasetRef({ id: "x", shards: 2, rows: 3, bytes: 4 });
    expect(lastSpec((f) => f.from({ ref }))).toEqual({
      kind: "from",
      dataset: "x",
      shards: 2,
      rows: 3,
      bytes: 4,
    });
  });

  test("every sink as an output, returned or not, and once", () => {
    const graph = graphOf((f) => {
      const rows = f.range(3);
      rows.writeText("unreturned", String);
      const sink = rows.writeCsv("returned", { columns: ["a"], delimiter: ";" });
      return { rows, deep: [{ sink }] };
    });
    expect([...graph.outputs].toSorted()).toEqual([0, 1, 2]);
  });
});

describe("operations refuse", () => {
  const rows = (f: FlowBuilder): Loose => f.range(3);

  test.each<[string, (f: FlowBuilder) => unknown, string]>([
    ["closures that are none", (f) => rows(f).map(7), "Cannot use map: fn must be a function, got 7"],
    [
      "0 shards",
      (f) => rows(f).repartition(0),
      "Cannot use repartition: shards must be a whole number of at least 1, got 0",
    ],
    [
      "shards that are no number",
      (f) => rows(f).coalesce("2"),
      'Cannot use coalesce: shards must be a number, got "2"',
    ],
    [
      "negative limits",
      (f) => rows(f).limit(-1),
      "Cannot use limit: n must be a whole number of at least 0, got -1",
    ],
    [
      "fractional tops",
      (f) => rows(f).top(1.5),
      "Cannot use top: n must be a whole number of at least 0, got 1.5",
    ],
    [
      "fractions above 1",
      (f) => rows(f).sample(1.1),
      "Cannot use sample: fraction must be between 0 and 1, got 1.1",
    ],
    ["NaN as a fraction", (f) => rows(f).sample(Number.NaN), "got NaN"],
    ["unions of nothing", (f) => rows(f).union(), "others must hold at least one Dataset, got none"],
    [
      "joins with no dataset",
      (f) => rows(f).join([1]),
      "Cannot use join: other must be a Dataset, got an array of 1",
    ],
    [
      "unknown strategies",
      (f) => rows(f).join(rows(f), { strategy: "hsh" }),
      'strategy must be one of "auto", "hash"',
    ],
    [
      "a broadcast full join",
      (f) => rows(f).fullJoin(rows(f), { strategy: "broadcast" }),
      "strategy must not be broadcast",
    ],
    [
      "unknown options",
      (f) => rows(f).sort(undefined, { descnding: true }),
      'unknown option "descnding", did you mean "descending"?',
    ],
    [
      "options far from any",
      (f) => rows(f).sort(undefined, { q: true }),
      'unknown option "q", known are descending, shards',
    ],
    [
      "options that are no object",
      (f) => rows(f).writeText("x", () => "", 3),
      "options must be an object, got 3",
    ],
    [
      "a side that is not broadcast",
      (f) => rows(f).map(() => 1, { with: rows(f) }),
      "with must be a dataset's broadcast()",
    ],
    [
      "incomplete aggregations",
      (f) => rows(f).aggregate({ zero: () => 0, add: () => 0 }),
      "Cannot use aggregate: merge must be a function, got undefined",
    ],
    [
      "the beginning of an option's name",
      (f: Loose) => rows(f).sort(undefined, { desc: true }),
      'unknown option "desc", did you mean "descending"?',
    ],
    [
      "objects with nothing in them",
      (f: Loose) => f.from({}),
      "must be a dataset handle or a channel, got {}",
    ],
    ["objects of other classes", (f: Loose) => f.from(new Map()), "got an object of class Map"],
    ["empty paths", (f) => f.text(""), 'Cannot use text: path must be a string with content, got ""'],
    ["empty commands", (f) => rows(f).pipe([]), "command must not be empty, got an array of 0"],
    [
      "backward ranges",
      (f) => f.range(3, 2),
      "Cannot use range: to must be a whole number of at least 3, got 2",
    ],
    ["values of no array", (f: Loose) => f.values("abc"), 'rows must be an array, got "abc"'],
    [
      "handles that are none",
      (f: Loose) => f.from({ id: "x" }),
      "input must be a dataset handle or a channel, got an object (id)",
    ],
    ["long delimiters", (f) => f.csv("in", { delimiter: "||" }), "delimiter must be one character"],
    [
      "types of no column",
      (f) => f.csv("in", { columns: ["a"], types: { b: "number" } }),
      "types.b is not one of the columns a",
    ],
    [
      "unknown types",
      (f: Loose) => f.csv("in", { types: { b: "int" } }),
      'types.b must be one of "string", "number"',
    ],
    [
      "sort keys that are none",
      (f) => rows(f).sortBy(true),
      "key must be a function, a property name or a tuple place, got true",
    ],
    ["negative hints", (f) => rows(f).hint({ rows: -1 }), "rows must be a whole number of at least 0"],
  ])("%s", (_, builder, message) => {
    expect(misuse(builder as (f: never) => unknown)).toThrow(message);
    expect(misuse(builder as (f: never) => unknown)).not.toThrow(PlanError);
  });
});

describe("buildGraph() refuses", () => {
  const messageOf = (builder: (f: FlowBuilder) => unknown): string => {
    try {
      graphOf(builder);
    } catch (error) {
      if (error instanceof PlanError) return error.message;
      throw error;
    }
    throw new Error("nothing was refused");
  };
  let stolen: ReturnType<FlowBuilder["range"]> | undefined;
  graphOf((f) => {
    stolen = f.range(3);
    return stolen;
  });
  const foreign = () => stolen ?? expect.unreachable();

  test("a flow without output and sink", () => {
    expect(messageOf((f) => void f.range(3))).toContain("it returns no dataset and has no sink");
  });

  test("datasets of another graph, as inputs and as outputs, by the user's line", () => {
    expect(messageOf((f) => f.range(3).union(foreign()))).toMatch(
      /Cannot use union in flow "test" at \S+dataset_test.ts:\d+: a dataset of another graph/,
    );
    expect(messageOf(() => [foreign()])).toMatch(
      /the result\[0\] is range of \S+dataset_test.ts:\d+, which belongs to another graph/,
    );
  });

  test("a builder that reads parameters of which none were given, by its flow", () => {
    const builder = (f: FlowBuilder, p: { n: number }) => f.range(p.n);
    const bare = { name: "bare", builder, callSite: undefined } as never;
    expect(() => buildGraph(bare, undefined)).toThrow(/p\.n.*\(flow "bare" was given no parameters\)/);
  });

  test("outputs that are neither dataset nor sink", () => {
    expect(messageOf((f) => ({ n: f.range(3), deep: { x: 3 } }))).toContain(
      "the result.deep.x must be a dataset or a sink, got a number",
    );
    expect(messageOf((f) => f.range(3).broadcast())).toContain("got a broadcast: return its dataset");
    expect(messageOf(async (f) => f.range(3))).toContain("got a promise: a builder must not be async");
  });

  test("steps after the builder has returned", () => {
    expect(() => foreign().map((n) => n)).toThrow(
      /Cannot add map to flow "test" at \S+: its builder has returned/,
    );
  });
});

describe("buildGraph()", () => {
  test("blames the flow's line when the builder's only frame was a tail call", () => {
    const callSite = { file: "/x/wc.ts", line: 3, column: 1 };
    const { graph } = buildGraph({ name: "t", builder: (f: FlowBuilder) => f.range(3), callSite }, undefined);
    const site = graph.nodes[0].callSite;
    expect([callSite.file, import.meta.filename]).toContain(site?.file ?? "");
    if (site?.file === import.meta.filename) expect(site.line).toBeGreaterThan(130);
  });

  test("hands parameters to the builder and its result back", () => {
    const built = buildGraph(
      {
        name: "t",
        builder: (f: FlowBuilder, p: { n: number }) => ({ a: f.range(p.n) }),
        callSite: undefined,
      },
      { n: 5 },
    );
    expect(built.graph.nodes[0].spec).toMatchObject({ to: 5 });
    expect(Object.keys(built.outputs as object)).toEqual(["a"]);
  });
});
