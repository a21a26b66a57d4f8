import { expect, test } from "bun:test";
import { ShardLostError, TaskError } from "../../../../core/errors.ts";
import { datasetPieces } from "../../../../core/schedule/shards/dataset_reads.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { edge, type GroupOptions, hashTail, planOf } from "../plans.ts";

const COMBINE = { op: "combine", node: 1, phase: "merge", key: "pair" } as const;

/** channel → map, repartition → map → output */
function streamed(steps: GroupOptions["steps"] = []): ReturnType<typeof planOf> {
  return planOf(
    [
      { tasks: 1, inputs: [edge("ch", "forward")], tail: hashTail(2) },
      { tasks: 2, inputs: [edge(0, "partition")], steps },
    ],
    [1],
  );
}

function withChannel(slots: number): FakeCluster {
  const cluster = new FakeCluster();
  cluster.join("a", slots);
  cluster.open("ch", "a");
  return cluster;
}

function codeOf(cluster: FakeCluster, execution: string): string | undefined {
  const outcome = cluster.outcomes.get(execution);
  return outcome?.kind === "failed" ? outcome.error.code : outcome?.kind;
}

test("a pipeline flows from an open channel to a streamed output across a repartition", () => {
  const cluster = withChannel(3);
  cluster.submit("e", streamed(), { followed: [1] });
  expect(cluster.running()).toEqual(["e-0-0-1"]);
  expect(cluster.order("e-0-0-1").isFollowed).toBe(true);
  expect(cluster.order("e-0-0-1").input.pieces[0][0].isCommitted).toBe(false);
  cluster.start("e-0-0-1");
  expect(cluster.running()).toEqual(["e-0-0-1", "e-1-0-1", "e-1-1-1"]);
  expect(cluster.order("e-1-1-1").input.pieces).toEqual([
    [{ agent: "a", attempt: "e-0-0-1", partition: 1, isCommitted: false }],
  ]);
  cluster.start("e-1-0-1");
  expect(cluster.ready).toEqual(["e.1"]);
  expect(datasetPieces(cluster.state, "e.1").map((one) => [one.shard, one.piece.isCommitted])).toEqual([
    [0, false],
  ]);
  cluster.close("ch");
  for (const id of ["e-0-0-1", "e-1-0-1", "e-1-1-1"]) cluster.commit(id);
  expect(codeOf(cluster, "e")).toBe("done");
});

test("a pipeline fails and tells how many slots it needs when there are too few", () => {
  const cluster = withChannel(2);
  cluster.submit("e", streamed(), { followed: [1] });
  const outcome = cluster.outcomes.get("e");
  expect(outcome?.kind === "failed" ? outcome.error.message : "").toBe(
    "Running execution e: 3 tasks must run at once while its channels are open, and the job has 2 slots",
  );
  expect(codeOf(cluster, "e")).toBe("not-enough-resources");
});

test("a pipeline counts slots that another open stream holds", () => {
  const cluster = withChannel(4);
  cluster.submit("e", streamed(), { followed: [1] });
  cluster.submit("f", streamed(), { followed: [1] });
  expect(codeOf(cluster, "f")).toBe("not-enough-resources");
  expect(cluster.outcomes.has("e")).toBe(false);
});

test("a channel is read while it is open, and the rest goes stage by stage when nobody follows", () => {
  const cluster = withChannel(2);
  cluster.submit("e", streamed([COMBINE]));
  cluster.start("e-0-0-1");
  expect(cluster.running()).toEqual(["e-0-0-1"]);
  expect(cluster.order("e-0-0-1").isFollowed).toBe(false);
  cluster.close("ch");
  cluster.commit("e-0-0-1");
  expect(cluster.running()).toEqual(["e-1-0-1", "e-1-1-1"]);
});

test("a pipeline waits for all its slots while other work runs, and younger work waits for it", () => {
  const cluster = withChannel(3);
  cluster.submit("old", planOf([{ tasks: 1 }], [0]));
  cluster.submit("e", streamed(), { followed: [1] });
  cluster.submit("young", planOf([{ tasks: 1 }], [0]));
  expect(cluster.running()).toEqual(["old-0-0-1"]);
  cluster.commit("old-0-0-1");
  expect(cluster.running()).toEqual(["e-0-0-1"]);
  cluster.start("e-0-0-1");
  expect(cluster.running()).toEqual(["e-0-0-1", "e-1-0-1", "e-1-1-1"]);
});

test("followers start anew when the attempt that they follow is superseded", () => {
  const cluster = withChannel(3);
  cluster.submit("e", streamed(), { followed: [1] });
  cluster.start("e-0-0-1");
  cluster.fail("e-0-0-1", new TaskError("boom"));
  expect(cluster.cancelled()).toEqual(["e-1-0-1", "e-1-1-1"]);
  expect(cluster.running()).toEqual(["e-0-0-2"]);
  cluster.start("e-0-0-2");
  for (const id of cluster.cancelled()) cluster.lose(id);
  expect(cluster.running()).toEqual(["e-0-0-2", "e-1-0-2", "e-1-1-2"]);
  expect(cluster.order("e-1-0-2").input.pieces[0][0].attempt).toBe("e-0-0-2");
});

