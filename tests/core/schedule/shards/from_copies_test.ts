/**
 * Shards that have copies: brought when they are needed, and nothing computed that only leads to them.
 */
import { expect, test } from "bun:test";
import { LucioleError, toWireError } from "../../../../core/errors.ts";
import type { PhysicalPlan } from "../../../../core/plan/physical.ts";
import type { SubmittedCheckpoint } from "../../../../core/schedule/job_state.ts";
import { datasetPieces } from "../../../../core/schedule/shards/dataset_reads.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { edge, hashTail, planOf } from "../plans.ts";

/** A source, an exchange whose readers are copied, and an output made of them shard by shard. */
const PLAN = planOf(
  [
    { tasks: 2, tail: hashTail(2) },
    { tasks: 2, inputs: [edge(0, "partition")] },
    { tasks: 2, inputs: [edge(1, "forward")] },
  ],
  [2],
);

function submit(cluster: FakeCluster, plan: PhysicalPlan, given: Partial<SubmittedCheckpoint>): void {
  cluster.plans.set("e", plan);
  const checkpoint = { copied: new Set([1]), kept: new Map(), ...given };
  const rest = { compare: new Map(), followed: new Set<number>(), checkpoint };
  cluster.send({ kind: "executionSubmitted", execution: "e", plan, ...rest });
}

/** What the last event asked for. */
const asked = (cluster: FakeCluster): string[] =>
  cluster.commands.flatMap((command) => {
    if (command.kind === "restore") return [`restore ${command.attempt}`];
    return command.kind === "keep" ? [`keep ${command.group}.${command.shard}`] : [];
  });

function restore(cluster: FakeCluster, group: number, task: number, attempt: string): void {
  cluster.agents.get("a")?.shards.add(attempt);
  const shard = { partitions: [{ rows: 1, bytes: 1, chunks: 1 }] };
  cluster.send({ kind: "shardRestored", execution: "e", group, task, attempt, agent: "a", shard });
}

const damaged = toWireError(new LucioleError("checkpoint-damaged", "it was cut short"));

/** The copy of the shard is asked for, what it was made of is gone, and with it the execution goes on to its end. */
function expectToEndFromCopy(cluster: FakeCluster, attempt: string): void {
  expect(asked(cluster)).toEqual([`restore ${attempt}`]);
  expect(cluster.shards().filter((shard) => shard.startsWith("e-0-"))).toEqual([]);
  restore(cluster, 1, 0, attempt);
  cluster.commitGroup("e", 2);
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
}

test("apply() computes nothing that only leads to shards that have copies", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  submit(cluster, PLAN, { kept: new Map([[1, new Set([0, 1])]]) });
  expect(cluster.running()).toEqual([]);
  expect(asked(cluster)).toEqual(["restore e-1-0-1", "restore e-1-1-1"]);
  restore(cluster, 1, 0, "e-1-0-1");
  expect(cluster.running()).toEqual(["e-2-0-1"]);
  restore(cluster, 1, 1, "e-1-1-1");
  cluster.commit("e-2-0-1");
  cluster.commit("e-2-1-1");
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
  expect(cluster.shards()).toEqual(["e-2-0-1", "e-2-1-1"]);
});

test("apply() computes a worker program of an earlier driver only when its output is wanted", () => {
  const plan = planOf([{ tasks: 3, head: { kind: "worker", node: 0, inputs: [] } }], [0]);
  const cluster = new FakeCluster();
  cluster.join("a", 3);
  submit(cluster, plan, { held: new Set() });
  expect(cluster.running()).toEqual([]);
  cluster.send({ kind: "datasetHeld", dataset: "e.0" });
  expect(cluster.running()).toHaveLength(3);
  cluster.commitGroup("e", 0);
  expect(cluster.shards()).toHaveLength(3);
});

test("apply() tells who wants what an earlier driver made why it cannot be had", () => {
  const plan = planOf([{ tasks: 3, head: { kind: "worker", node: 0, inputs: [] } }], [0]);
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  submit(cluster, plan, { held: new Set([0]) });
  cluster.send({ kind: "datasetHeld", dataset: "e.0" });
  expect(() => datasetPieces(cluster.state, "e.0")).toThrow("must run together");
});

