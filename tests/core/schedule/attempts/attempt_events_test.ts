import { expect, test } from "bun:test";
import {
  CancelledError,
  LucioleError,
  PlanMismatchError,
  ShardLostError,
  TaskError,
  toWireError,
} from "../../../../core/errors.ts";
import type { ExecutionOutcome } from "../../../../core/schedule/outcome.ts";
import { datasetPieces } from "../../../../core/schedule/shards/dataset_reads.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { edge, hashTail, planOf, shardOf, TOTALS } from "../plans.ts";

function oneTask(slots = 1): FakeCluster {
  const cluster = new FakeCluster();
  cluster.join("a", slots);
  cluster.submit("e", planOf([{ tasks: 1 }], [0]));
  return cluster;
}

function messageOf(outcome: ExecutionOutcome | undefined): string | undefined {
  return outcome?.kind === "failed" ? outcome.error.message : outcome?.kind;
}

test("apply() runs a throwing closure twice, not more, when it throws the same again", () => {
  const cluster = oneTask();
  cluster.fail("e-0-0-1", new TaskError("step map failed at row 3"));
  expect(cluster.outcomes.size).toBe(0);
  cluster.fail("e-0-0-2", new TaskError("step map failed at row 3"));
  expect(messageOf(cluster.outcomes.get("e"))).toBe("step map failed at row 3");
  expect(cluster.orders.size).toBe(2);
});

test("F4: apply() tries up to maxAttempts when each failure is another one, and ends with the first of them", () => {
  const cluster = oneTask();
  for (let i = 1; i <= 4; i += 1) {
    expect(cluster.outcomes.size).toBe(0);
    cluster.fail(`e-0-0-${i}`, new TaskError(`failure ${i}`));
  }
  expect(messageOf(cluster.outcomes.get("e"))).toBe("failure 1");
  expect(cluster.warnings).toEqual([]);
});

test("apply() warns of failures only when the task succeeded in the end", () => {
  const cluster = oneTask();
  for (let i = 1; i <= 3; i += 1) cluster.fail(`e-0-0-${i}`, new TaskError(`failure ${i}`));
  cluster.commit("e-0-0-4");
  expect(cluster.warnings).toEqual([
    "Task 0 of group 0 succeeded only when it was run again, it failed with: failure 3",
  ]);
});

test("apply() warns of the first loss of a task only", () => {
  const cluster = oneTask();
  for (let i = 1; i <= 4; i += 1) cluster.lose(`e-0-0-${i}`);
  cluster.commit("e-0-0-5");
  expect(cluster.warnings).toEqual(["Task 0 of group 0 was lost and is run again: killed"]);
});

test("apply() tries what the disk refused once more, whatever the message", () => {
  const cluster = oneTask();
  cluster.fail("e-0-0-1", new LucioleError("disk-full", "Cannot write e-0-0-1: the disk is full"));
  cluster.fail("e-0-0-2", new LucioleError("disk-full", "Cannot write e-0-0-2: the disk is full"));
  expect(messageOf(cluster.outcomes.get("e"))).toBe("Cannot write e-0-0-2: the disk is full");
});

test("apply() fails at once when trying again cannot help", () => {
  for (const error of [
    new PlanMismatchError("other graph"),
    new LucioleError("not-serialisable", "a function"),
    new CancelledError("stopped by the agent"),
    new LucioleError("malformed-input", "no JSON"),
    new TaskError("step map failed", { cause: new LucioleError("not-serialisable", "a promise") }),
  ]) {
    const cluster = oneTask();
    cluster.fail("e-0-0-1", error);
    expect(messageOf(cluster.outcomes.get("e"))).toBe(error.message);
  }
});

test("apply() counts losses apart from failures and in a row", () => {
  const cluster = oneTask();
  for (let i = 1; i <= 3; i += 1) cluster.fail(`e-0-0-${i}`, new TaskError(`failure ${i}`));
  for (let i = 4; i <= 7; i += 1) cluster.lose(`e-0-0-${i}`);
  cluster.commit("e-0-0-8");
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
});

