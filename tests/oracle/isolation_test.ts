/** C12 to C14: jobs beside each other, what an exception of user code leaves for its siblings and its driver, and closed jobs. */
import { describe, expect, test } from "bun:test";
import { TaskError } from "../../core/errors.ts";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import { ROUTES } from "../../net/protocol.ts";
import { Cluster } from "./cluster.ts";
import { soon, until } from "./until.ts";

const made = flow("isolation-made", (f, p: { by: number }) =>
  f.range(40, { shards: 4 }).map((n) => [n % 5, n * p.by]),
);
const summed = flow("isolation-summed", (f, p: { rows: DatasetInput<number[]> }) =>
  f
    .from(p.rows)
    .map(([key, n]) => [key, n] as [number, number])
    .reduceByKey((a, b) => a + b)
    .sortByKey(),
);

let stopped = 0;
let running = 0;
const broken = flow("isolation-broken", (f, p: { shards: number }) =>
  f.generate(p.shards, async function* (shard, ctx) {
    if (shard === 1) {
      await until("siblings run", () => running === p.shards - 1);
      throw new RangeError(`no rows in shard ${shard}`);
    }
    running += 1;
    await new Promise<void>((resolve) => ctx.signal.addEventListener("abort", () => resolve()));
    stopped += 1;
    yield shard;
  }),
);

describe("C12", () => {
  test("two jobs with the same names do not interfere, whatever one of them does", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2, jobs: 2 });
    const runs = Array.from({ length: 10 }, async (_, i) => {
      const job = cluster.jobs[i % 2];
      const rows = await job.execute(made, { by: i + 1 }, i % 3 === 0 ? { workers: [i % 4] } : {});
      const sums = await job.execute(summed, { rows });
      const plain = [0, 1, 2, 3, 4].map((key) => [
        key,
        Array.from({ length: 40 }, (__, n) => (n % 5 === key ? n * (i + 1) : 0)).reduce((a, b) => a + b),
      ]);
      expect(await sums.collect()).toEqual(plain as [number, number][]);
      if (i % 4 === 0) rows.release();
    });
    await Promise.all(runs);
    const metagraph = { a: { flow: made, params: { by: 3 } }, b: { flow: summed, inputs: { rows: "a" } } };
    const both = await Promise.all(cluster.jobs.map((job) => job.metagraph(metagraph).run()));
    expect(await both[0].b.collect()).toEqual(await both[1].b.collect());
    // What the first one leaves, the second one keeps.
    const kept = await cluster.jobs[1].execute(made, { by: 1 });
    await cluster.jobs[0].close();
    expect(await kept.count()).toBe(40);
    expect((await (await cluster.jobs[1].execute(summed, { rows: kept })).collect()).length).toBe(5);
    expect(cluster.logged).toEqual([]);
  }, 60_000);
});

describe("C13", () => {
  test("a user's exception fails the execution with task, stack and line, siblings stop, the driver goes on", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    running = 0;
    stopped = 0;
    const failing = cluster.job
      .execute(broken, { shards: 4 }, { retries: 0 })
      .catch((cause: unknown) => cause);
    await until("siblings run", () => running === 3);
    const thrownAt = performance.now();
    const error: unknown = await soon("the failure", failing);
    expect(error).toBeInstanceOf(TaskError);
    if (!(error instanceof TaskError)) return;
    // A second, and more where the machine has other work.
    expect(performance.now() - thrownAt).toBeLessThan(5_000);
    expect(stopped).toBe(3);
    expect(error.message).toContain("no rows in shard 1");
    expect(error.message).toMatch(/generate at .*isolation_test\.ts:\d+/);
    expect(error.fields).toMatchObject({ shard: 1, group: 0, task: 1 });
    expect(error.cause).toMatchObject({ message: "no rows in shard 1" });
    expect((error.cause as Error).stack).toMatch(/isolation_test\.ts:\d+/);
    const again = await cluster.job.execute(summed, { rows: await cluster.job.execute(made, { by: 1 }) });
    expect((await again.collect()).length).toBe(5);
  });
});

describe("C14", () => {
  test("close() any number of times ends the job once, and nothing can be begun after it", async () => {
    const asked: string[] = [];
    await using cluster = await Cluster.open({ agents: 2, slots: 1, onBytes: (_, path) => asked.push(path) });
    const { job } = cluster;
    const rows = await job.execute(made, { by: 1 });
    asked.length = 0;
    await Promise.all([job.close(), job.close()]);
    await job.close();
    // Once at each agent.
    expect(asked.filter((path) => path.split("?")[0] === ROUTES.job("oracle0"))).toHaveLength(2);
    expect(() => job.start(made, { by: 1 })).toThrow("Cannot use the job: it is closed");
    await expect(rows.collect()).rejects.toThrow("its job is closed");
    expect(cluster.files()).toEqual([]);
  });
});
