import { describe, expect, test } from "bun:test";
import { LucioleError, TaskError } from "../../../../core/errors.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { edge, planOf } from "../plans.ts";

/** A worker program of so many workers, which reads datasets. */
function program(tasks: number, inputs: readonly string[] = []): ReturnType<typeof planOf> {
  const head = { kind: "worker", node: 0, inputs: inputs.map((input) => edge(input, "dealt")) } as const;
  return planOf([{ tasks, head }], [0]);
}

function clusterOf(...slots: readonly number[]): FakeCluster {
  const cluster = new FakeCluster();
  for (const [i, some] of slots.entries()) cluster.join(`a${i}`, some);
  return cluster;
}

function failureOf(cluster: FakeCluster, execution: string): string {
  const outcome = cluster.outcomes.get(execution);
  return outcome?.kind === "failed" ? outcome.error.message : `${outcome?.kind}`;
}

const gangs = (cluster: FakeCluster) => cluster.running().map((id) => cluster.order(id).gang?.id);

describe("a worker program", () => {
  test("gets a worker for each task, by rank in the order of their numbers, and all of them are told of all", () => {
    const cluster = clusterOf(1, 2);
    cluster.send({
      kind: "epochBegan",
      epoch: 7,
      workers: [0, 1, 2].map((worker) => ({ worker, agent: "", host: `h${worker}` })),
    });
    cluster.submit("e", program(3));
    expect(cluster.running()).toEqual(["e-0-0-1", "e-0-1-1", "e-0-2-1"]);
    const orders = cluster.running().map((id) => cluster.order(id));
    const members = [
      { worker: 0, agent: "a0", host: "h0" },
      { worker: 1, agent: "a1", host: "h1" },
      { worker: 2, agent: "a1", host: "h2" },
    ];
    expect(orders.map(({ gang }) => gang)).toEqual(
      [0, 1, 2].map((rank) => ({ id: "e-0-g1", rank, members, epoch: 7 })),
    );
    expect(orders.map(({ workers }) => workers)).toEqual([[0], [1], [2]]);
    cluster.commitGroup("e", 0);
    expect(cluster.outcomes.get("e")?.kind).toBe("done");
  });

  test("starts with all of its workers or none, and what is younger does not take them meanwhile", () => {
    const cluster = clusterOf(3);
    cluster.submit("busy", planOf([{ tasks: 1 }], [0]));
    cluster.submit("e", program(3));
    cluster.submit("younger", planOf([{ tasks: 1 }], [0]));
    expect(cluster.running()).toEqual(["busy-0-0-1"]);
    cluster.commit("busy-0-0-1");
    expect(gangs(cluster)).toEqual(["e-0-g1", "e-0-g1", "e-0-g1"]);
    cluster.commitGroup("e", 0);
    expect(cluster.running()).toEqual(["younger-0-0-1"]);
  });

  test("runs on the workers that it is bound to, beside another one", () => {
    const cluster = clusterOf(2, 2);
    cluster.submit("e", program(2), { workers: [0, 3] });
    cluster.submit("f", program(2), { workers: [1, 2] });
    const members = (id: string) => cluster.order(id).gang?.members.map(({ worker }) => worker);
    expect(members("e-0-0-1")).toEqual([0, 3]);
    expect(members("f-0-1-1")).toEqual([1, 2]);
  });

  test("begins again with all tasks when one is lost, those that were done included, and counts one loss", () => {
    const cluster = clusterOf(3, 1);
    cluster.submit("e", program(3), {});
    cluster.commit("e-0-0-1");
    cluster.lose("e-0-1-1");
    expect(cluster.cancelled()).toEqual(["e-0-2-1"]);
    expect(cluster.shards()).toEqual([]);
    expect(gangs(cluster)).toEqual([...new Array(3).fill("e-0-g2")]);
    cluster.fail("e-0-2-1", new TaskError("too late"));
    cluster.commitGroup("e", 0);
    expect(cluster.outcomes.get("e")?.kind).toBe("done");
    expect(cluster.shards()).toEqual(["e-0-0-2", "e-0-1-2", "e-0-2-2"]);
  });

  test("that is lost again and again fails with the first loss", () => {
    const cluster = clusterOf(2);
    cluster.submit("e", program(2));
    for (let i = 1; i <= 5; i++) {
      cluster.lose(`e-0-1-${i}`);
      for (const attempt of cluster.cancelled()) cluster.fail(attempt, new TaskError("stopped"));
    }
    expect(failureOf(cluster, "e")).toBe(
      "Cannot run task 1 of group 0: it was lost 5 times in a row, first: killed",
    );
  });

  test("fails at once with what one of its functions threw, and stops the others", () => {
    for (const error of [
      new TaskError("user error"),
      new LucioleError("collective-mismatch", "rank 1 is in barrier"),
      new LucioleError("member-returned", "rank 1 has returned"),
      new LucioleError("collective-timeout", "too long"),
    ]) {
      const cluster = clusterOf(3);
      cluster.submit("e", program(3));
      cluster.commit("e-0-0-1");
      cluster.fail("e-0-1-1", error);
      expect(cluster.cancelled()).toEqual(["e-0-2-1"]);
      cluster.fail("e-0-2-1", new TaskError("a consequence"));
      expect(failureOf(cluster, "e")).toBe(error.message);
      expect(cluster.shards()).toEqual([]);
    }
  });

  test("is tried again as a whole where that may help", () => {
    const cluster = clusterOf(2);
    cluster.submit("e", program(2));
    cluster.fail("e-0-0-1", new LucioleError("disk-full", "no room"));
    cluster.fail("e-0-1-1", new TaskError("stopped"));
    expect(gangs(cluster)).toEqual(["e-0-g2", "e-0-g2"]);
  });

  test("fails when too few workers are left, and says which epoch and what took them", () => {
    const cluster = clusterOf(2, 2);
    cluster.submit("e", program(4));
    cluster.loseAgent("a1");
    for (const attempt of cluster.cancelled()) cluster.fail(attempt, new TaskError("stopped"));
    cluster.tick(1000);
    // Others may come.
    expect(cluster.outcomes.get("e")).toBeUndefined();
    cluster.tick(31_000);
    expect(failureOf(cluster, "e")).toBe(
      "Running execution e: the 4 workers of group 0 must run together (epoch 1), and there are 2; first: no heartbeat",
    );
    const small = clusterOf(1);
    small.submit("e", program(2));
    expect(failureOf(small, "e")).toContain(
      "the 2 workers of group 0 must run together (epoch 1), and there are 1",
    );
  });

  test("goes on with other workers when there are enough", () => {
    const cluster = clusterOf(2, 2);
    cluster.submit("e", program(2), { workers: undefined });
    cluster.loseAgent("a0");
    expect(cluster.order("e-0-0-2").gang?.members.map(({ worker }) => worker)).toEqual([2, 3]);
    cluster.commitGroup("e", 0);
    expect(cluster.outcomes.get("e")?.kind).toBe("done");
  });

  test("that is bound to workers waits for others in the place of those that it has lost, but not for ever", () => {
    const bound = (): FakeCluster => {
      const cluster = clusterOf(1, 1, 1);
      cluster.submit("e", program(2), { workers: [0, 1] });
      cluster.loseAgent("a1");
      for (const attempt of cluster.cancelled()) cluster.fail(attempt, new TaskError("stopped"));
      cluster.tick(1000);
      expect(cluster.outcomes.get("e")).toBeUndefined();
      return cluster;
    };
    const moved = bound();
    moved.send({ kind: "executionMoved", execution: "e", workers: [0, 2] });
    expect(moved.order("e-0-1-2").gang?.members.map(({ worker }) => worker)).toEqual([0, 2]);
    const stuck = bound();
    stuck.tick(31_000);
    expect(failureOf(stuck, "e")).toContain(
      "the 2 workers of group 0 must run together (epoch 1), and there are 1",
    );
  });

  test("computes its whole result again when one row is lost that somebody needs", () => {
    const cluster = clusterOf(2);
    cluster.submit("e", program(2));
    cluster.commitGroup("e", 0);
    cluster.destroy("e-0-1-1");
    cluster.send({ kind: "shardLost", attempt: "e-0-1-1", cause: "gone" });
    expect(gangs(cluster)).toEqual(["e-0-g2", "e-0-g2"]);
    cluster.commitGroup("e", 0);
    expect(cluster.shards()).toEqual(["e-0-0-2", "e-0-1-2"]);
    cluster.send({ kind: "datasetReleased", dataset: "e.0" });
    expect(cluster.shards()).toEqual([]);
    expect([...cluster.forgotten]).toEqual(["e"]);
  });

  test("deals each shard to one worker: of its agent, unless that has much more than its part", () => {
    const cluster = clusterOf(2, 2);
    cluster.submit("rows", planOf([{ tasks: 8 }], [0]));
    cluster.commitGroup("rows", 0);
    cluster.submit("e", program(4, ["rows.0"]));
    const read = cluster.running().map((id) => cluster.order(id).input.pieces[0]);
    const whole = read.flat().map(({ attempt }) => attempt);
    expect(whole.toSorted()).toEqual(Array.from({ length: 8 }, (_, i) => `rows-0-${i}-1`));
    for (const [rank, pieces] of read.entries()) {
      expect(pieces.length).toBe(2);
      for (const { agent } of pieces) expect(agent).toBe(rank < 2 ? "a0" : "a1");
    }
  });

  test("deals shards that lie on one agent to the others, too", () => {
    const cluster = clusterOf(2, 2);
    cluster.submit("rows", planOf([{ tasks: 8 }], [0]), { workers: [0, 1] });
    cluster.commitGroup("rows", 0);
    cluster.submit("e", program(4, ["rows.0"]));
    const counts = cluster.running().map((id) => cluster.order(id).input.pieces[0].length);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(8);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  test("waits for what it reads, and while a channel is open", () => {
    const cluster = clusterOf(2);
    cluster.open("ch", "a0");
    cluster.submit("rows", planOf([{ tasks: 1 }], [0]));
    cluster.submit("e", program(2, ["rows.0", "ch"]));
    cluster.commitGroup("rows", 0);
    expect(cluster.running()).toEqual([]);
    cluster.close("ch");
    expect(gangs(cluster)).toEqual(["e-0-g1", "e-0-g1"]);
  });
});

test("a worker program whose row was lost does not run again to its end when nobody wants that row any more", () => {
  const cluster = clusterOf(2, 1);
  cluster.submit("e", program(3));
  cluster.commitGroup("e", 0);
  cluster.destroy("e-0-0-1");
  cluster.send({ kind: "shardLost", attempt: "e-0-0-1", cause: "gone" });
  expect(gangs(cluster)).toEqual(new Array(3).fill("e-0-g2"));
  cluster.send({ kind: "datasetReleased", dataset: "e.0" });
  expect(cluster.cancelled()).toHaveLength(3);
  expect(cluster.shards()).toEqual([]);
  expect(cluster.forgotten.has("e")).toBe(true);
});
