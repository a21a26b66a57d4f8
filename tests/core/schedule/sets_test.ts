/** Executions that are bound to sets of workers: who gets which slot, beside whom, and what is lost with a set. */
import { describe, expect, test } from "bun:test";
import { FakeCluster } from "./fake_cluster.ts";
import { edge, planOf } from "./plans.ts";

function open(
  agents: number,
  slots: number,
  options: ConstructorParameters<typeof FakeCluster>[0] = {},
): FakeCluster {
  const cluster = new FakeCluster(options);
  for (let i = 0; i < agents; i += 1) cluster.join(`a${i}`, slots);
  return cluster;
}

const one = (tasks: number) => planOf([{ tasks }], [0]);

describe("an execution with a set of workers", () => {
  test("gets no slot of others, and its orders name its workers", () => {
    const cluster = open(2, 2);
    cluster.submit("e", one(5), { workers: [1, 2, 3] });
    expect(cluster.running().length).toBe(3);
    const bound = cluster.running().map((id) => [cluster.agentOf(id), cluster.order(id).workers]);
    expect(bound.toSorted()).toEqual([
      ["a0", [1]],
      ["a1", [2, 3]],
      ["a1", [2, 3]],
    ]);
    cluster.commitGroup("e", 0);
    expect(cluster.outcomes.get("e")?.kind).toBe("done");
  });

  test("keeps no younger one from slots that it cannot use", () => {
    const cluster = open(1, 3);
    cluster.submit("e", one(9), { workers: [0] });
    cluster.submit("f", one(9), { workers: [1] });
    cluster.submit("g", one(9));
    const owners = () => cluster.running().map((id) => id[0]);
    expect(owners().toSorted()).toEqual(["e", "f", "g"]);
    // The oldest that may use a slot gets it.
    const [first] = cluster.running().filter((id) => id.startsWith("f"));
    cluster.start(first);
    cluster.commit(first);
    expect(owners().toSorted()).toEqual(["e", "f", "g"]);
  });

  test("shares the slots of workers that several sets have, the older first", () => {
    const cluster = open(1, 3);
    cluster.submit("e", one(2), { workers: [0, 1] });
    cluster.submit("f", one(2), { workers: [1, 2] });
    expect(cluster.running()).toEqual(["e-0-0-1", "e-0-1-1", "f-0-0-1"]);
    cluster.commit("e-0-1-1");
    expect(cluster.running()).toEqual(["e-0-0-1", "f-0-0-1", "f-0-1-1"]);
  });

  test("waits when another one has taken its worker, which has a slot elsewhere for who is younger", () => {
    const cluster = open(1, 2);
    cluster.submit("e", one(1));
    cluster.submit("f", one(1), { workers: [1] });
    // The agent gave worker 1 what any worker could perform.
    cluster.send({ kind: "attemptStarted", agent: "a0", attempt: "e-0-0-1", worker: 1 });
    const agent = cluster.state.agents.get("a0");
    expect([...(agent?.free ?? [])]).toEqual([0]);
    cluster.submit("g", one(1), { workers: [0] });
    expect(cluster.running()).toEqual(["e-0-0-1", "f-0-0-1", "g-0-0-1"]);
    cluster.commit("e-0-0-1");
    expect(cluster.state.attempts.get("f-0-0-1")?.seat).toBe(1);
  });

  test("has short tasks go ahead to its own workers only, and leaves others their choice", () => {
    const cluster = open(2, 1);
    cluster.paceMs = 0.1;
    cluster.submit("e", one(40), { workers: [1] });
    cluster.commit(cluster.running()[0]);
    const ahead = cluster.running();
    expect(ahead.length).toBeGreaterThan(5);
    expect(new Set(ahead.map((id) => cluster.agentOf(id)))).toEqual(new Set(["a1"]));
    cluster.submit("f", one(2));
    expect(
      cluster
        .running()
        .filter((id) => id.startsWith("f"))
        .map((id) => cluster.agentOf(id)),
    ).toEqual(["a0"]);
  });

  test("has a pipeline wait for slots of its own set, and refuses one that can never have them", () => {
    const cluster = open(2, 2);
    cluster.open("ch", "a0");
    const reader = planOf(
      [
        { tasks: 1, inputs: [edge("ch", "all")] },
        { tasks: 1, inputs: [edge(0, "forward")] },
      ],
      [1],
    );
    cluster.submit("e", one(2), { workers: [0, 1] });
    cluster.submit("p", reader, { followed: [1], workers: [1, 2] });
    cluster.submit("y", one(1), { workers: [2] });
    cluster.submit("z", one(2));
    // One of its two slots is free, and nobody younger gets that.
    expect(cluster.running()).toEqual(["e-0-0-1", "e-0-1-1", "z-0-0-1"]);
    expect(cluster.state.attempts.get("z-0-0-1")?.seat).toBe(3);
    expect(cluster.order("z-0-0-1").workers).toEqual([3]);
    cluster.commit("z-0-0-1");
    cluster.commit("z-0-1-1");
    for (const id of cluster.running()) cluster.start(id);
    cluster.commit("e-0-1-1");
    expect(cluster.running()).toEqual(["e-0-0-1", "p-0-0-1"]);
    cluster.start("p-0-0-1");
    expect(cluster.running()).toEqual(["e-0-0-1", "p-0-0-1", "p-1-0-1"]);
    cluster.submit("q", reader, { followed: [1], workers: [3] });
    const outcome = cluster.outcomes.get("q");
    expect(outcome?.kind === "failed" && outcome.error.message).toBe(
      "Running execution q: 2 tasks must run at once while its channels are open, and its workers 3 have 1 slots",
    );
  });

  test("runs stragglers a second time within the set only", () => {
    const cluster = open(3, 1, { speculates: true });
    cluster.submit("e", one(4), { workers: [0, 1] });
    for (let i = 0; i < 3; i += 1) cluster.commit(cluster.running()[1] ?? cluster.running()[0]);
    const [slow] = cluster.running();
    const [agent, other] = cluster.agentOf(slow) === "a0" ? ["a0", "a1"] : ["a1", "a0"];
    cluster.start(slow);
    cluster.tick(60_000);
    const copy = cluster.running().find((id) => id !== slow);
    expect(copy && cluster.agentOf(copy)).toBe(other);
    expect(cluster.agentOf(slow)).toBe(agent);
    const alone = open(3, 1, { speculates: true });
    alone.submit("e", one(4), { workers: [0] });
    for (let i = 0; i < 3; i += 1) alone.commit(alone.running()[0]);
    alone.start(alone.running()[0]);
    alone.tick(60_000);
    expect(alone.running().length).toBe(1);
  });

  test("goes on elsewhere when it is moved, and fails by name when none of its workers comes back", () => {
    const cluster = open(3, 1);
    cluster.submit("e", one(2), { workers: [0] });
    cluster.loseAgent("a0");
    expect(cluster.running()).toEqual([]);
    cluster.send({ kind: "executionMoved", execution: "e", workers: [2] });
    expect(cluster.running().map((id) => cluster.agentOf(id))).toEqual(["a2"]);
    cluster.loseAgent("a2");
    cluster.tick(1_000);
    cluster.tick(6_000);
    const outcome = cluster.outcomes.get("e");
    expect(outcome?.kind === "failed" && outcome.error.message).toBe(
      "Running execution e: its workers 2 are gone",
    );
  });

  test("has what was lost of its output computed by others when its workers are gone", () => {
    const cluster = open(2, 1);
    cluster.submit("e", one(1), { workers: [0] });
    cluster.commit("e-0-0-1");
    cluster.loseAgent("a0");
    expect(cluster.running().map((id) => cluster.agentOf(id))).toEqual(["a1"]);
  });

  test("has its own memory and number of attempts", () => {
    const cluster = open(1, 1);
    cluster.submit("e", one(1), { memoryBytes: 77, maxAttempts: 1 });
    expect(cluster.order("e-0-0-1").memoryBytes).toBe(77);
    cluster.fail("e-0-0-1", new Error("boom"));
    expect(cluster.outcomes.get("e")?.kind).toBe("failed");
  });
});