test("apply() forgets earlier losses of a task when it commits", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.submit("e", planOf([{ tasks: 1 }, { tasks: 1, inputs: [edge(0, "all")] }], [1]));
  for (let i = 1; i <= 4; i += 1) cluster.lose(`e-0-0-${i}`);
  cluster.commit("e-0-0-5");
  cluster.destroy("e-0-0-5");
  cluster.fail("e-1-0-1", new ShardLostError("gone", { fields: { attempt: "e-0-0-5" } }));
  for (let i = 6; i <= 9; i += 1) cluster.lose(`e-0-0-${i}`);
  cluster.commit("e-0-0-10");
  cluster.commit("e-1-0-2");
  const outcome = cluster.outcomes.get("e");
  expect(outcome?.kind === "done" ? outcome.totals.counters : outcome).toEqual({ seen: 2 });
});

test("apply() forgets earlier failures of a task when it commits", () => {
  const cluster = oneTask();
  // It is computed again and again, and fails once each time.
  for (let i = 1; i <= 11; i += 2) {
    cluster.fail(`e-0-0-${i}`, new TaskError(`failure ${i}`));
    cluster.commit(`e-0-0-${i + 1}`);
    cluster.destroy(`e-0-0-${i + 1}`);
    cluster.send({ kind: "shardLost", attempt: `e-0-0-${i + 1}`, cause: "gone" });
  }
  cluster.commit("e-0-0-13");
  expect(cluster.shards()).toEqual(["e-0-0-13"]);
  // Four in a row are too many then as ever.
  cluster.destroy("e-0-0-13");
  cluster.send({ kind: "shardLost", attempt: "e-0-0-13", cause: "gone" });
  for (let i = 14; i <= 17; i += 1) cluster.fail(`e-0-0-${i}`, new TaskError(`failure ${i}`));
  expect(() => datasetPieces(cluster.state, "e.0")).toThrow("failure 14");
});

test("apply() ends a worker program of which one is done each time while another fails", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.submit("e", planOf([{ tasks: 2, head: { kind: "worker", node: 0, inputs: [] } }], [0]));
  for (let run = 1; run <= 8 && !cluster.outcomes.has("e"); run += 1) {
    cluster.commit(`e-0-${run % 2}-${run}`);
    cluster.fail(`e-0-${(run + 1) % 2}-${run}`, new LucioleError("sink", `failure ${run}`));
  }
  // The first one fails in every other run.
  expect(messageOf(cluster.outcomes.get("e"))).toBe("failure 7");
});

test("F4: apply() ends with the first cause when a task is lost five times in a row", () => {
  const cluster = oneTask();
  for (let i = 1; i <= 5; i += 1) {
    expect(cluster.outcomes.size).toBe(0);
    cluster.lose(`e-0-0-${i}`, `loss ${i}`);
  }
  expect(messageOf(cluster.outcomes.get("e"))).toBe(
    "Cannot run task 0 of group 0: it was lost 5 times in a row, first: loss 1",
  );
});

test("apply() tells what fails the same again, and what cannot be tried again, whatever failed before", () => {
  const repeated = oneTask();
  for (const [i, text] of ["a", "b", "b"].entries()) repeated.fail(`e-0-0-${i + 1}`, new TaskError(text));
  expect(messageOf(repeated.outcomes.get("e"))).toBe("b");
  const final = oneTask();
  final.fail("e-0-0-1", new TaskError("a"));
  final.fail("e-0-0-2", new PlanMismatchError("other graph"));
  expect(messageOf(final.outcomes.get("e"))).toBe("other graph");
});

test("S4: apply() counts no loss of a task whose worker is taken away, however often", () => {
  const cluster = oneTask();
  for (let i = 1; i <= 20; i += 1) cluster.drain(`e-0-0-${i}`);
  expect([cluster.outcomes.size, cluster.warnings]).toEqual([0, []]);
  cluster.commit("e-0-0-21");
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
});

