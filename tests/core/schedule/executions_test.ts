import { expect, test } from "bun:test";
import { CancelledError, LucioleError, PlanMismatchError, toWireError } from "../../../core/errors.ts";
import { datasetPieces, datasetSizes } from "../../../core/schedule/shards/dataset_reads.ts";
import { FakeCluster } from "./fake_cluster.ts";
import { edge, hashTail, planOf } from "./plans.ts";

const SINK = { tasks: 2, tail: { kind: "sink", node: 5 } } as const;

test("apply() releases an intermediate shard as soon as its last reader committed", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  const forked = planOf(
    [
      { tasks: 2 },
      { tasks: 2, inputs: [edge(0, "forward")] },
      { tasks: 1, inputs: [edge(0, "all")], tail: { kind: "discard" } },
    ],
    [1],
  );
  cluster.submit("e", forked);
  cluster.commitGroup("e", 0);
  cluster.commit("e-1-0-1");
  expect(cluster.shards()).toEqual(["e-0-0-1", "e-0-1-1", "e-1-0-1"]);
  cluster.commit("e-2-0-1");
  expect(cluster.shards()).toEqual(["e-0-1-1", "e-1-0-1"]);
  cluster.commit("e-1-1-1");
  expect(cluster.shards()).toEqual(["e-1-0-1", "e-1-1-1"]);
});

test("apply() keeps an output until its handle and its last reader are gone", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.submit("e", planOf([{ tasks: 1 }], [0]));
  cluster.commit("e-0-0-1");
  cluster.submit("f", planOf([{ tasks: 1, inputs: [edge("e.0", "all")] }], [0]));
  cluster.send({ kind: "datasetReleased", dataset: "e.0" });
  expect(cluster.shards()).toEqual(["e-0-0-1"]);
  cluster.commit("f-0-0-1");
  expect(cluster.shards()).toEqual(["f-0-0-1"]);
  cluster.send({ kind: "datasetReleased", dataset: "f.0" });
  expect(cluster.shards()).toEqual([]);
  expect(cluster.forgotten).toEqual(new Set(["e", "f"]));
});

test("apply() computes a held output again through a released one when its agent is lost", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.submit("e", planOf([{ tasks: 1 }], [0]));
  cluster.commit("e-0-0-1");
  cluster.submit("f", planOf([{ tasks: 1, inputs: [edge("e.0", "all")] }], [0]));
  cluster.send({ kind: "datasetReleased", dataset: "e.0" });
  cluster.commit("f-0-0-1");
  cluster.join("b", 1);
  cluster.loseAgent("a");
  expect(datasetPieces(cluster.state, "f.0")).toEqual([]);
  cluster.commit("e-0-0-2");
  cluster.commit("f-0-0-2");
  expect(cluster.shards()).toEqual(["f-0-0-2"]);
  expect(cluster.ready.filter((dataset) => dataset === "f.0").length).toBe(2);
});

test("apply() breaks a dataset and fails its readers when it cannot be computed again", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.submit("e", planOf([{ tasks: 1 }], [0]));
  cluster.commit("e-0-0-1");
  cluster.join("b", 1);
  cluster.loseAgent("a");
  cluster.submit("f", planOf([{ tasks: 1, inputs: [edge("e.0", "all")] }], [0]));
  cluster.fail("e-0-0-2", new PlanMismatchError("changed"));
  expect(cluster.outcomes.get("f")?.kind).toBe("failed");
  expect(() => datasetPieces(cluster.state, "e.0")).toThrow("changed");
  cluster.send({ kind: "datasetReleased", dataset: "e.0" });
  expect(cluster.state.executions.size).toBe(0);
});

test("apply() fails an execution when a dataset that it reads is not there", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.submit("e", planOf([{ tasks: 1, inputs: [edge("gone.0", "all")] }], [0]));
  const outcome = cluster.outcomes.get("e");
  expect(outcome?.kind === "failed" ? outcome.error.code : outcome?.kind).toBe("dataset-missing");
});

test("apply() publishes sinks once all groups are committed, and ends after it", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.submit("e", planOf([SINK, { tasks: 1 }], [{ node: 5, group: 0, kind: "sink" }, 1]));
  cluster.commitGroup("e", 0);
  expect(cluster.publishing).toEqual([]);
  cluster.commitGroup("e", 1);
  expect(cluster.publishing[0].sinks).toEqual([
    {
      node: 5,
      parts: [0, 1].map((task) => ({
        task,
        agent: "a",
        attempt: `e-0-${task}-1`,
        file: { name: `e-0-${task}-1.txt`, rows: 1, bytes: 10 },
      })),
    },
  ]);
  expect(cluster.outcomes.size).toBe(0);
  cluster.send({ kind: "sinksPublished", execution: "e" });
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
  expect(cluster.shards()).toEqual(["e-1-0-1"]);
});

