import { expect, test } from "bun:test";
import { CancelledError, TaskError } from "../../../../core/errors.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { edge, hashTail, planOf, shardOf } from "../plans.ts";

test("dispatch() starts ready tasks by execution age, group and task when slots are few", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.submit("e1", planOf([{ tasks: 2 }, { tasks: 1 }], [0, 1]));
  cluster.submit("e0", planOf([{ tasks: 1 }], [0]));
  expect(cluster.running()).toEqual(["e1-0-0-1", "e1-0-1-1"]);
  cluster.commit("e1-0-1-1");
  expect(cluster.running()).toEqual(["e1-0-0-1", "e1-1-0-1"]);
  cluster.commit("e1-0-0-1");
  expect(cluster.running()).toEqual(["e1-1-0-1", "e0-0-0-1"]);
});

test("dispatch() starts a forward task when its own input is committed", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  cluster.submit("e", planOf([{ tasks: 3 }, { tasks: 3, inputs: [edge(0, "forward")] }], [1]));
  cluster.commit("e-0-2-1");
  expect(cluster.running()).toEqual(["e-0-0-1", "e-0-1-1", "e-1-2-1"]);
  expect(cluster.order("e-1-2-1").input.pieces).toEqual([
    [{ agent: "a", attempt: "e-0-2-1", partition: -1, isCommitted: true }],
  ]);
});

test("dispatch() waits for every input task when the edge is a shuffle", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 4);
  const plan = planOf(
    [
      { tasks: 2, tail: hashTail(2) },
      { tasks: 2, inputs: [edge(0, "partition")] },
    ],
    [1],
  );
  cluster.submit("e", plan);
  cluster.commit("e-0-0-1");
  expect(cluster.running()).toEqual(["e-0-1-1"]);
  cluster.commit("e-0-1-1");
  expect(cluster.running()).toEqual(["e-1-0-1", "e-1-1-1"]);
  expect(cluster.order("e-1-1-1").input.pieces[0].map((piece) => piece.partition)).toEqual([1, 1]);
});

test("dispatch() prefers the agent that holds the input", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.join("b", 2);
  cluster.submit(
    "e",
    planOf(
      [
        { tasks: 4, tail: hashTail(4) },
        { tasks: 4, inputs: [edge(0, "forward")] },
      ],
      [1],
    ),
  );
  const places = new Map(cluster.running().map((id) => [id[4], cluster.agentOf(id)]));
  expect([...places.values()].toSorted()).toEqual(["a", "a", "b", "b"]);
  cluster.commitGroup("e", 0);
  for (const id of cluster.running()) expect(cluster.agentOf(id)).toBe(places.get(id[4]) ?? "");
});

test("dispatch() brings tasks to their input when other agents have more free slots", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  const indexed = { tasks: 2, inputs: [edge(0, "forward")], needsCommittedInput: true };
  cluster.submit("e", planOf([{ tasks: 2 }, indexed], [1]));
  cluster.join("b", 4);
  cluster.commitGroup("e", 0);
  expect(cluster.running().map((id) => cluster.agentOf(id))).toEqual(["a", "a"]);
});

test("dispatch() tries a task elsewhere when it failed", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.join("b", 3);
  cluster.submit("e", planOf([{ tasks: 1 }], [0]));
  expect(cluster.agentOf("e-0-0-1")).toBe("b");
  cluster.fail("e-0-0-1", new TaskError("boom"));
  expect(cluster.agentOf("e-0-0-2")).toBe("a");
});

test("dispatch() gives every attempt at a task the same seed", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.submit("e", planOf([{ tasks: 2 }], [0]));
  cluster.lose("e-0-0-1");
  cluster.fail("e-0-0-2", new Error("boom"));
  expect(cluster.order("e-0-0-2").seed).toBe(cluster.order("e-0-0-1").seed);
  expect(cluster.order("e-0-0-3").seed).toBe(cluster.order("e-0-0-1").seed);
  expect(cluster.order("e-0-1-1").seed).not.toBe(cluster.order("e-0-0-1").seed);
});

