import { expect, test } from "bun:test";
import { TaskError } from "../../../../core/errors.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { planOf } from "../plans.ts";

function oneTask(maxLosses = 5): FakeCluster {
  const cluster = new FakeCluster({ backoffMs: 100, maxLosses });
  cluster.join("a", 1);
  cluster.submit("e", planOf([{ tasks: 1 }], [0]));
  return cluster;
}

test("apply() tries a task again at once when it went wrong for the first time", () => {
  const cluster = oneTask();
  cluster.lose("e-0-0-1");
  expect(cluster.running()).toEqual(["e-0-0-2"]);
});

test("apply() has a task wait for longer each time that it goes wrong", () => {
  const cluster = oneTask();
  cluster.lose("e-0-0-1");
  cluster.fail("e-0-0-2", new TaskError("first"));
  cluster.tick(90);
  expect(cluster.running()).toEqual([]);
  cluster.tick(20);
  cluster.fail("e-0-0-3", new TaskError("second"));
  cluster.tick(190);
  expect(cluster.running()).toEqual([]);
  cluster.tick(20);
  expect(cluster.running()).toEqual(["e-0-0-4"]);
  cluster.commit("e-0-0-4");
  expect(cluster.outcomes.get("e")?.kind).toBe("done");
});

test("apply() never has a task wait for more than ten seconds", () => {
  const cluster = oneTask(100);
  for (let i = 1; i < 40; i += 1) {
    cluster.lose(`e-0-0-${i}`);
    cluster.tick(10_001);
    expect(cluster.running()).toEqual([`e-0-0-${i + 1}`]);
  }
});

test("apply() leaves nothing of a task that waits when its execution is cancelled", () => {
  const cluster = oneTask();
  cluster.lose("e-0-0-1");
  cluster.lose("e-0-0-2");
  const cause = { name: "CancelledError", code: "cancelled", message: "stop", fields: {}, retryable: false };
  cluster.send({ kind: "executionCancelled", execution: "e", cause });
  expect(cluster.outcomes.get("e")?.kind).toBe("cancelled");
  cluster.tick(1000);
  expect(cluster.running()).toEqual([]);
  expect(cluster.state.resting.size).toBe(0);
});
