/** Agents that are cut off from each other for good, while the driver reaches both of them. */
import { describe, expect, test } from "bun:test";
import { LucioleError, ShardLostError } from "../../../core/errors.ts";
import { FakeCluster } from "./fake_cluster.ts";
import { edge, hashTail, planOf } from "./plans.ts";

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
  ])("gives one side up when %s cannot read of each other: the rest does all", (_, agents) => {
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