test("apply() computes the shard of a copy that cannot be read, and what leads to it", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  submit(cluster, PLAN, { kept: new Map([[1, new Set([0, 1])]]) });
  restore(cluster, 1, 1, "e-1-1-1");
  cluster.send({ kind: "restoreFailed", execution: "e", group: 1, task: 0, error: damaged });
  cluster.commitGroup("e", 0);
  expect(cluster.running()).toEqual(["e-2-1-1", "e-1-0-2"]);
  cluster.commit("e-1-0-2");
  expect(asked(cluster)).toEqual(["keep 1.0"]);
  cluster.send({ kind: "shardKept", execution: "e", group: 1, shard: 0, isKept: true });
  cluster.commit("e-2-0-1");
  cluster.commit("e-2-1-1");
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
});

test("apply() keeps a shard until it is copied, and brings the copy back when the shard is lost", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  submit(cluster, PLAN, {});
  cluster.commitGroup("e", 0);
  cluster.commit("e-1-0-1");
  cluster.commit("e-1-1-1");
  cluster.commit("e-2-0-1");
  expect(cluster.shards()).toContain("e-1-0-1");
  cluster.send({ kind: "shardKept", execution: "e", group: 1, shard: 0, isKept: true });
  expect(cluster.shards()).not.toContain("e-1-0-1");
  cluster.commit("e-2-1-1");
  cluster.send({ kind: "shardKept", execution: "e", group: 1, shard: 1, isKept: true });
  // Both outputs are lost with their agent: they come from the copies, and the source does not run again.
  cluster.join("b", 2);
  cluster.loseAgent("a");
  expect(asked(cluster)).toEqual(["restore e-1-0-2", "restore e-1-1-2"]);
  expect(cluster.running()).toEqual([]);
});

test("apply() does nothing for an execution of an earlier driver before somebody wants one of its outputs", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  submit(cluster, PLAN, { kept: new Map([[1, new Set([0])]]), held: new Set() });
  expect([...cluster.running(), ...asked(cluster)]).toEqual([]);
  cluster.send({ kind: "datasetHeld", dataset: "e.2" });
  expect(asked(cluster)).toEqual(["restore e-1-0-1"]);
  expect(cluster.running()).toEqual(["e-0-0-1", "e-0-1-1"]);
  cluster.commitGroup("e", 0);
  restore(cluster, 1, 0, "e-1-0-1");
  cluster.commit("e-1-1-1");
  cluster.commitGroup("e", 2);
  expect(cluster.shards()).toContain("e-2-1-1");
  // Its end was told by the driver that saw it.
  expect(cluster.outcomes.has("e")).toBe(false);
});

test("apply() fails the readers of a shard of which only the copy was left when that is damaged", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  submit(cluster, planOf([{ tasks: 1, inputs: [] }], [0]), {
    kept: new Map([[0, new Set([0])]]),
    held: new Set([0]),
  });
  const reader = planOf([{ tasks: 1, inputs: [edge("e.0", "forward")] }], [0]);
  cluster.submit("f", reader);
  cluster.send({ kind: "restoreFailed", execution: "e", group: 0, task: 0, error: damaged });
  expect(cluster.outcomes.get("f")).toMatchObject({ kind: "failed", error: { code: "checkpoint-damaged" } });
});

test("apply() keeps an execution that nobody needs any more until its shards are copied, and leaves none of them", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  submit(cluster, PLAN, {});
  cluster.commitGroup("e", 0);
  cluster.commitGroup("e", 1);
  cluster.commitGroup("e", 2);
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
  cluster.send({ kind: "datasetReleased", dataset: "e.2" });
  expect(cluster.shards()).toEqual(["e-1-0-1", "e-1-1-1"]);
  for (const shard of [0, 1]) {
    cluster.send({ kind: "shardKept", execution: "e", group: 1, shard, isKept: shard === 0 });
  }
  expect(cluster.shards()).toEqual([]);
  expect(cluster.state.executions.size).toBe(0);
  expect(cluster.state.attempts.size).toBe(0);
});