test("apply() fails when publishing fails, and waits for it when it is cancelled meanwhile", () => {
  for (const isCancelled of [false, true]) {
    const cluster = new FakeCluster();
    cluster.join("a", 2);
    cluster.submit("e", planOf([SINK], [{ node: 5, group: 0, kind: "sink" }]));
    cluster.commitGroup("e", 0);
    const cause = toWireError(new CancelledError("stop"));
    if (isCancelled) cluster.send({ kind: "executionCancelled", execution: "e", cause });
    expect(cluster.outcomes.size).toBe(0);
    const error = toWireError(new LucioleError("sink", "no room"));
    cluster.send({ kind: "sinksPublished", execution: "e", error });
    expect(cluster.outcomes.get("e")?.kind).toBe(isCancelled ? "cancelled" : "failed");
    expect(cluster.shards()).toEqual([]);
  }
});

test("F8: an execution that loses a dataset for good while its sinks are published has not failed", () => {
  for (const error of [undefined, toWireError(new LucioleError("disk-full", "no room"))]) {
    const cluster = new FakeCluster();
    cluster.join("a", 3);
    const sink = { ...SINK, tasks: 1, inputs: [edge(0, "all")] };
    cluster.submit("e", planOf([{ tasks: 1 }, sink], [0, { node: 5, group: 1, kind: "sink" }]));
    cluster.commit("e-0-0-1");
    cluster.commit("e-1-0-1");
    expect(cluster.publishing.length).toBe(1);
    cluster.join("b", 2);
    cluster.destroy("e-0-0-1");
    cluster.send({ kind: "shardLost", attempt: "e-0-0-1", cause: "it is not there" });
    cluster.fail("e-0-0-2", new PlanMismatchError("of another graph"));
    expect(cluster.outcomes.size).toBe(0);
    cluster.send({ kind: "sinksPublished", execution: "e", ...(error && { error }) });
    expect(cluster.outcomes.get("e")?.kind).toBe(error === undefined ? "done" : "failed");
    if (error === undefined) expect(() => datasetPieces(cluster.state, "e.0")).toThrow("of another graph");
  }
});

test("F8: apply() runs a staged sink file again when its agent is lost before publishing", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.join("b", 1);
  cluster.submit("e", planOf([SINK], [{ node: 5, group: 0, kind: "sink" }]));
  const agent = cluster.agentOf("e-0-0-1");
  cluster.commit("e-0-0-1");
  cluster.loseAgent(agent);
  cluster.commit("e-0-1-1");
  expect(cluster.publishing).toEqual([]);
  cluster.commit("e-0-0-2");
  expect(cluster.publishing[0].sinks[0].parts.map((part) => part.attempt)).toEqual(["e-0-0-2", "e-0-1-1"]);
});

test("apply() tells an output as soon as its own group is committed", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.submit("e", planOf([{ tasks: 1, tail: hashTail(2) }, { tasks: 1 }], [0, 1]));
  cluster.commit("e-0-0-1");
  expect(cluster.ready).toEqual(["e.0"]);
  expect(datasetSizes(cluster.state, "e.0")).toEqual([{ rows: 2, bytes: 20 }]);
});

test("apply() tells an output without shards, and ends at once, when there is nothing to run", () => {
  const cluster = new FakeCluster();
  cluster.submit("e", planOf([{ tasks: 0 }], [0]));
  expect(cluster.ready).toEqual(["e.0"]);
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
  expect(datasetPieces(cluster.state, "e.0")).toEqual([]);
});

test("apply() fails executions when there has been no worker for a minute", () => {
  const cluster = new FakeCluster();
  cluster.submit("e", planOf([{ tasks: 1 }], [0]));
  cluster.send({ kind: "tick" });
  cluster.now += 60_000;
  cluster.send({ kind: "tick" });
  const outcome = cluster.outcomes.get("e");
  expect(outcome?.kind === "failed" ? outcome.error.code : outcome?.kind).toBe("not-enough-resources");
});

test("apply() tells progress at a tick when something changed", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.submit("e", planOf([{ tasks: 2 }], [0]));
  cluster.commit("e-0-0-1");
  expect(cluster.send({ kind: "tick" })).toEqual([
    {
      kind: "progress",
      execution: "e",
      groups: [{ group: 0, label: "group 0", tasks: 2, running: 1, committed: 1, rows: 1, bytes: 10 }],
    },
  ]);
  expect(cluster.send({ kind: "tick" })).toEqual([]);
});
