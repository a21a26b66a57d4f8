/** Plans that are kept from one turn of a loop to the next: the same ones, and no others. */
import { describe, expect, test } from "bun:test";
import { buildGraph } from "../../../../core/graph/build.ts";
import type { DatasetInput } from "../../../../core/program/dataset_ref.ts";
import { DatasetRef } from "../../../../core/program/dataset_ref.ts";
import { flow } from "../../../../core/program/flow.ts";
import { PlanCache, type PlannedExecution } from "../../../../net/driver/executor/plan_cache.ts";

interface Params {
  readonly left: DatasetInput<[number, number]>;
  readonly right: DatasetInput<[number, number]>;
  readonly by: number;
  readonly limit: number;
}

const joined = flow("joined-and-cut", (f, p: Params) =>
  f
    .from(p.left)
    .join(f.from(p.right))
    .mapValues(([a, b]) => a * p.by + b)
    .limit(p.limit),
);

const ref = (id: string, bytes = 1e9) => new DatasetRef<[number, number]>({ id, shards: 3, rows: 10, bytes });
const ROOM = { slots: 4, memoryBytes: 2 ** 30 };

function plan(cache: PlanCache, changes: Partial<Params> = {}, room = ROOM): Promise<PlannedExecution> {
  const params = { left: ref("a"), right: ref("b"), by: 1, limit: 5, ...changes };
  return cache.plan(buildGraph(joined, params).graph, room, new Map());
}

const datasetsIn = ({ plan }: PlannedExecution) => [
  ...new Set([...JSON.stringify(plan).matchAll(/"dataset":"(\w+)"/g)].map(([, id]) => id)),
];

describe("PlanCache", () => {
  test("plan() gives the plan of an earlier turn for other datasets and parameters that closures see", async () => {
    const cache = new PlanCache();
    const first = await plan(cache);
    const second = await plan(cache, { left: ref("c"), right: ref("d"), by: 2 });
    expect(second.template).toBe(first.template);
    expect([datasetsIn(first), datasetsIn(second)]).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    expect(cache.size).toBe(1);
    // In the other order, too: what was left is right now.
    expect(datasetsIn(await plan(cache, { left: ref("d"), right: ref("c") }))).toEqual(["d", "c"]);
  });

  test("plan() plans anew for another graph, other sizes, another number of workers, or one dataset twice", async () => {
    const cache = new PlanCache();
    const first = await plan(cache);
    const others = [
      await plan(cache, { limit: 6 }),
      await plan(cache, { right: ref("b", 10) }),
      await plan(cache, { right: ref("a") }),
    ];
    await plan(cache, {}, { ...ROOM, slots: 7 });
    for (const { template } of others) expect(template.id).not.toBe(first.template.id);
    expect(cache.size).toBe(5);
  });

  test("plan() keeps a bounded number of plans", async () => {
    const cache = new PlanCache();
    for (let limit = 1; limit <= 300; limit++) await plan(cache, { limit });
    expect(cache.size).toBe(128);
  });
});
