/**
 * Where a task stands, as people are told of it.
 */
import { expect, test } from "bun:test";
import type { Graph } from "../../../core/graph/node.ts";
import type { SourceSplit, TaskGroupPlan } from "../../../core/plan/physical.ts";
import { filesOfTask, placeOfTask } from "../../../core/plan/task_place.ts";

const file = (path: string, start: number, end: number): SourceSplit & { readonly kind: "file" } => ({
  kind: "file",
  path,
  start,
  end,
  compression: Number.isFinite(end) ? "none" : "gzip",
});

function group(splits: readonly SourceSplit[], nodes: readonly number[] = []): TaskGroupPlan {
  return { head: { kind: "source", node: 0, splits }, nodes } as unknown as TaskGroupPlan;
}

function graphOf(lines: readonly (number | undefined)[]): Graph {
  const site = (line: number) => ({ callSite: { file: "/job.ts", line, column: 1 } });
  return { nodes: lines.map((line) => (line === undefined ? {} : site(line))) } as unknown as Graph;
}

test("the part of a file that a task reads is told, and of many files the first", () => {
  const one = file("/data/a b.txt", 0, 4096);
  const whole = file("/data/c.gz", 0, Number.POSITIVE_INFINITY);
  const splits: readonly SourceSplit[] = [
    one,
    whole,
    { kind: "files", files: [one] },
    { kind: "files", files: [one, whole] },
    { kind: "files", files: [whole, one, one] },
    { kind: "range", from: 0, to: 9 },
  ];
  const texts = [...splits.keys(), 9].map((task) => filesOfTask(group(splits), task));
  expect(texts).toEqual([
    '"/data/a b.txt" (bytes 0 to 4096)',
    '"/data/c.gz"',
    '"/data/a b.txt" (bytes 0 to 4096)',
    '"/data/a b.txt" and another file',
    '"/data/c.gz" and 2 other files',
    undefined,
    undefined,
  ]);
});

test("of a task that was lost the lines of its steps are told, each once and a few at most", () => {
  const graph = graphOf([3, 4, 4, undefined, 5, 6, 7, 8]);
  const splits = [file("/a.txt", 0, 9)];
  expect(placeOfTask(graph, group(splits, [0, 1, 2, 3]), 0)).toBe(
    ' (steps of /job.ts:3, /job.ts:4; from "/a.txt" (bytes 0 to 9))',
  );
  expect(placeOfTask(graph, group([], [0, 1, 4, 5, 6, 7]), 0)).toBe(
    " (steps of /job.ts:3, /job.ts:4, /job.ts:5, /job.ts:6, 2 more)",
  );
  expect(placeOfTask(graph, group([], [3]), 0)).toBe("");
});
