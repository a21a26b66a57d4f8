/**
 * Random plans on random agents with a budget of faults, checked after each event.
 */
import { expect, test } from "bun:test";
import { LucioleError, ShardLostError, TaskError } from "../../../core/errors.ts";
import type { InputEdge } from "../../../core/plan/physical.ts";
import { FakeCluster } from "./fake_cluster.ts";
import { edge, type GroupOptions, hashTail, planOf } from "./plans.ts";

const RUNS = Number(process.env.LUCIOLE_TEST_RUNS ?? 400);
const FIRST_SEED = Number(process.env.LUCIOLE_TEST_SEED ?? 1);
const MAX_EVENTS = 20_000;

class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) >>> 0;
  }
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }
}

interface Dataset {
  readonly id: string;
  readonly shards: number;
}

/** Edges of one group of a random plan: a chain, a join, a union, a gather or a spread. */
function randomInputs(random: Random, groups: GroupOptions[], datasets: readonly Dataset[]): GroupOptions {
  const from = (): { ref: number | string; shards: number } => {
    const isDataset = datasets.length > 0 && (groups.length === 0 || random.chance(4));
    if (isDataset) {
      const dataset = random.pick(datasets);
      return { ref: dataset.id, shards: dataset.shards };
    }
    const group = random.below(groups.length);
    return { ref: group, shards: groups[group].tasks };
  };
  const source = from();
  const shards = 1 + random.below(4);
  switch (random.below(6)) {
    case 0:
      return { tasks: source.shards, inputs: [edge(source.ref, "forward")] };
    case 1:
      return { tasks: shards, inputs: [edge(source.ref, "spread")] };
    case 2:
      return { tasks: 1, inputs: [edge(source.ref, "all")] };
    case 3: {
      const others = [source, from(), from()];
      const inputs = others.map((one) => edge(one.ref, "union"));
      return { tasks: others.reduce((sum, one) => sum + one.shards, 0), inputs };
    }
    case 4: {
      const side: InputEdge = edge(from().ref, "all");
      const steps = [{ op: "map", node: 0, side } as const];
      return { tasks: source.shards, inputs: [edge(source.ref, "forward")], steps };
    }
    default: {
      const other = from();
      return { tasks: shards, inputs: [edge(source.ref, "partition"), edge(other.ref, "partition")] };
    }
  }
}

function randomPlan(random: Random, datasets: readonly Dataset[]) {
  const groups: GroupOptions[] = [];
  const size = 1 + random.below(6);
  for (let i = 0; i < size; i += 1) {
    const isSource = (i === 0 && datasets.length === 0) || random.chance(4);
    const base = isSource ? { tasks: random.below(6) } : randomInputs(random, groups, datasets);
    const tail = random.chance(3)
      ? hashTail(4)
      : random.chance(6)
        ? ({ kind: "discard" } as const)
        : undefined;
    groups.push(tail === undefined ? base : { ...base, tail });
  }
  const outputs = groups.map((_, i) => i).filter((i) => i === size - 1 || random.chance(3));
  const sink = random.chance(3)
    ? groups.push({
        tasks: groups[0].tasks,
        inputs: [edge(0, "forward")],
        tail: { kind: "sink", node: 99 },
      }) - 1
    : -1;
  const all = sink < 0 ? outputs : [...outputs, { node: 99, group: sink, kind: "sink" as const }];
  return { plan: planOf(groups, all), outputs: outputs.map((i) => ({ node: i, shards: groups[i].tasks })) };
}

