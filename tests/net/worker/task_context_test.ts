/** What user code may do with its context, mistakes included, on a whole cluster. */
import { describe, expect, test } from "bun:test";
import { LucioleError } from "../../../core/errors.ts";
import type { TaskContext } from "../../../core/exec/context.ts";
import { flow } from "../../../core/program/flow.ts";
import { Cluster } from "../../oracle/cluster.ts";
import { soon, until } from "../../oracle/until.ts";

const uses: ((context: TaskContext) => void)[] = [];
const probing = flow("task-context", (f, p: { use: number }) =>
  f.range(3, { shards: 2 }).tap((_, context) => uses[p.use](context)),
);

async function use(cluster: Cluster, body: (context: TaskContext) => void) {
  return await soon("the execution", cluster.job.start(probing, { use: uses.push(body) - 1 }).done);
}

describe("a task that throws", () => {
  test.each<[string, () => Error, string]>([
    [
      "an error whose fields cannot travel",
      () => new LucioleError("mine", "my own", { fields: { made: (() => 1) as never } }),
      "my own",
    ],
    ["an error with an enormous message", () => new Error("y".repeat(2 ** 28)), "characters more"],
    [
      "an error whose message is no text",
      () => Object.assign(new Error(), { message: { a: 1 } }),
      "[object Object]",
    ],
  ])("%s fails with it, and its worker goes on", async (_, make, message) => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    const failed = use(cluster, (context) => {
      if (context.shard === 1) throw make();
    });
    await expect(failed).rejects.toThrow(message);
    expect(cluster.logged.filter((line) => line.includes("lost"))).toEqual([]);
  });
});

describe("TaskContext", () => {
  test("sendToDriver() of what cannot travel fails the task, not its worker", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    const sent = use(cluster, (context) => context.sendToDriver({ items: [() => 1] }));
    await expect(sent).rejects.toThrow(/Cannot encode a value: value\.items\[0\] is a function/);
    expect(cluster.logged).toEqual([]);
  });

  test("log() of an enormous text is cut, and its worker goes on", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    await use(cluster, (context) => {
      if (context.shard === 0) context.log("x".repeat(2 ** 28));
    });
    await until("the lines are there", () => cluster.logged.length === 2);
    for (const line of cluster.logged) expect(line).toEndWith("x … (268369920 characters more)");
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