test("followers of followers start anew when what they read of starts anew", () => {
  const cluster = withChannel(3);
  const chain = planOf(
    [
      { tasks: 1, inputs: [edge("ch", "forward")] },
      { tasks: 1, inputs: [edge(0, "all")] },
      { tasks: 1, inputs: [edge(1, "all")], tail: { kind: "discard" } },
    ],
    [],
  );
  cluster.submit("e", chain);
  cluster.start("e-0-0-1");
  cluster.start("e-1-0-1");
  expect(cluster.running()).toEqual(["e-0-0-1", "e-1-0-1", "e-2-0-1"]);
  cluster.lose("e-0-0-1");
  expect(cluster.cancelled()).toEqual(["e-1-0-1", "e-2-0-1"]);
});

test("a channel that is read as a side is waited for, and takes no slot meanwhile", () => {
  const cluster = withChannel(1);
  const steps = [{ op: "map", node: 1, side: edge("ch", "all") } as const];
  const inputs = [edge("ch", "forward")];
  cluster.submit("e", planOf([{ tasks: 1, inputs, steps }], [0]));
  cluster.submit("f", planOf([{ tasks: 1 }], [0]));
  expect(cluster.running()).toEqual(["f-0-0-1"]);
  cluster.close("ch");
  cluster.commit("f-0-0-1");
  expect(cluster.running()).toEqual(["e-0-0-1"]);
});

test("datasetFollowed has the tasks followed that were not launched yet", () => {
  const cluster = withChannel(1);
  cluster.submit("e", planOf([{ tasks: 2 }], [0]));
  cluster.send({ kind: "datasetFollowed", dataset: "e.0" });
  cluster.commit("e-0-0-1");
  expect(cluster.order("e-0-0-1").isFollowed).toBe(false);
  expect(cluster.order("e-0-1-1").isFollowed).toBe(true);
  expect(datasetPieces(cluster.state, "ch")[0].piece.isCommitted).toBe(false);
});

test("an output fails to be computed again when the channel before it was deleted", () => {
  const cluster = withChannel(1);
  cluster.submit("e", planOf([{ tasks: 1, inputs: [edge("ch", "forward")] }], [0]));
  cluster.close("ch");
  cluster.commit("e-0-0-1");
  cluster.send({ kind: "datasetReleased", dataset: "ch" });
  cluster.loseAgent("a");
  expect(() => datasetPieces(cluster.state, "e.0")).toThrow('Reading channel "ch"');
  cluster.send({ kind: "datasetReleased", dataset: "e.0" });
  expect(cluster.state.executions.size).toBe(0);
});

test("a pipeline goes on stage by stage when its channel is closed before it starts", () => {
  const cluster = withChannel(3);
  cluster.submit("old", planOf([{ tasks: 1 }], [0]));
  cluster.submit("e", streamed(), { followed: [1] });
  cluster.close("ch");
  cluster.commit("old-0-0-1");
  expect(cluster.order("e-0-0-1").input.pieces[0][0].isCommitted).toBe(true);
  expect(cluster.order("e-0-0-1").isFollowed).toBe(false);
  cluster.commit("e-0-0-1");
  expect(cluster.order("e-1-0-1").isFollowed).toBe(true);
});

test("readers of a channel fail when its agent is lost", () => {
  const cluster = withChannel(1);
  cluster.join("b", 2);
  cluster.submit("e", planOf([{ tasks: 1, inputs: [edge("ch", "forward")] }], [0]));
  cluster.loseAgent("a");
  for (const id of cluster.cancelled()) cluster.lose(id);
  expect(codeOf(cluster, "e")).toBe("shard-lost");
});

test("a pipeline that lost its slots fails when none come in time, and goes on when they do", () => {
  for (const comes of [true, false]) {
    const cluster = withChannel(2);
    cluster.join("b", 1);
    cluster.submit("e", streamed(), { followed: [1] });
    cluster.start("e-0-0-1");
    cluster.loseAgent("b");
    cluster.send({ kind: "tick" });
    if (comes) cluster.join("c", 1);
    cluster.now += 30_000;
    cluster.send({ kind: "tick" });
    for (const id of cluster.cancelled()) cluster.lose(id);
    expect(codeOf(cluster, "e")).toBe(comes ? undefined : "not-enough-resources");
  }
});

test("a channel is deleted when its handle and its last reader are gone", () => {
  const cluster = withChannel(1);
  cluster.submit("e", planOf([{ tasks: 1, inputs: [edge("ch", "forward")] }], [0]));
  cluster.send({ kind: "datasetReleased", dataset: "ch" });
  cluster.close("ch");
  expect(cluster.shards()).toEqual(["ch-0"]);
  cluster.commit("e-0-0-1");
  expect(cluster.shards()).toEqual(["e-0-0-1"]);
});