/** One schedule; returns how the executions ended. */
function simulate(seed: number): string[] {
  const random = new Random(seed);
  const cluster = new FakeCluster({ maxAttempts: 3, maxLosses: 6 });
  let faults = random.below(12);
  let agents = 0;
  const addAgent = (): void => cluster.join(`a${agents++}`, 1 + random.below(3));
  for (let i = 0; i <= random.below(3); i += 1) addAgent();
  const datasets: Dataset[] = [];
  const open: string[] = [];
  if (random.chance(2)) {
    cluster.open("ch", random.pick([...cluster.agents.keys()]));
    open.push("ch");
    datasets.push({ id: "ch", shards: 1 });
  }
  const submitted: string[] = [];
  const submit = (): void => {
    const id = `e${submitted.length}`;
    const { plan, outputs } = randomPlan(random, datasets);
    submitted.push(id);
    cluster.submit(id, plan, { followed: random.chance(2) ? outputs.map((one) => one.node) : [] });
    if (cluster.outcomes.get(id)?.kind === "failed") return;
    for (const { node, shards } of outputs) datasets.push({ id: `${id}.${node}`, shards });
  };
  const drop = (index: number): void => {
    const [dataset] = datasets.splice(index, 1);
    cluster.send({ kind: "datasetReleased", dataset: dataset.id });
  };
  const fault = (): void => {
    faults -= 1;
    const running = cluster.running();
    const kind = random.below(5);
    if (kind === 0) {
      if (cluster.agents.size === 1) addAgent();
      const agent = random.pick([...cluster.agents.keys()]);
      cluster.loseAgent(agent);
      return;
    }
    if (running.length === 0) return;
    const attempt = random.pick(running);
    const pieces = cluster
      .order(attempt)
      .input.pieces.flat()
      .filter((piece) => cluster.agents.has(piece.agent));
    if (kind === 1) cluster.lose(attempt);
    else if (kind === 2 && pieces.length > 0) {
      const lost = random.pick(pieces).attempt;
      if (!lost.startsWith("ch") && cluster.shards().includes(lost)) cluster.destroy(lost);
      cluster.fail(attempt, new ShardLostError("gone", { fields: { attempt: lost } }));
    } else if (kind === 3) cluster.fail(attempt, new TaskError(`boom ${random.below(3)}`));
    else cluster.fail(attempt, new LucioleError("disk-full", "no room"));
  };
  let events = 0;
  const isOver = (): boolean =>
    submitted.length >= 3 &&
    submitted.every((id) => cluster.outcomes.has(id)) &&
    cluster.cancelled().length === 0;
  while (!isOver() || cluster.running().length > 0) {
    if (++events > MAX_EVENTS)
      throw new Error(`no end: ${JSON.stringify([...cluster.outcomes.keys()])} of ${submitted} ended`);
    if (submitted.length < 3 && random.chance(12)) submit();
    else if (faults > 0 && random.chance(8)) fault();
    else if (random.chance(30) && datasets.length > 0) drop(random.below(datasets.length));
    else if (random.chance(100)) addAgent();
    else if (random.chance(60) && submitted.length > 0) {
      const cause = { name: "", code: "cancelled", message: "stop", retryable: false, fields: {} };
      cluster.send({ kind: "executionCancelled", execution: random.pick(submitted), cause });
    } else step(random, cluster, open);
  }
  for (const id of open) cluster.close(id);
  while (datasets.length > 0) drop(0);
  if (open.length > 0 || !datasets.some((one) => one.id === "ch")) {
    cluster.send({ kind: "datasetReleased", dataset: "ch" });
  }
  for (const attempt of cluster.cancelled()) cluster.fail(attempt, new LucioleError("cancelled", "stopped"));
  expect(cluster.shards()).toEqual([]);
  expect(cluster.state.attempts.size).toBe(0);
  expect(cluster.state.executions.size).toBe(0);
  expect([...cluster.forgotten].toSorted()).toEqual(submitted.toSorted());
  return submitted.map((id) => cluster.outcomes.get(id)?.kind ?? "none");
}

/** Something goes on by itself. */
function step(random: Random, cluster: FakeCluster, open: string[]): void {
  const cancelled = cluster.cancelled();
  const running = cluster.running();
  const published = cluster.publishing.shift();
  if (published !== undefined) {
    const error = random.chance(5)
      ? { name: "", code: "x", message: "no", retryable: false, fields: {} }
      : undefined;
    cluster.send({ kind: "sinksPublished", execution: published.execution, error });
  } else if (cancelled.length > 0 && random.chance(2)) {
    const attempt = random.pick(cancelled);
    if (random.chance(3) && cluster.canCommit(attempt)) cluster.commit(attempt);
    else if (random.chance(3)) cluster.lose(attempt);
    else cluster.fail(attempt, new LucioleError("cancelled", "stopped"));
  } else if (running.length > 0) {
    const attempt = random.pick(running);
    if (random.chance(2)) cluster.start(attempt);
    else if (cluster.canCommit(attempt)) cluster.commit(attempt);
    else if (open.length > 0 && random.chance(10)) cluster.close(open.splice(0, 1)[0]);
  } else if (open.length > 0 && random.chance(10)) {
    cluster.close(open.splice(0, 1)[0]);
  } else {
    cluster.send({ kind: "tick" });
  }
}

test("apply() ends every execution and leaves nothing when anything fails at random", () => {
  const counts: Record<string, number> = {};
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
    try {
      for (const outcome of simulate(seed)) counts[outcome] = (counts[outcome] ?? 0) + 1;
    } catch (error) {
      throw new Error(`LUCIOLE_TEST_SEED=${seed} LUCIOLE_TEST_RUNS=1: ${error}`, { cause: error });
    }
  }
  expect(counts.done).toBeGreaterThan(RUNS / 4);
  expect(counts.failed).toBeGreaterThan(RUNS / 20);
});
