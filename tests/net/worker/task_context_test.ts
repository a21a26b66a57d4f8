/** What user code may do with its context, mistakes included, on a whole cluster. */
import { describe, expect, test } from "bun:test";
import type { TaskContext } from "../../../core/exec/context.ts";
import { flow } from "../../../core/program/flow.ts";
import { Cluster } from "../../oracle/cluster.ts";
import { soon } from "../../oracle/until.ts";

const uses: ((context: TaskContext) => void)[] = [];
const probing = flow("task-context", (f, p: { use: number }) =>
  f.range(3, { shards: 2 }).tap((_, context) => uses[p.use](context)),
);

async function use(cluster: Cluster, body: (context: TaskContext) => void) {
  return await soon("the execution", cluster.job.start(probing, { use: uses.push(body) - 1 }).done);
}

describe("TaskContext", () => {
  test("sendToDriver() of what cannot travel fails the task, not its worker", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    const sent = use(cluster, (context) => context.sendToDriver({ items: [() => 1] }));
    await expect(sent).rejects.toThrow(/Cannot encode a value: value\.items\[0\] is a function/);
    expect(cluster.logged).toEqual([]);
  });

  test("count() sums counters of any name, and takes numbers only", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    const { counters } = await use(cluster, (context) => {
      context.count("toString");
      context.count("constructor", 0.5);
    });
    expect(counters).toEqual({ toString: 3, constructor: 1.5 } as never);
    const mistake = use(cluster, (context) => context.count("rows", "1" as never));
    await expect(mistake).rejects.toThrow("by must be a number, got string");
  });
});
