import { expect, test } from "bun:test";
import { CancelledError, LucioleError, ShardLostError, TaskError } from "../../../../core/errors.ts";
import { check } from "../../../../core/schedule/job_scheduler.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { edge, type GroupOptions, hashTail, planOf } from "../plans.ts";

/** Four tasks on two agents, three of which took about 10 ms; the first one is still at it. */
function straggling(options: { speculates?: boolean; group?: Partial<GroupOptions> } = {}): FakeCluster {
  const cluster = new FakeCluster({ speculates: options.speculates ?? true });
  cluster.join("a", 2);
  cluster.join("b", 2);
  const reader = { tasks: 1, inputs: [edge(0, "all")] };
  cluster.submit("e", planOf([{ tasks: 4, ...options.group }, reader], [1]));
  for (const id of cluster.running()) cluster.start(id);
  cluster.now += 10;
  for (const task of [1, 2, 3]) cluster.commit(`e-0-${task}-1`);
  return cluster;
}

function finish(cluster: FakeCluster): void {
  cluster.commitGroup("e", 1);
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
  for (const attempt of cluster.cancelled()) cluster.fail(attempt, new CancelledError("stopped"));
  cluster.send({ kind: "datasetReleased", dataset: "e.1" });
  expect(cluster.shards()).toEqual([]);
  expect(cluster.state.attempts.size).toBe(0);
  expect(cluster.forgotten.has("e")).toBe(true);
}

test("F9: apply() runs a straggler a second time on another agent, once nothing else waits", () => {
  const cluster = straggling();
  cluster.tick(100);
  expect(cluster.running()).toEqual(["e-0-0-1"]);
  cluster.tick(1000);
  expect(cluster.running()).toEqual(["e-0-0-1", "e-0-0-2"]);
  expect(cluster.agentOf("e-0-0-2")).not.toBe(cluster.agentOf("e-0-0-1"));
  cluster.tick(10_000);
  expect(cluster.running()).toHaveLength(2);
});

test("F9: apply() leaves a straggler alone while only its own agent has room, and never copies it there", () => {
  const cluster = new FakeCluster({ speculates: true });
  cluster.join("a", 5);
  cluster.join("b", 1);
  cluster.submit("e", planOf([{ tasks: 4 }], [0]));
  for (const id of cluster.running()) cluster.start(id);
  const slow = cluster.running().find((id) => cluster.agentOf(id) === "a") ?? "";
  cluster.now += 10;
  for (const id of cluster.running()) if (id !== slow) cluster.commit(id);
  cluster.submit("busy", planOf([{ tasks: 1 }], [0]), { workers: [5] });
  expect(cluster.agentOf("busy-0-0-1")).toBe("b");
  cluster.tick(5_000);
  expect(cluster.running()).toEqual([slow, "busy-0-0-1"]);
  cluster.commit("busy-0-0-1");
  cluster.tick(1);
  expect(cluster.running().map((id) => cluster.agentOf(id))).toEqual(["a", "b"]);
});

test("F9: the copy of a straggler that commits first counts, and the other attempt is told to stop", () => {
  const cluster = straggling();
  cluster.tick(1000);
  cluster.commit("e-0-0-2");
  expect(cluster.cancelled()).toEqual(["e-0-0-1"]);
  expect(cluster.order("e-1-0-1").input.pieces[0][0].attempt).toBe("e-0-0-2");
  finish(cluster);
});

test("F9: a straggler that commits before its copy counts, and a late commit of the copy is released", () => {
  const cluster = straggling();
  cluster.tick(1000);
  cluster.commit("e-0-0-1");
  expect(cluster.cancelled()).toEqual(["e-0-0-2"]);
  cluster.commit("e-0-0-2");
  expect(cluster.shards()).not.toContain("e-0-0-2");
  expect(cluster.order("e-1-0-1").input.pieces[0][0].attempt).toBe("e-0-0-1");
  finish(cluster);
});

test("apply() counts what a straggler and its copy did once", () => {
  const cluster = straggling();
  cluster.tick(1000);
  cluster.commit("e-0-0-2");
  cluster.commit("e-0-0-1");
  cluster.commitGroup("e", 1);
  const outcome = cluster.outcomes.get("e");
  expect(outcome?.kind === "done" ? outcome.totals.counters : outcome).toEqual({ seen: 5 });
});

test("apply() goes on with the copy when the straggler is lost, and counts no loss", () => {
  const cluster = straggling();
  cluster.tick(1000);
  cluster.lose("e-0-0-1");
  expect(cluster.running()).toEqual(["e-0-0-2"]);
  expect(cluster.warnings).toEqual([]);
  cluster.commit("e-0-0-2");
  finish(cluster);
});

test("apply() goes on with the straggler when its copy is lost with its agent, and copies it at most twice", () => {
  const cluster = straggling();
  cluster.join("c", 2);
  for (const copy of ["e-0-0-2", "e-0-0-3"]) {
    cluster.tick(1000);
    cluster.lose(copy);
  }
  cluster.tick(1000);
  expect(cluster.running()).toEqual(["e-0-0-1"]);
});

test("apply() runs the task anew when straggler and copy are lost", () => {
  const cluster = straggling();
  cluster.tick(1000);
  const second = cluster.agentOf("e-0-0-2");
  cluster.lose("e-0-0-1");
  cluster.loseAgent(second);
  expect(cluster.running()).toContain("e-0-0-3");
});

test("apply() fails with the error that a straggler and its copy both throw", () => {
  const cluster = straggling();
  cluster.tick(1000);
  cluster.fail("e-0-0-2", new TaskError("row 7"));
  expect(cluster.outcomes.size).toBe(0);
  cluster.fail("e-0-0-1", new TaskError("row 7"));
  const outcome = cluster.outcomes.get("e");
  expect(outcome?.kind === "failed" ? outcome.error.message : outcome).toBe("row 7");
});