test("dispatch() picks splitters and cuts the runs when an exchange is sorted", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  const order = { node: 7, by: "row", descending: false } as const;
  const runs = { kind: "runs", order, hasKeyColumn: false } as const;
  const head = { kind: "merge", input: edge(0, "range"), order, hasKeyColumn: false } as const;
  const compare = new Map([[7, (a: unknown, b: unknown) => Number(a) - Number(b)]]);
  cluster.submit(
    "e",
    planOf(
      [
        { tasks: 2, tail: runs },
        { tasks: 2, head },
      ],
      [1],
    ),
    { compare },
  );
  const marked = (keys: readonly number[]) => ({
    ...shardOf(runs, ""),
    marks: keys.map((firstKey) => ({ run: 0, firstKey })),
  });
  cluster.commit("e-0-0-1", marked([0, 10, 20, 30]));
  cluster.commit("e-0-1-1", marked([5, 15, 25, 35]));
  const low = cluster.order("e-1-0-1").input;
  const high = cluster.order("e-1-1-1").input;
  expect(low.lower).toBeUndefined();
  expect(low.upper).toEqual(high.lower);
  expect(high.upper).toBeUndefined();
  expect(low.pieces[0].map((piece) => piece.chunks?.from)).toEqual([0, 0]);
  expect(high.pieces[0].map((piece) => piece.chunks?.to)).toEqual([4, 4]);
});

test("dispatch() tells the rows before a shard when it is indexed, also after a retry", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 3);
  const indexed = {
    tasks: 3,
    inputs: [edge(0, "forward")],
    steps: [{ op: "index", node: 1 } as const],
    needsCommittedInput: true,
  };
  cluster.submit("e", planOf([{ tasks: 3 }, indexed], [1]));
  const rows = [5, 7, 2];
  for (const [task, count] of rows.entries()) {
    expect(cluster.running()).not.toContain("e-1-0-1");
    cluster.commit(`e-0-${task}-1`, { partitions: [{ rows: count, bytes: 1, chunks: 1 }] });
  }
  cluster.commit("e-1-0-1");
  cluster.lose("e-1-2-1");
  expect(["e-1-0-1", "e-1-1-1", "e-1-2-2"].map((id) => cluster.order(id).input.firstIndex)).toEqual([
    0, 5, 12,
  ]);
});

test("dispatch() makes room for an earlier followed shard when the later ones hold all slots", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.join("b", 1);
  cluster.submit("e", planOf([{ tasks: 4 }], [0]), { followed: [0] });
  cluster.loseAgent(cluster.agentOf("e-0-0-1"));
  expect(cluster.cancelled()).toEqual(["e-0-1-1"]);
  cluster.fail("e-0-1-1", new CancelledError("stopped"));
  expect(cluster.running()).toEqual(["e-0-0-2"]);
  cluster.commit("e-0-0-2");
  expect(cluster.running()).toEqual(["e-0-1-2"]);
});

test("apply() does no work per event that grows with 20,000 tasks", () => {
  const cluster = new FakeCluster();
  cluster.isChecked = false;
  cluster.join("a", 2);
  const groups = [{ tasks: 10_000 }, { tasks: 10_000, inputs: [edge(0, "forward")] }];
  const begin = process.cpuUsage();
  cluster.submit("e", planOf(groups, [1]));
  const queue = [...cluster.running()];
  const pending = (): void => {
    for (const command of cluster.commands) if (command.kind === "launch") queue.push(command.order.attempt);
  };
  for (let i = 0; i < queue.length; i += 1) {
    cluster.commit(queue[i]);
    pending();
  }
  const { user, system } = process.cpuUsage(begin);
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
  // About 0.3 s, of all threads; work that grows with the tasks takes minutes.
  expect((user + system) / 1e6).toBeLessThan(5);
});

test("dispatch() launches the first of followed shards first, wherever its input lies", () => {
  const cluster = new FakeCluster();
  cluster.join("a", 1);
  cluster.join("b", 1);
  cluster.submit("in", planOf([{ tasks: 2 }], [0]));
  cluster.commitGroup("in", 0);
  cluster.submit("old", planOf([{ tasks: 1 }], [0]));
  expect(cluster.agentOf("old-0-0-1")).toBe("a");
  // Room would be made for the first task again and again, were it given to the second one, whose input lies there.
  cluster.submit("e", planOf([{ tasks: 2, inputs: [edge("in.0", "forward")] }], [0]), { followed: [0] });
  expect(cluster.cancelled()).toEqual([]);
  expect(cluster.running()).toEqual(["old-0-0-1", "e-0-0-1"]);
  expect(cluster.agentOf("e-0-0-1")).toBe("b");
});