test("apply() stops siblings and ends once they have ended when a task fails for good", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 3);
  cluster.submit("e", planOf([{ tasks: 3 }], [0]));
  cluster.submit("other", planOf([{ tasks: 1 }], [0]));
  cluster.commit("e-0-2-1");
  cluster.fail("e-0-0-1", new PlanMismatchError("first cause"));
  expect(cluster.cancelled()).toEqual(["e-0-1-1"]);
  expect(cluster.outcomes.size).toBe(0);
  cluster.fail("e-0-1-1", new PlanMismatchError("second cause"));
  expect(messageOf(cluster.outcomes.get("e"))).toBe("first cause");
  expect(cluster.shards()).toEqual([]);
  cluster.commit("other-0-0-1");
  expect(cluster.outcomes.get("other")?.kind).toBe("done");
});

test("apply() ends a failed execution after a bounded wait when a sibling does not stop", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.submit("e", planOf([{ tasks: 2 }], [0]));
  cluster.fail("e-0-0-1", new PlanMismatchError("no"));
  cluster.send({ kind: "tick" });
  expect(cluster.outcomes.size).toBe(0);
  cluster.now += 5_000;
  cluster.send({ kind: "tick" });
  expect(messageOf(cluster.outcomes.get("e"))).toBe("no");
  cluster.submit("f", planOf([{ tasks: 2 }], [0]));
  expect(cluster.running()).toEqual(["f-0-0-1"]);
  cluster.commit("e-0-1-1");
  expect(cluster.shards()).toEqual([]);
  expect(cluster.running()).toEqual(["f-0-0-1", "f-0-1-1"]);
});

test("apply() ends a cancelled execution as cancelled", () => {
  const cluster = oneTask();
  const cause = toWireError(new CancelledError("Ctrl-C"));
  cluster.send({ kind: "executionCancelled", execution: "e", cause });
  cluster.fail("e-0-0-1", new CancelledError("stopped"));
  expect(cluster.outcomes.get("e")).toEqual({ kind: "cancelled", error: cause });
  expect(cluster.state.executions.size).toBe(0);
});

test("apply() ignores late and duplicate events of attempts that do not count any more", () => {
  const cluster = oneTask();
  cluster.lose("e-0-0-1");
  const result = { kind: "committed", shard: shardOf({ kind: "store" }, ""), totals: TOTALS } as const;
  const late = { kind: "attemptEnded", agent: "a", attempt: "e-0-0-1", result } as const;
  expect(cluster.send(late)).toEqual([]);
  cluster.commit("e-0-0-2");
  expect(cluster.send({ ...late, attempt: "e-0-0-2" })).toEqual([]);
  expect(cluster.send({ kind: "attemptLost", agent: "a", attempt: "e-0-0-2", cause: "late" })).toEqual([]);
  expect(cluster.shards()).toEqual(["e-0-0-2"]);
});

test("apply() computes lost shards again, and those before them, when an agent is lost", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  const plan = planOf(
    [
      { tasks: 2 },
      { tasks: 2, inputs: [edge(0, "forward")], tail: hashTail(2) },
      { tasks: 2, inputs: [edge(1, "partition")] },
    ],
    [2],
  );
  cluster.submit("e", plan);
  cluster.commitGroup("e", 0);
  cluster.commitGroup("e", 1);
  expect(cluster.shards()).toEqual(["e-1-0-1", "e-1-1-1"]);
  cluster.join("b", 2);
  cluster.loseAgent("a");
  expect(cluster.running()).toEqual(["e-0-0-2", "e-0-1-2"]);
  for (const group of [0, 1, 2]) cluster.commitGroup("e", group);
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
  expect(cluster.shards()).toEqual(["e-2-0-2", "e-2-1-2"]);
});

test("apply() computes only the lost shard again when a read fails", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  const plan = planOf(
    [
      { tasks: 3, tail: hashTail(1) },
      { tasks: 1, inputs: [edge(0, "all")] },
    ],
    [1],
  );
  cluster.submit("e", plan);
  cluster.commitGroup("e", 0);
  cluster.destroy("e-0-1-1");
  cluster.fail("e-1-0-1", new ShardLostError("gone", { fields: { attempt: "e-0-1-1" } }));
  expect(cluster.running()).toEqual(["e-0-1-2"]);
  cluster.commit("e-0-1-2");
  expect(cluster.order("e-1-0-2").input.pieces[0].map((piece) => piece.attempt)).toEqual([
    "e-0-0-1",
    "e-0-1-2",
    "e-0-2-1",
  ]);
});

