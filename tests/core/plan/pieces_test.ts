import { expect, test } from "bun:test";
import type { InputEdge } from "../../../core/plan/physical.ts";
import { type LocatedDataset, shardsRead, taskInput } from "../../../core/plan/pieces.ts";
import { edge, type GroupOptions, planOf } from "../schedule/plans.ts";

function located(shards: number, rows: readonly (readonly number[])[] = []): LocatedDataset {
  return {
    shards,
    shard: (index) => ({
      agent: `a${index % 2}`,
      attempt: `s${index}`,
      isCommitted: true,
      report: { partitions: (rows[index] ?? [1]).map((count) => ({ rows: count, bytes: count, chunks: 1 })) },
    }),
  };
}

function attemptsOf(options: GroupOptions, task: number, dataset: (edge: InputEdge) => LocatedDataset) {
  const plan = planOf([options], []).groups[0];
  return taskInput(plan, task, dataset).pieces.map((pieces) => pieces.map((piece) => piece.attempt));
}

test("shardsRead() deals every shard to one task when the mode is spread", () => {
  for (const [shards, tasks] of [
    [21, 1],
    [7, 3],
    [2, 5],
    [0, 2],
    [4, 4],
  ]) {
    const dealt: number[] = [];
    for (let task = 0; task < tasks; task += 1) {
      const { from, to } = shardsRead("spread", { task, tasks, offset: 0 }, shards);
      for (let i = from; i < to; i += 1) dealt.push(i);
    }
    expect(dealt).toEqual(Array.from({ length: shards }, (_, i) => i));
  }
});

test("taskInput() reads the matching shard when the mode is forward, and all when it is all", () => {
  const inputs = [edge(0, "forward"), edge(1, "all")];
  expect(attemptsOf({ tasks: 3, inputs }, 2, () => located(3))).toEqual([["s2"], ["s0", "s1", "s2"]]);
});

test("taskInput() gives each task one shard of one edge when the mode is union", () => {
  const inputs = [edge(0, "union"), edge(1, "union"), edge(2, "union")];
  const sizes = [2, 0, 1];
  const dataset = ({ from }: InputEdge) => located(from.kind === "group" ? sizes[from.group] : 0);
  const all = [0, 1, 2].map((task) => attemptsOf({ tasks: 3, inputs }, task, dataset));
  expect(all).toEqual([
    [["s0"], [], []],
    [["s1"], [], []],
    [[], [], ["s0"]],
  ]);
});

test("taskInput() leaves out partitions without rows", () => {
  const rows = [
    [0, 3],
    [2, 0],
  ];
  const plan = planOf([{ tasks: 2, inputs: [edge(0, "partition")] }], []).groups[0];
  const input = taskInput(plan, 1, () => located(2, rows));
  expect(input.pieces).toEqual([[{ agent: "a0", attempt: "s0", partition: 1, isCommitted: true }]]);
});

test("taskInput() names side inputs by the place of their step", () => {
  const steps = [
    { op: "map", node: 1 },
    { op: "filter", node: 2, side: edge(1, "all") },
  ] as const;
  const plan = planOf([{ tasks: 1, inputs: [edge(0, "forward")], steps }], []).groups[0];
  const input = taskInput(plan, 0, () => located(2));
  expect(Object.keys(input.sides)).toEqual(["1"]);
  expect(input.sides[1].map((piece) => piece.attempt)).toEqual(["s0", "s1"]);
});

test("taskInput() reads only chunks that can hold keys of the range", () => {
  const order = { node: 1, by: "row", descending: false } as const;
  const head = { kind: "merge", input: edge(0, "range"), order, hasKeyColumn: false } as const;
  const plan = planOf([{ tasks: 2, head }], []).groups[0];
  const marks = [0, 10, 20, 5, 15].map((firstKey, i) => ({ run: i < 3 ? 0 : 1, firstKey }));
  const dataset: LocatedDataset = {
    shards: 1,
    shard: () => ({ agent: "a", attempt: "s", isCommitted: true, report: { partitions: [], marks } }),
  };
  const compare = (a: unknown, b: unknown) => Number(a) - Number(b);
  const input = taskInput(plan, 0, () => dataset, { range: { bounds: { upper: { key: 10 } }, compare } });
  expect(input.upper).toEqual({ key: 10 });
  expect(input.pieces[0].map((piece) => piece.chunks)).toEqual([
    { from: 0, to: 1 },
    { from: 3, to: 4 },
  ]);
});