test("a pipeline that has lost what it reads beside its channel leaves its slots to what computes it again", () => {
  const cluster = withChannel(2);
  cluster.submit("d", planOf([{ tasks: 1 }], [0]));
  cluster.commit("d-0-0-1");
  const inputs = [edge("ch", "union"), edge("d.0", "union")];
  cluster.submit("e", planOf([{ tasks: 2, inputs }], [0]), { followed: [0] });
  cluster.submit("younger", planOf([{ tasks: 1 }], [0]));
  cluster.start("e-0-0-1");
  cluster.start("e-0-1-1");
  cluster.destroy("d-0-0-1");
  cluster.fail("e-0-1-1", new ShardLostError("gone", { fields: { attempt: "d-0-0-1" } }));
  expect(cluster.running()).toEqual(["e-0-0-1", "d-0-0-2"]);
  cluster.commit("d-0-0-2");
  expect(cluster.running()).toEqual(["e-0-0-1", "e-0-1-2"]);
  cluster.close("ch");
  for (const id of ["e-0-0-1", "e-0-1-2", "younger-0-0-1"]) cluster.commit(id);
  expect(codeOf(cluster, "e")).toBe("done");
});

test("what open streams leave no slot waits for one, but not for ever", () => {
  const cluster = withChannel(1);
  const stream = planOf([{ tasks: 1, inputs: [edge("ch", "forward")] }], [0]);
  cluster.submit("e", stream, { followed: [0] });
  cluster.submit("f", planOf([{ tasks: 1 }], [0]));
  for (let waited = 0; waited < 50; waited += 5) cluster.tick(5_000);
  expect(codeOf(cluster, "f")).toBe(undefined);
  cluster.tick(15_000);
  const outcome = cluster.outcomes.get("f");
  expect(outcome?.kind === "failed" ? outcome.error.message : "").toBe(
    "Running execution f: open streams (e) have left it no room on its workers for 60 s",
  );
  expect(codeOf(cluster, "f")).toBe("not-enough-resources");
  expect(cluster.running()).toEqual(["e-0-0-1"]);
});

test("what was lost of a dataset and finds no slot beside open streams is not waited for for ever", () => {
  const cluster = withChannel(1);
  cluster.submit("d", planOf([{ tasks: 1 }], [0]));
  cluster.commit("d-0-0-1");
  const stream = planOf([{ tasks: 1, inputs: [edge("ch", "forward")] }], [0]);
  cluster.submit("e", stream, { followed: [0] });
  cluster.destroy("d-0-0-1");
  cluster.send({ kind: "shardLost", attempt: "d-0-0-1", cause: "its file is gone" });
  for (let waited = 0; waited < 50; waited += 5) cluster.tick(5_000);
  expect(datasetPieces(cluster.state, "d.0")).toEqual([]);
  cluster.tick(15_000);
  expect(() => datasetPieces(cluster.state, "d.0")).toThrow(
    "Running execution d: open streams (e) have left it no room on its workers for 60 s",
  );
  expect(cluster.running()).toEqual(["e-0-0-1"]);
});

test.each([
  ["a task", undefined],
  ["a stream", "ch2"],
])("%s does not wait for ever for workers on which a stream sits that others could perform", (_, input) => {
  const cluster = withChannel(4);
  cluster.open("ch2", "a");
  const stream = (channel: string) => planOf([{ tasks: 1, inputs: [edge(channel, "forward")] }], [0]);
  cluster.submit("e", stream("ch"), { followed: [0] });
  const [worker] = cluster.state.agents.get("a")?.seats.keys() ?? [];
  const plan = input === undefined ? planOf([{ tasks: 1 }], [0]) : stream(input);
  cluster.submit("f", plan, { workers: [worker] });
  for (let waited = 0; waited < 50; waited += 5) cluster.tick(5_000);
  expect(codeOf(cluster, "f")).toBe(undefined);
  cluster.tick(15_000);
  expect(codeOf(cluster, "f")).toBe("not-enough-resources");
});

test("what waits for a stream whose channel is closed waits as long as that takes", () => {
  const cluster = withChannel(1);
  const stream = planOf([{ tasks: 1, inputs: [edge("ch", "forward")] }], [0]);
  cluster.submit("e", stream, { followed: [0] });
  cluster.start("e-0-0-1");
  cluster.close("ch");
  cluster.open("ch2", "a");
  cluster.submit("f", planOf([{ tasks: 1, inputs: [edge("ch2", "forward")] }], [0]), { followed: [0] });
  cluster.submit("g", planOf([{ tasks: 1 }], [0]));
  for (let waited = 0; waited < 200; waited += 10) cluster.tick(10_000);
  expect(cluster.outcomes.size).toBe(0);
  cluster.commit("e-0-0-1");
  expect(cluster.running()).toEqual(["f-0-0-1"]);
});