test("apply() adds up totals of the attempts that won, once", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.submit("e", planOf([{ tasks: 2 }, { tasks: 2, inputs: [edge(0, "forward")] }], [1]));
  cluster.lose("e-0-0-1");
  cluster.commitGroup("e", 0);
  cluster.commitGroup("e", 1);
  const outcome = cluster.outcomes.get("e");
  if (outcome?.kind !== "done") throw new Error("not done");
  expect(outcome.totals.counters).toEqual({ seen: 4 });
  expect(outcome.stages.map((stage) => stage.attempts)).toEqual([3, 2]);
});

test("apply() warns of skew once, also when there are two partitions, and not when they are small", () => {
  for (const [sizes, warnings] of [
    [[1e6, 40e6], 1],
    [[1e3, 15e6], 0],
    [[20e6, 40e6], 0],
  ] as const) {
    const cluster = new FakeCluster();
    cluster.join("a", 1);
    cluster.submit("e", planOf([{ tasks: 1, tail: hashTail(2) }], [0]));
    cluster.commit("e-0-0-1", { partitions: sizes.map((bytes) => ({ rows: 1, bytes, chunks: 1 })) });
    expect(cluster.warnings).toHaveLength(warnings);
  }
});

test("apply() warns of skew when one partition is much larger than the median", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.submit("e", planOf([{ tasks: 1, tail: hashTail(3) }], [0]));
  const sizes = [1e6, 1e6, 40e6];
  cluster.commit("e-0-0-1", { partitions: sizes.map((bytes) => ({ rows: 1, bytes, chunks: 1 })) });
  expect(cluster.warnings).toEqual([
    "group 0 is skewed: its largest partition has 40000000 bytes, the median 1000000",
  ]);
});

test("apply() makes a shard elsewhere that its reader could not reach, and leaves the reader where it was", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.join("b", 1);
  const plan = planOf([{ tasks: 2 }, { tasks: 1, inputs: [edge(0, "all")] }], [1]);
  cluster.submit("e", plan);
  cluster.commitGroup("e", 0);
  const reader = cluster.agentOf("e-1-0-1");
  const far = reader === "a" ? "b" : "a";
  const lost = cluster.order("e-1-0-1").input.pieces[0].find(({ agent }) => agent === far)?.attempt ?? "";
  cluster.fail("e-1-0-1", new ShardLostError("cannot be reached", { fields: { attempt: lost } }));
  const [again] = cluster.running();
  expect(cluster.agentOf(again)).toBe(reader);
  cluster.commit(again);
  expect(cluster.agentOf("e-1-0-2")).toBe(reader);
});

test("apply() goes on without an agent on which no worker can be started, as long as there is another one", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.join("b", 1);
  cluster.submit("e", planOf([{ tasks: 3 }], [0]));
  const broken = cluster.running().filter((id) => cluster.agentOf(id) === "a");
  for (const id of broken) cluster.fail(id, new LucioleError("worker-start", "no such library"));
  expect(cluster.warnings[0]).toBe("agent a gets no tasks any more: no such library");
  while (cluster.running().length > 0) {
    expect(cluster.running().map((id) => cluster.agentOf(id))).toEqual(["b"]);
    cluster.commit(cluster.running()[0]);
  }
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
  cluster.send({ kind: "datasetReleased", dataset: "e.0" });
  cluster.submit("f", planOf([{ tasks: 1 }], [0]));
  cluster.loseAgent("b");
  expect(cluster.agentOf("f-0-0-2")).toBe("a");
  cluster.fail("f-0-0-2", new LucioleError("worker-start", "no such file"));
  expect(messageOf(cluster.outcomes.get("f"))).toBe("no such file");
});