test("apply() lets go of what only copied shards are made of, while these are on their way", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  submit(cluster, PLAN, { kept: new Map([[1, new Set([0])]]) });
  cluster.commitGroup("e", 0);
  cluster.commit("e-1-1-1");
  // The other one comes from its copy, sooner or later.
  expect(cluster.shards()).toEqual(["e-1-1-1"]);
  restore(cluster, 1, 0, "e-1-0-1");
  cluster.commit("e-2-1-1");
  cluster.commit("e-2-0-1");
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
});

test("apply() stops what a shard is made of again when its copy is there at last", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  submit(cluster, PLAN, {});
  cluster.commitGroup("e", 0);
  cluster.commitGroup("e", 1);
  cluster.destroy("e-1-0-1");
  cluster.send({ kind: "shardLost", attempt: "e-1-0-1", cause: "it is damaged" });
  const before = cluster
    .running()
    .filter((attempt) => attempt.startsWith("e-0-") || attempt.startsWith("e-1-"));
  expect(before).toEqual(["e-0-0-2", "e-0-1-2"]);
  cluster.send({ kind: "shardKept", execution: "e", group: 1, shard: 0, isKept: true });
  expectToEndFromCopy(cluster, "e-1-0-2");
});

test("apply() takes nothing from a task that has begun to make a shard again when its copy is there", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  submit(cluster, PLAN, {});
  cluster.commitGroup("e", 0);
  cluster.commit("e-1-0-1");
  cluster.destroy("e-1-0-1");
  cluster.send({ kind: "shardLost", attempt: "e-1-0-1", cause: "it is damaged" });
  cluster.commit("e-1-1-1");
  cluster.commitGroup("e", 0);
  expect(cluster.running()).toContain("e-1-0-2");
  cluster.send({ kind: "shardKept", execution: "e", group: 1, shard: 0, isKept: true });
  // It throws when what it reads is gone.
  cluster.commit("e-1-0-2");
  cluster.commitGroup("e", 2);
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
});

/** The first shard was lost while it was copied, and is made anew when its copy is there. */
function copiedWhileMade(cluster: FakeCluster): void {
  cluster.join("a", 4);
  submit(cluster, PLAN, {});
  cluster.commitGroup("e", 0);
  cluster.commitGroup("e", 1);
  cluster.send({ kind: "shardKept", execution: "e", group: 1, shard: 1, isKept: true });
  cluster.destroy("e-1-0-1");
  cluster.send({ kind: "shardLost", attempt: "e-1-0-1", cause: "it is damaged" });
  cluster.commitGroup("e", 0);
  expect(cluster.running()).toContain("e-1-0-2");
  cluster.send({ kind: "shardKept", execution: "e", group: 1, shard: 0, isKept: true });
  expect(cluster.shards()).toContain("e-0-0-2");
}

test.each([
  ["fails", (cluster: FakeCluster) => cluster.fail("e-1-0-2", new LucioleError("sink", "no room"))],
  ["is lost", (cluster: FakeCluster) => cluster.lose("e-1-0-2")],
])("apply() lets go of what a task read that %s after its shard was copied", (_, end) => {
  const cluster = new FakeCluster();
  copiedWhileMade(cluster);
  end(cluster);
  expectToEndFromCopy(cluster, "e-1-0-3");
});

test("apply() brings a copied shard whose task waits for a slot when what that would read is lost", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  submit(cluster, PLAN, {});
  cluster.commitGroup("e", 0);
  cluster.commitGroup("e", 1);
  cluster.send({ kind: "shardKept", execution: "e", group: 1, shard: 1, isKept: true });
  cluster.destroy("e-1-0-1");
  cluster.send({ kind: "shardLost", attempt: "e-1-0-1", cause: "it is damaged" });
  // The two that read the shards hold all slots that are left.
  cluster.resize("a", 2);
  cluster.commitGroup("e", 0);
  cluster.send({ kind: "shardKept", execution: "e", group: 1, shard: 0, isKept: true });
  cluster.destroy("e-0-0-2");
  cluster.send({ kind: "shardLost", attempt: "e-0-0-2", cause: "it is damaged" });
  expect(cluster.running()).toEqual(["e-2-0-1", "e-2-1-1"]);
  cluster.resize("a", 4);
  expect(asked(cluster)).toEqual(["restore e-1-0-2"]);
  // It is not made of anything any more.
  expect(cluster.cancelled()).toEqual(["e-0-0-3"]);
  expect(cluster.shards().filter((attempt) => attempt.startsWith("e-0-"))).toEqual([]);
});

