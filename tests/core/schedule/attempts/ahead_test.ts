/** Short tasks go to their agents before there is a slot for them; others wait for one. */
import { expect, test } from "bun:test";
import { TaskError } from "../../../../core/errors.ts";
import { applyAll } from "../../../../core/schedule/job_scheduler.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { planOf, shardOf, TOTALS } from "../plans.ts";

function cluster(paceMs: number | undefined, slots: number): FakeCluster {
  const made = new FakeCluster();
  made.paceMs = paceMs;
  made.join("a", slots);
  return made;
}

test("dispatch() launches short tasks ahead, and keeps as many as go for workers that are done sooner", () => {
  const fake = cluster(1, 2);
  fake.submit("e", planOf([{ tasks: 41 }], [0]));
  expect(fake.running().length).toBe(2);
  fake.commit("e-0-0-1");
  // 39 are ready when one slot is free; it takes one, and each of the two slots gets 38 / 4 beside its own.
  expect(fake.running().length).toBe(2 + 2 * 9);
  fake.send({ kind: "tick" });
  const progress = fake.commands.find((command) => command.kind === "progress");
  expect(progress).toMatchObject({ groups: [{ running: 2, committed: 1 }] });
  fake.commitGroup("e", 0);
  expect(fake.outcomes.get("e")?.kind).toBe("done");
});

test("dispatch() launches nothing ahead that takes long, that is followed, or whose like was not measured", () => {
  for (const [paceMs, followed] of [
    [50, []],
    [1, [0]],
    [undefined, []],
  ] as const) {
    const fake = cluster(paceMs, 2);
    fake.submit("e", planOf([{ tasks: 41 }], [0]), { followed });
    fake.commit("e-0-0-1");
    expect(fake.running().length).toBe(2);
  }
});

test("dispatch() gives a slot to an older execution before what is ahead of a younger one", () => {
  const fake = cluster(1, 1);
  fake.submit("old", planOf([{ tasks: 1 }, { tasks: 1 }], [0, 1]));
  fake.submit("young", planOf([{ tasks: 30 }], [0]));
  fake.commit("old-0-0-1");
  expect(fake.running()).toEqual(["old-1-0-1"]);
  fake.commit("old-1-0-1");
  fake.commit("young-0-0-1");
  expect(fake.running().length).toBe(1 + 14);
});

test("applyAll() has the effects of its events in their order, then gives slots once", () => {
  const one = cluster(undefined, 2);
  const plan = planOf([{ tasks: 6 }], [0]);
  one.submit("e", plan);
  const shard = shardOf(plan.groups[0].tail, "e-0-0-1");
  const result = { kind: "committed", shard, totals: TOTALS } as const;
  const events = ["e-0-0-1", "e-0-1-1"].map((attempt) => {
    return { kind: "attemptEnded", agent: "a", attempt, result } as const;
  });
  const launched = applyAll(one.state, events, 10).flatMap((command) =>
    command.kind === "launch" ? [command.order.attempt] : [],
  );
  expect(launched).toEqual(["e-0-2-1", "e-0-3-1"]);
});

test("a task that went wrong does not go ahead to the agent where it did", () => {
  const cluster = new FakeCluster();
  cluster.paceMs = 0.1;
  cluster.join("a", 1);
  cluster.join("b", 1);
  cluster.submit("e", planOf([{ tasks: 400 }], [0]));
  let ahead = 0;
  // Both agents have tasks ahead, and others are left.
  for (let i = 0; i < 4; i++) cluster.commit(cluster.running()[0]);
  for (let i = 0; i < 12; i++) {
    const failed = cluster.running()[0];
    const agent = cluster.agentOf(failed);
    cluster.fail(failed, new TaskError(`boom ${i}`));
    const again = failed.replace(/\d+$/, (launch) => String(Number(launch) + 1));
    while (!cluster.orders.has(again)) cluster.commit(cluster.running()[0]);
    const isAhead = cluster.state.attempts.get(again)?.isAhead;
    // A slot that is free may be taken there.
    if (isAhead) expect(cluster.agentOf(again)).not.toBe(agent);
    if (isAhead) ahead += 1;
    cluster.commit(again);
  }
  expect(ahead).toBeGreaterThan(0);
});