test("apply() waits for the straggler when only the machine of its copy cannot do it", () => {
  const cluster = straggling();
  cluster.tick(1000);
  cluster.fail("e-0-0-2", new LucioleError("worker-start", "no such library"));
  cluster.commit("e-0-0-1");
  finish(cluster);
});

test("apply() computes what a copy could not read again, and goes on with the straggler", () => {
  const cluster = new FakeCluster({ speculates: true });
  cluster.join("a", 2);
  cluster.join("b", 2);
  cluster.submit("e", planOf([{ tasks: 2 }, { tasks: 2, inputs: [edge(0, "forward")] }], [1]));
  cluster.commitGroup("e", 0);
  cluster.commit("e-1-1-1");
  cluster.tick(1000);
  expect(cluster.running()).toEqual(["e-1-0-1", "e-1-0-2"]);
  cluster.destroy("e-0-0-1");
  cluster.fail("e-1-0-2", new ShardLostError("gone", { fields: { attempt: "e-0-0-1" } }));
  expect(cluster.running()).toEqual(["e-1-0-1", "e-0-0-2"]);
  cluster.fail("e-1-0-1", new ShardLostError("gone", { fields: { attempt: "e-0-0-1" } }));
  cluster.commit("e-0-0-2");
  cluster.commitGroup("e", 1);
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
});

test("apply() stops straggler and copy when the execution is cancelled", () => {
  const cluster = straggling();
  cluster.tick(1000);
  const cause = { name: "CancelledError", code: "cancelled", message: "stop", fields: {}, retryable: false };
  cluster.send({ kind: "executionCancelled", execution: "e", cause });
  expect(cluster.cancelled().toSorted()).toEqual(["e-0-0-1", "e-0-0-2"]);
});

test("apply() copies nothing when it is not asked to, or on one agent alone, or what is followed", () => {
  const off = straggling({ speculates: false });
  off.tick(10_000);
  expect(off.running()).toEqual(["e-0-0-1"]);
  const alone = straggling();
  alone.loseAgent(alone.agentOf("e-0-0-1") === "a" ? "b" : "a");
  alone.tick(10_000);
  expect(alone.cancelled()).toEqual([]);
  expect(alone.running().filter((id) => id.startsWith("e-0-0-"))).toEqual(["e-0-0-1"]);
  const followed = new FakeCluster({ speculates: true });
  followed.join("a", 2);
  followed.join("b", 2);
  followed.submit("e", planOf([{ tasks: 3 }], [0]), { followed: [0] });
  followed.commit("e-0-1-1");
  followed.commit("e-0-2-1");
  followed.tick(10_000);
  expect(followed.running()).toEqual(["e-0-0-1"]);
});

test("apply() copies nothing while other tasks wait for slots, nor before half of the group is done", () => {
  const cluster = new FakeCluster({ speculates: true });
  cluster.join("a", 1);
  cluster.join("b", 1);
  cluster.submit("e", planOf([{ tasks: 4 }], [0]));
  cluster.tick(10_000);
  expect(cluster.running()).toEqual(["e-0-0-1", "e-0-1-1"]);
  cluster.commit("e-0-1-1");
  cluster.commit("e-0-2-1");
  cluster.tick(10);
  expect(cluster.running()).toEqual(["e-0-0-1", "e-0-3-1"]);
});

test("apply() expects more of a task that has more to read", () => {
  const splits = [1, 1, 1, 1000].map((size) => ({
    kind: "file" as const,
    path: "f",
    start: 0,
    end: size * 2 ** 20,
    compression: "none" as const,
  }));
  const cluster = straggling({ group: { head: { kind: "source", node: 0, splits: splits.toReversed() } } });
  cluster.tick(5000);
  expect(cluster.running()).toEqual(["e-0-0-1"]);
  cluster.tick(60_000);
  expect(cluster.running()).toHaveLength(2);
});

test("check() throws when a copy is on the agent of its straggler", () => {
  const cluster = straggling();
  const [task] = cluster.state.executions.get("e")?.groups[0].tasks ?? [];
  if (task.status.kind === "running") task.copy = task.status.attempt;
  expect(() => check(cluster.state)).toThrow("copies nothing that runs");
});

test("a tick costs no look at every piece of an exchange for each task that takes long", () => {
  const tasks = 24;
  const cluster = new FakeCluster({ speculates: true });
  cluster.join("a", 6);
  cluster.join("b", 6);
  let looks = 0;
  const partitions = Array.from({ length: tasks }, () => ({ rows: 1, bytes: 10, chunks: 1 }));
  const shard = {
    get partitions() {
      looks += 1;
      return partitions;
    },
  };
  const reader = { tasks, inputs: [edge(0, "partition")] };
  cluster.submit("e", planOf([{ tasks, tail: hashTail(tasks) }, reader], [1]));
  for (let task = 0; task < tasks; task += 1) cluster.commit(`e-0-${task}-1`, shard);
  for (let task = 0; task < tasks / 2; task += 1) {
    cluster.start(`e-1-${task}-1`);
    cluster.now += 1_000;
    cluster.commit(`e-1-${task}-1`);
  }
  for (const attempt of cluster.running()) cluster.start(attempt);
  looks = 0;
  for (let tick = 0; tick < 2; tick += 1) cluster.tick(1_000);
  expect(looks).toBe(0);
  for (let tick = 0; tick < 5; tick += 1) cluster.tick(1_000);
  expect(cluster.running().length).toBe(tasks / 2);
  expect(looks).toBeLessThanOrEqual(tasks * tasks);
});
