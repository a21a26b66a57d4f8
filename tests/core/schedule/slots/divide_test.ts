/** Tests that a shard with much more to read than most is made by several tasks, and is one shard for who reads it. */
import { expect, test } from "bun:test";
import type { Head } from "../../../../core/plan/physical.ts";
import type { ShardReport } from "../../../../core/schedule/report.ts";
import { datasetPieces, datasetSizes } from "../../../../core/schedule/shards/dataset_reads.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { edge, type GroupOptions, hashTail, planOf } from "../plans.ts";

const joinHead = (how: "inner" | "left" | "right" | "full"): Head => ({
  kind: "join",
  node: 2,
  how,
  strategy: "hash",
  left: edge(0, "partition"),
  right: edge(1, "partition"),
});

/** Partition 1 of group 0 is hot. */
function joinOf(how: "inner" | "left" | "right" | "full", rest: readonly GroupOptions[] = []) {
  const sides = [
    { tasks: 4, tail: hashTail(3) },
    { tasks: 1, tail: hashTail(3) },
  ];
  return planOf([...sides, { tasks: 3, head: joinHead(how) }, ...rest], [2 + rest.length]);
}

function cluster(slots = 20): FakeCluster {
  const made = new FakeCluster({ isSkewed: true });
  made.join("a", slots);
  return made;
}

/** What each running attempt of a group reads: its shard, and the tasks that wrote the pieces of each side. */
function readsOf(fake: FakeCluster, group: number): [shard: number, left: string[], right: string[]][] {
  const own = fake.running().filter((id) => id.startsWith(`e-${group}-`));
  const writersOf = (pieces: readonly { readonly attempt: string }[] = []) =>
    pieces.map(({ attempt }) => attempt.split("-")[2]);
  return own.map((id) => {
    const { task, input } = fake.order(id);
    return [task, writersOf(input.pieces[0]), writersOf(input.pieces[1])];
  });
}

const small = (partitions: number): ShardReport => ({
  partitions: Array.from({ length: partitions }, () => ({ rows: 1, bytes: 10, chunks: 1 })),
});

function commitSides(fake: FakeCluster): void {
  for (let task = 0; task < 4; task += 1) fake.commit(`e-0-${task}-1`);
  fake.commit("e-1-0-1", small(3));
}

test("a hot partition of a join is read by several tasks, each with all of the other side", () => {
  for (const how of ["inner", "left"] as const) {
    const fake = cluster();
    fake.submit("e", joinOf(how));
    commitSides(fake);
    expect(readsOf(fake, 2)).toEqual([
      [0, ["0", "1", "2", "3"], ["0"]],
      [1, ["0"], ["0"]],
      [1, ["1"], ["0"]],
      [1, ["2"], ["0"]],
      [1, ["3"], ["0"]],
      [2, ["0", "1", "2", "3"], ["0"]],
    ]);
  }
});

test("a hot partition stays whole where rows of the other side could wrongly be lonely", () => {
  for (const how of ["right", "full"] as const) {
    const fake = cluster();
    fake.submit("e", joinOf(how));
    commitSides(fake);
    expect(readsOf(fake, 2).map(([shard]) => shard)).toEqual([0, 1, 2]);
  }
});

test("who reads a divided shard waits for all of its parts and reads them in order", () => {
  const fake = cluster();
  const plan = joinOf("inner", [{ tasks: 3, inputs: [edge(2, "forward")], tail: { kind: "store" } }]);
  fake.submit("e", plan);
  commitSides(fake);
  for (const task of [1, 2, 4]) fake.commit(`e-2-${task}-1`);
  expect(readsOf(fake, 3)).toEqual([]);
  fake.commit("e-2-3-1");
  expect(readsOf(fake, 3)).toEqual([[1, ["1", "2", "3", "4"], []]]);
  fake.commit("e-3-1-1");
  // The parts are released together, and those of the other shards are not.
  expect(fake.shards()).not.toContain("e-2-2-1");
  fake.commit("e-2-5-1");
  expect(readsOf(fake, 3)).toEqual([[2, ["5"], []]]);
});

test("a divided output has as many shards as planned, and pieces of all parts", () => {
  const fake = cluster();
  fake.submit("e", joinOf("inner"));
  commitSides(fake);
  fake.commitGroup("e", 2);
  expect(datasetSizes(fake.state, "e.2").map(({ rows }) => rows)).toEqual([1, 4, 1]);
  expect(datasetPieces(fake.state, "e.2").map(({ piece }) => piece.attempt)).toEqual(
    [0, 1, 2, 3, 4, 5].map((task) => `e-2-${task}-1`),
  );
  // A later execution reads shard by shard.
  fake.submit("f", planOf([{ tasks: 3, inputs: [edge("e.2", "forward")] }], [0]));
  expect(fake.order("f-0-1-1").input.pieces[0]).toHaveLength(4);
});

test("what was decided stays so when an agent is lost and tasks run again", () => {
  const fake = cluster(6);
  fake.submit("e", joinOf("inner"));
  commitSides(fake);
  fake.commit("e-2-2-1");
  fake.join("b", 20);
  fake.loseAgent("a");
  // Now the partitions are even.
  for (let task = 0; task < 4; task += 1) fake.commit(`e-0-${task}-2`, small(3));
  fake.commit("e-1-0-2", small(3));
  expect(readsOf(fake, 2).map(([shard]) => shard)).toEqual([0, 1, 1, 1, 1, 2]);
  fake.commitGroup("e", 2);
  expect(fake.outcomes.get("e")?.kind).toBe("done");
});

test("shards are not divided when the output is followed, as its rows come in order", () => {
  const fake = cluster();
  fake.submit("e", joinOf("inner"), { followed: [2] });
  commitSides(fake);
  expect(readsOf(fake, 2).map(([shard]) => shard)).toEqual([0, 1, 2]);
});

test("a skewed exchange is warned of when nobody divides it", () => {
  const hot = (): ShardReport => ({
    partitions: [10, 10, 1e9].map((bytes) => ({ rows: 1, bytes, chunks: 1 })),
  });
  const warnings = (["inner", "full"] as const).map((how) => {
    const fake = cluster();
    fake.submit("e", joinOf(how));
    for (let task = 0; task < 4; task += 1) fake.commit(`e-0-${task}-1`, hot());
    return fake.warnings.length;
  });
  expect(warnings).toEqual([0, 1]);
});
