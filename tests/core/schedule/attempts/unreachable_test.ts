/** Agents that are cut off from each other for good, while the driver reaches both of them. */
import { describe, expect, test } from "bun:test";
import { LucioleError, ShardLostError } from "../../../../core/errors.ts";
import { FakeCluster } from "../fake_cluster.ts";
import { edge, hashTail, planOf } from "../plans.ts";

/** More than the losses in a row that a task may have. */
const PARTS = 12;
const MAX_STEPS = 1_000;

/** Runs two shuffles where agents read only of agents of their own side. @returns How often a reader was lost. */
function run(
  agents: readonly string[],
  sideOf: (agent: string) => string,
): { cluster: FakeCluster; lost: number } {
  const cluster = new FakeCluster({ backoffMs: 10 });
  for (const agent of agents) cluster.join(agent, 2);
  const shuffled = { tasks: PARTS, tail: hashTail(PARTS) };
  const groups = [
    shuffled,
    { ...shuffled, inputs: [edge(0, "partition")] },
    { tasks: PARTS, inputs: [edge(1, "partition")] },
  ];
  cluster.submit("e", planOf(groups, [2]));
  let lost = 0;
  for (let step = 0; !cluster.outcomes.has("e"); step++) {
    if (step > MAX_STEPS) throw new Error(`No end; ${cluster.running()} run`);
    const [attempt] = cluster.running();
    if (attempt === undefined) {
      cluster.tick(10_000);
      continue;
    }
    const own = sideOf(cluster.agentOf(attempt));
    const far = cluster
      .order(attempt)
      .input.pieces.flat()
      .find(({ agent }) => sideOf(agent) !== own);
    if (far === undefined) {
      cluster.commit(attempt);
      continue;
    }
    lost++;
    const cause = new LucioleError("unreachable", `Cannot reach agent ${far.agent}`);
    cluster.fail(attempt, new ShardLostError("no way", { cause, fields: { attempt: far.attempt } }));
  }
  return { cluster, lost };
}

describe("apply()", () => {
  test.each([
    ["two agents", ["a", "b"]],
    ["two sides of two agents", ["a1", "a2", "b1", "b2"]],
  ])("F5: gives one side up when %s cannot read of each other: the rest does all", (_, agents) => {
    const { cluster } = run(agents, (agent) => agent[0]);
    expect(cluster.outcomes.get("e")?.kind).toBe("done");
    expect(cluster.warnings.join("\n")).toMatch(
      /agent [ab]\d? gets no tasks any more: others cannot reach it/,
    );
  });

  test("needs none of that when nobody is cut off", () => {
    const { cluster, lost } = run(["a", "b"], () => "one");
    expect(lost).toBe(0);
    expect(cluster.warnings).toEqual([]);
  });
});

describe("apply(), of an agent whose files are gone", () => {
  /** Runs a shuffle; then shards are destroyed. @returns The tasks before it that ran again. */
  function runWithout(destroyed: (all: readonly string[]) => readonly string[]): string[] {
    const cluster = new FakeCluster();
    for (const agent of ["a", "b"]) cluster.join(agent, 2);
    const groups = [
      { tasks: 2 * PARTS, tail: hashTail(3) },
      { tasks: 3, inputs: [edge(0, "partition")] },
    ];
    cluster.submit("e", planOf(groups, [1]));
    cluster.commitGroup("e", 0);
    const gone = destroyed([...(cluster.agents.get("a")?.shards ?? [])]);
    for (const attempt of gone) cluster.destroy(attempt);
    for (let step = 0; !cluster.outcomes.has("e"); step++) {
      const [attempt] = cluster.running();
      if (step > MAX_STEPS || attempt === undefined) throw new Error(`No end; ${cluster.running()} run`);
      const lost = cluster
        .order(attempt)
        .input.pieces.flat()
        .find((piece) => gone.includes(piece.attempt));
      if (lost === undefined) cluster.commit(attempt);
      else cluster.fail(attempt, new ShardLostError("gone", { fields: { attempt: lost.attempt } }));
    }
    expect(cluster.outcomes.get("e")).toMatchObject({ kind: "done" });
    const taskOf = (attempt: string): string => attempt.split("-").slice(0, 3).join("-");
    const again = [...cluster.orders.keys()].filter((attempt) => /^e-0-\d+-[^1]$/.test(attempt)).map(taskOf);
    expect(gone.map(taskOf).every((task) => again.includes(task))).toBe(true);
    return again;
  }

  test("computes all of it again though a reader finds one shard at a time, and may lose few in a row", () => {
    expect(new Set(runWithout((all) => all)).size).toBe(PARTS);
  });

  test("F2: computes no other shard again when one or two are damaged", () => {
    expect(runWithout((all) => all.slice(0, 1))).toHaveLength(1);
    expect(runWithout((all) => all.slice(3, 5))).toHaveLength(2);
  });
});
