/** Shares of the memory that all workers have together, while these become more and fewer. */
import { expect, test } from "bun:test";
import { FakeCluster } from "./fake_cluster.ts";
import { planOf } from "./plans.ts";

const ALL = 1200;

function open(slots: number): FakeCluster {
  const cluster = new FakeCluster({ memoryBytes: ALL });
  cluster.join("a", slots);
  return cluster;
}

const memoryOf = (cluster: FakeCluster, attempts: readonly string[]): number[] =>
  attempts.map((attempt) => cluster.order(attempt).memoryBytes);
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

test("tasks have even shares of the memory, for as many workers as there are when they begin", () => {
  const cluster = open(2);
  cluster.submit("e", planOf([{ tasks: 20 }], [0]));
  expect(memoryOf(cluster, cluster.running())).toEqual([600, 600]);
  cluster.resize("a", 4);
  for (const attempt of cluster.running()) cluster.commit(attempt);
  for (const attempt of cluster.running()) cluster.commit(attempt);
  expect(memoryOf(cluster, cluster.running())).toEqual([300, 300, 300, 300]);
  cluster.resize("a", 1);
  for (const attempt of cluster.running()) cluster.commit(attempt);
  // It began while the others still worked.
  expect(memoryOf(cluster, cluster.running())).toEqual([300]);
  for (const attempt of cluster.running()) cluster.commit(attempt);
  expect(memoryOf(cluster, cluster.running())).toEqual([1200]);
});

test("those that begin beside tasks of larger shares get what is left, and a quarter of a share at least", () => {
  const cluster = open(3);
  cluster.submit("e", planOf([{ tasks: 20 }], [0]));
  const [first, second, third] = cluster.running();
  cluster.commit(second);
  cluster.commit(third);
  const [, fourth, fifth] = cluster.running();
  cluster.resize("a", 4);
  expect(memoryOf(cluster, cluster.running())).toEqual([400, 400, 400, 75]);
  cluster.commit(fourth);
  cluster.commit(fifth);
  // 1200 - 400 - 75 for the first of two, and what it leaves for the other.
  expect(memoryOf(cluster, cluster.running())).toEqual([400, 75, 300, 300]);
  cluster.commit(first);
  expect(sum(memoryOf(cluster, cluster.running()))).toBeLessThanOrEqual(ALL);
});

test("whatever comes and goes, all together are promised half more than the memory, though tasks outlast many changes", () => {
  let state = 5;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const cluster = open(3);
  cluster.submit("e", planOf([{ tasks: 1000 }], [0]));
  for (let step = 0; step < 400; step++) {
    const running = cluster.running();
    if (random(5) === 0) cluster.resize("a", 1 + random(16));
    else if (running.length > 0) cluster.commit(running[random(running.length)]);
    expect(sum(memoryOf(cluster, cluster.running()))).toBeLessThanOrEqual(ALL * 1.5);
  }
});