/** A worker program of two, and a reader of each row. */
const PROGRAM = planOf(
  [
    { tasks: 2, head: { kind: "worker", node: 0, inputs: [] } },
    { tasks: 2, inputs: [edge(0, "forward")] },
  ],
  [0, 1],
);

function kept(cluster: FakeCluster, shard: number): void {
  cluster.send({ kind: "shardKept", execution: "e", group: 0, shard, isKept: true });
}

test("apply() copies the rows of a worker program together, when none of it can begin again alone", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  submit(cluster, PROGRAM, { copied: new Set([0]) });
  cluster.commit("e-0-0-1");
  expect(asked(cluster)).toEqual([]);
  cluster.lose("e-0-1-1");
  for (const attempt of cluster.cancelled()) cluster.lose(attempt);
  cluster.commit("e-0-0-2");
  cluster.commit("e-0-1-2");
  // What is begun again is copied no more: copies of two runs would not go together.
  expect(asked(cluster)).toEqual([]);

  const other = new FakeCluster();
  other.join("a", 2);
  submit(other, PROGRAM, { copied: new Set([0]) });
  other.commit("e-0-0-1");
  other.commit("e-0-1-1");
  expect(asked(other)).toEqual(["keep 0.0", "keep 0.1"]);
});

test("apply() brings the row of a worker program that is lost back from its copy, or runs all of it when that is damaged", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  submit(cluster, PROGRAM, { copied: new Set([0]) });
  for (const task of [0, 1]) cluster.commit(`e-0-${task}-1`);
  for (const shard of [0, 1]) kept(cluster, shard);
  cluster.destroy("e-0-0-1");
  cluster.send({ kind: "shardLost", attempt: "e-0-0-1", cause: "gone" });
  expect(asked(cluster)).toEqual(["restore e-0-0-2"]);
  expect(cluster.running()).toEqual(["e-1-0-1", "e-1-1-1"]);
  cluster.send({ kind: "restoreFailed", execution: "e", group: 0, task: 0, error: damaged });
  cluster.commit("e-1-0-1");
  for (const attempt of cluster.cancelled()) cluster.lose(attempt);
  expect(cluster.running().map((id) => cluster.order(id).gang?.id)).toEqual(["e-0-g3", "e-0-g3"]);
  cluster.commitGroup("e", 0);
  cluster.commitGroup("e", 1);
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
});

test("apply() takes no copy for a worker program that has begun again", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.join("b", 1);
  submit(cluster, PROGRAM, { copied: new Set([0]) });
  for (const task of [0, 1]) cluster.commit(`e-0-${task}-1`);
  kept(cluster, 0);
  // The first row is asked for, the second one has no copy yet: all of it runs again.
  cluster.loseAgent("a");
  cluster.destroy("e-0-1-1");
  cluster.send({ kind: "shardLost", attempt: "e-0-1-1", cause: "gone" });
  cluster.agents.get("b")?.shards.add("e-0-0-2");
  const shard = { partitions: [{ rows: 1, bytes: 1, chunks: 1 }] };
  const place = { execution: "e", group: 0, task: 0, attempt: "e-0-0-2", agent: "b", shard };
  cluster.send({ kind: "shardRestored", ...place });
  expect(cluster.shards()).not.toContain("e-0-0-2");
  cluster.join("c", 1);
  for (let step = 0; step < 20 && !cluster.outcomes.has("e"); step++) {
    for (const attempt of cluster.cancelled()) cluster.lose(attempt);
    const [next] = cluster.running();
    if (next !== undefined) cluster.commit(next);
  }
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
});
