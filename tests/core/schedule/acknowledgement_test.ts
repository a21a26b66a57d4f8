/** C1, C5: an execution is done when every task of it is acknowledged; what comes late or twice changes nothing. */
import { describe, expect, test } from "bun:test";
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import { Random } from "../../simulation/random.ts";
import { FakeCluster } from "./fake_cluster.ts";
import { edge, planOf, shardOf, TOTALS } from "./plans.ts";

type Ended = Extract<AgentEvent, { readonly kind: "attemptEnded" }>;

/** What a worker says of an attempt that it has performed. */
function acknowledgement(attempt: string): Ended {
  const shard = shardOf({ kind: "store" }, attempt, false);
  return { kind: "attemptEnded", attempt, result: { kind: "committed", shard, totals: TOTALS } };
}

function open(): FakeCluster {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.join("b", 2);
  return cluster;
}

describe("acknowledgements", () => {
  test("C1: three of four leave an execution running, and who reads it waiting", () => {
    const cluster = open();
    cluster.submit("A", planOf([{ tasks: 4 }], [0]), { workers: [0, 1, 2, 3] });
    cluster.submit("B", planOf([{ tasks: 1, inputs: [edge("A.0", "all")] }], [0]));
    const attempts = cluster.running();
    expect(attempts.length).toBe(4);
    for (const attempt of attempts.slice(0, 3)) {
      cluster.commit(attempt);
      expect(cluster.outcomes.has("A")).toBe(false);
      expect(cluster.running().some((id) => id.startsWith("B"))).toBe(false);
    }
    cluster.commit(attempts[3]);
    expect(cluster.outcomes.get("A")?.kind).toBe("done");
    expect(cluster.running()).toEqual(["B-0-0-1"]);
  });

  test("C1: who reads it and comes in the midst waits for the last one, too", () => {
    const cluster = open();
    cluster.submit("A", planOf([{ tasks: 4 }], [0]), { workers: [0, 1, 2, 3] });
    const attempts = cluster.running();
    for (const [i, attempt] of attempts.entries()) {
      expect(cluster.running().some((id) => id.startsWith("B"))).toBe(false);
      cluster.submit(`B${i}`, planOf([{ tasks: 1, inputs: [edge("A.0", "all")] }], [0]));
      cluster.commit(attempt);
    }
    expect(cluster.running().toSorted()).toEqual(["B0-0-0-1", "B1-0-0-1", "B2-0-0-1", "B3-0-0-1"]);
  });

  test("C5: one that comes twice is not that of a worker which is still at work", () => {
    const cluster = open();
    cluster.submit("A", planOf([{ tasks: 2 }], [0]), { workers: [0, 1] });
    const [first, second] = cluster.running();
    const agent = cluster.agentOf(first);
    cluster.commit(first);
    for (let i = 0; i < 3; i += 1) {
      expect(cluster.send({ ...acknowledgement(first), agent })).toEqual([]);
    }
    expect(cluster.outcomes.has("A")).toBe(false);
    cluster.commit(second);
    expect(cluster.outcomes.get("A")).toMatchObject({ kind: "done", stages: [{ tasks: 2, attempts: 2 }] });
  });

  test("C5: that of an attempt which was given up does not count for the one that was made in its place", () => {
    const cluster = open();
    cluster.submit("A", planOf([{ tasks: 1 }], [0]));
    const [lost] = cluster.running();
    const agent = cluster.agentOf(lost);
    cluster.lose(lost);
    expect(cluster.running()).toEqual(["A-0-0-2"]);
    expect(cluster.send({ ...acknowledgement(lost), agent })).toEqual([]);
    expect(cluster.outcomes.has("A")).toBe(false);
    cluster.commit("A-0-0-2");
    expect(cluster.outcomes.get("A")?.kind).toBe("done");
  });

  test("C5: that of one iteration does not count for the next, nor one from another agent", () => {
    const cluster = open();
    cluster.submit("A0", planOf([{ tasks: 1 }], [0]));
    const agent = cluster.agentOf("A0-0-0-1");
    cluster.commit("A0-0-0-1");
    cluster.submit("A1", planOf([{ tasks: 1, inputs: [edge("A0.0", "all")] }], [0]));
    cluster.send({ ...acknowledgement("A0-0-0-1"), agent });
    const other = cluster.agentOf("A1-0-0-1") === "a" ? "b" : "a";
    expect(cluster.send({ ...acknowledgement("A1-0-0-1"), agent: other })).toEqual([]);
    expect(cluster.outcomes.has("A1")).toBe(false);
    cluster.commit("A1-0-0-1");
    expect(cluster.outcomes.get("A1")?.kind).toBe("done");
  });

  test("C5: of an execution that is over they are ignored, and shards that come late are deleted", () => {
    const cluster = open();
    cluster.submit("A", planOf([{ tasks: 2 }], [0]));
    const [first, second] = cluster.running();
    const agents = [cluster.agentOf(first), cluster.agentOf(second)];
    const cause = { name: "Error", code: "cancelled", message: "stop", retryable: false, fields: {} };
    cluster.send({ kind: "executionCancelled", execution: "A", cause });
    cluster.commit(first);
    cluster.commit(second);
    expect(cluster.outcomes.get("A")?.kind).toBe("cancelled");
    expect(cluster.shards()).toEqual([]);
    expect(cluster.send({ ...acknowledgement(first), agent: agents[0] })).toEqual([]);
    expect(cluster.send({ ...acknowledgement(second), agent: agents[1] })).toEqual([]);
  });

  test("C5: any number of repeated and late ones among those that count leaves the same outcome", () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const random = new Random(seed);
      const cluster = open();
      const tasks = 1 + random.below(6);
      cluster.submit("A", planOf([{ tasks }, { tasks: 2, inputs: [edge(0, "all")] }], [1]), {
        workers: random.chance(2) ? [0, 3] : undefined,
      });
      const told: (Ended & { readonly agent: string })[] = [];
      while (!cluster.outcomes.has("A")) {
        if (told.length > 0 && random.chance(2)) {
          expect(cluster.send(random.pick(told))).toEqual([]);
          continue;
        }
        const attempt = random.pick(cluster.running());
        told.push({ ...acknowledgement(attempt), agent: cluster.agentOf(attempt) });
        if (random.chance(8)) cluster.lose(attempt);
        else cluster.commit(attempt);
        if (cluster.outcomes.get("A")?.kind === "failed") break;
      }
      const outcome = cluster.outcomes.get("A");
      if (outcome?.kind === "done") expect(outcome.stages.map((stage) => stage.tasks)).toEqual([tasks, 2]);
    }
  });
});
