import { expect, test } from "bun:test";
import { CancelledError, ShardLostError, toWireError } from "../../../core/errors.ts";
import { needsTicks } from "../../../core/schedule/job_scheduler.ts";
import { FakeCluster } from "./fake_cluster.ts";
import { edge, planOf } from "./plans.ts";

test("needsTicks() says so while an execution runs, ends, or computes again what was lost after it was done", () => {
  const cluster = new FakeCluster();
  const asks: boolean[] = [];
  const ask = () => asks.push(needsTicks(cluster.state));
  ask();
  cluster.join("a", 2);
  cluster.submit("e", planOf([{ tasks: 1 }], [0]));
  ask();
  cluster.commit("e-0-0-1");
  ask();
  cluster.submit("f", planOf([{ tasks: 1, inputs: [edge("e.0", "forward")] }], [0]));
  cluster.destroy("e-0-0-1");
  cluster.fail("f-0-0-1", new ShardLostError("gone", { fields: { attempt: "e-0-0-1" } }));
  const cause = toWireError(new CancelledError("stop"));
  cluster.send({ kind: "executionCancelled", execution: "f", cause });
  expect(cluster.outcomes.get("f")?.kind).toBe("cancelled");
  ask();
  cluster.commit("e-0-0-2");
  ask();
  expect(asks).toEqual([false, true, false, true, false]);
});
