import { expect, test } from "bun:test";
import type { Task } from "../../../core/schedule/execution_state.ts";
import { check } from "../../../core/schedule/job_scheduler.ts";
import { FakeCluster } from "./fake_cluster.ts";
import { edge, planOf } from "./plans.ts";

/** One task committed and held, one that reads it running. */
function half(): { cluster: FakeCluster; first: Task; second: Task } {
  const cluster = new FakeCluster();
  cluster.join("a", 2);
  cluster.submit("e", planOf([{ tasks: 1 }, { tasks: 1, inputs: [edge(0, "all")] }], [1]));
  cluster.commit("e-0-0-1");
  const groups = cluster.state.executions.get("e")?.groups ?? [];
  return { cluster, first: groups[0].tasks[0], second: groups[1].tasks[0] };
}

test("check() accepts what apply() leaves", () => {
  expect(() => check(half().cluster.state)).not.toThrow();
});

test("check() throws when an agent runs more than it has slots for", () => {
  const { cluster } = half();
  const agent = cluster.state.agents.get("a");
  if (agent !== undefined) agent.slots = 0;
  expect(() => check(cluster.state)).toThrow("Agent a: 1 attempts in 0 slots");
});

test("check() throws when an attempt that runs is known to no agent", () => {
  const { cluster } = half();
  cluster.state.agents.get("a")?.running.clear();
  expect(() => check(cluster.state)).toThrow("Attempt e-1-0-1 is launched: its agent's slots say otherwise");
});

test("check() throws when a shard is kept that nobody needs", () => {
  const { cluster, second } = half();
  second.group.done = 1;
  expect(() => check(cluster.state)).toThrow("nobody needs its shard");
});

test("check() throws when a shard was released that somebody needs", () => {
  const { cluster, first } = half();
  cluster.state.attempts.delete("e-0-0-1");
  first.status = { kind: "released" };
  first.group.present = 0;
  first.group.released = 1;
  expect(() => check(cluster.state)).toThrow("Task e-0-0 is released: somebody needs its shard");
});

test("check() throws when a counter is wrong", () => {
  const { cluster, first } = half();
  first.group.present = 2;
  expect(() => check(cluster.state)).toThrow("counted");
});

test("check() throws when a committed task's attempt did not win", () => {
  const { cluster, first } = half();
  if (first.status.kind === "committed") first.status.attempt.status = { kind: "cancelled" };
  expect(() => check(cluster.state)).toThrow("Attempt e-0-0-1 is cancelled");
});
