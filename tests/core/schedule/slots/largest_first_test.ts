/** Tests that tasks with much more to read than most start first, and that the others keep their order. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Head, SourceSplit } from "../../../../core/plan/physical.ts";
import type { ShardReport } from "../../../../core/schedule/report.ts";
import { ReadyTasks } from "../../../../core/schedule/slots/ready_tasks.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { edge, type GroupOptions, hashTail, planOf } from "../plans.ts";

const MIB = 2 ** 20;

function fileOf(mebibytes: number): SourceSplit & { readonly kind: "file" } {
  return { kind: "file", path: `/${mebibytes}`, start: 0, end: mebibytes * MIB, compression: "none" };
}

function compressed(estimatedBytes?: number): SourceSplit {
  const split = { kind: "file", path: "/z", start: 0, end: Number.POSITIVE_INFINITY } as const;
  return { ...split, compression: "gzip", ...(estimatedBytes === undefined ? {} : { estimatedBytes }) };
}

/** The numbers of the tasks of a group in the order in which one slot runs them. */
function orderOfRuns(fake: FakeCluster, group: number): number[] {
  const order: number[] = [];
  for (;;) {
    const attempt = fake.running().find((id) => id.startsWith(`e-${group}-`));
    if (attempt === undefined) return order;
    order.push(Number(attempt.split("-")[2]));
    fake.commit(attempt);
  }
}

function runSplits(splits: readonly SourceSplit[]): number[] {
  const fake = new FakeCluster();
  fake.join("a", 1);
  const head: Head = { kind: "source", node: 0, splits };
  fake.submit("e", planOf([{ tasks: splits.length, head }], [0]));
  const order = orderOfRuns(fake, 0);
  expect(fake.outcomes.get("e")?.kind).toBe("done");
  return order;
}

test("splits that are much larger than most are read first, the largest before the others", () => {
  expect(runSplits([4, 4, 4, 9, 4, 20].map(fileOf))).toEqual([5, 3, 0, 1, 2, 4]);
  expect(runSplits([fileOf(4), fileOf(4), compressed(20 * MIB), compressed()])).toEqual([2, 0, 1, 3]);
  const packed: SourceSplit = { kind: "files", files: [fileOf(15), fileOf(16)] };
  expect(runSplits([fileOf(4), fileOf(4), fileOf(4), packed])).toEqual([3, 0, 1, 2]);
});

test("splits of about the same size, and small ones, keep their order", () => {
  expect(runSplits([4, 5, 3, 5].map(fileOf))).toEqual([0, 1, 2, 3]);
  expect(runSplits([0.01, 0.02, 0.5, 0.01].map(fileOf))).toEqual([0, 1, 2, 3]);
});

test("the hot partition of a group, which cannot be divided, is computed first", () => {
  const fake = new FakeCluster();
  fake.join("a", 1);
  const steps: GroupOptions["steps"] = [{ op: "group", node: 1 }];
  const grouped = { tasks: 4, inputs: [edge(0, "partition")], steps };
  fake.submit("e", planOf([{ tasks: 2, tail: hashTail(4) }, grouped], [1]));
  const report: ShardReport = {
    partitions: [MIB, MIB, MIB, 9 * MIB].map((bytes) => ({ rows: 1, bytes, chunks: 1 })),
  };
  for (const task of [0, 1]) fake.commit(`e-0-${task}-1`, report);
  expect(orderOfRuns(fake, 1)).toEqual([3, 0, 1, 2]);
});

test("ReadyTasks give every ready task once, by their order, when orders and agents are random", () => {
  const story = fc.record({
    tasks: fc.uniqueArray(fc.nat(30), { minLength: 1 }),
    keys: fc.array(fc.nat(9), { minLength: 31, maxLength: 31 }),
    preferred: fc.array(fc.constantFrom("a", "b", undefined), { minLength: 31, maxLength: 31 }),
  });
  fc.assert(
    fc.property(story, ({ tasks, keys, preferred }) => {
      const order = [...keys.keys()].sort((a, b) => keys[b] - keys[a]);
      const ready = new ReadyTasks();
      ready.begin(order);
      for (const task of tasks) ready.push(task, preferred[task]);
      const left = new Set(tasks);
      const isLeft = (task: number) => left.delete(task);
      const expected = order.filter((task) => left.has(task));
      const ofA = expected.filter((task) => preferred[task] === "a");
      expect(ready.takePreferring("a", isLeft)).toBe(ofA[0]);
      const rest = expected.filter((task) => task !== ofA[0]);
      for (const task of [...rest, undefined]) expect(ready.take(isLeft)).toBe(task);
    }),
  );
});
