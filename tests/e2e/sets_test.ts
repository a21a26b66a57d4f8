/** Sets of workers, metagraphs and the ends of jobs on real processes: C2, C6, C13, C14. */
import { afterEach, describe, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";
import { LUCIOLE } from "./executable.ts";

const FLOWS = `
  import { type DatasetInput, flow, run } from "luciole";
  const performed = flow("performed", (f, p: { shards: number; rows?: DatasetInput<number> }) => {
    const rows = f.generate(p.shards, async function* (_, ctx) { yield ctx.worker; });
    return p.rows === undefined ? rows : rows.union(f.from(p.rows).map((_, ctx) => ctx.worker));
  });
`;

const files = {
  "sets.ts": `${FLOWS}
    await run(async (job) => {
      const told: string[] = [];
      for (const workers of [[1], [0, 3], [2, 3], [0, 1, 2, 3]]) {
        const rows = await job.execute(performed, { shards: 9 }, { workers });
        const read = await job.execute(performed, { shards: 5, rows }, { workers });
        const found = new Set([...(await rows.collect()), ...(await read.collect())]);
        told.push([...found].every((worker) => workers.includes(worker)) ? "only" : "others " + [...found]);
        rows.release();
      }
      const { b, c } = await job.metagraph({
        a: { flow: performed, params: { shards: 2 }, workers: 4 },
        b: { flow: performed, inputs: { rows: "a" }, params: { shards: 3 }, workers: 2 },
        c: { flow: performed, inputs: { rows: "a" }, params: { shards: 3 }, workers: 2 },
      }).run();
      const [left, right] = [new Set(await b.collect()), new Set(await c.collect())];
      const refused = await job.execute(performed, { shards: 1 }, { workers: 5 }).catch((error) => error.message);
      console.log(JSON.stringify([told, left.isDisjointFrom(right), refused]));
    });
  `,
  "close_twice.ts": `${FLOWS}
    await run(async (job) => {
      await job.execute(performed, { shards: 2 });
      await Promise.all([job.close(), job.close()]);
      await job.close();
      console.log(await job.execute(performed, { shards: 1 }).catch((error) => error.message));
    });
  `,
  "driver_throws.ts": `${FLOWS}
    const endless = flow("endless", (f) => f.generate(4, async function* (shard, ctx) {
      ctx.sendToDriver("at work");
      await new Promise(() => undefined);
      yield shard;
    }));
    await run(async (job) => {
      const begun = new Promise((resolve) => job.on("workerMessage", resolve));
      job.start(endless);
      await begun;
      throw new RangeError("the driver gives up");
    });
  `,
  "goes_on.ts": `${FLOWS}
    const broken = flow("broken", (f) => f.range(8, { shards: 4 }).map((n) => {
      if (n === 5) throw new RangeError("no fives");
      return n;
    }));
    await run(async (job) => {
      const error = await job.execute(broken).catch((cause) => cause);
      const rows = await job.execute(performed, { shards: 6 });
      console.log(JSON.stringify([error.code, error.fields.shard, /goes_on.ts:\\d+/.test(error.message), await rows.count()]));
    });
  `,
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function open(): Promise<Cluster> {
  const cluster = await Cluster.open({ agents: 2, slots: 2, files });
  closing.push(() => cluster[Symbol.asyncDispose]());
  return cluster;
}

describe("on real processes", () => {
  test("C2, C4, C6: sets and metagraphs run where they are to, on a cluster and on one machine", async () => {
    const cluster = await open();
    const wanted = [
      ["only", "only", "only", "only"],
      true,
      'Cannot execute flow "performed": it asks for 5 workers, and 4 of the job\'s 4 workers are free',
    ];
    const remote = await cluster.run(["sets.ts"], { env: { LUCIOLE_WORKERS: "4" } });
    expect([remote.stderr, remote.stdout]).toEqual(["", `${JSON.stringify(wanted)}\n`]);
    const local = await cluster.runLocally(["sets.ts"], 4);
    expect(JSON.parse(local.stdout)).toEqual(wanted);
  }, 60_000);

  test("C13: the driver goes on after a user's exception", async () => {
    const cluster = await open();
    for (const ended of [await cluster.run(["goes_on.ts"]), await cluster.runLocally(["goes_on.ts"])]) {
      expect(JSON.parse(ended.stdout)).toEqual(["task", 2, true, 6]);
    }
  }, 60_000);

  test("C14: close is idempotent, and nothing can be begun after it", async () => {
    const cluster = await open();
    for (const ended of [
      await cluster.run(["close_twice.ts"]),
      await cluster.runLocally(["close_twice.ts"]),
    ]) {
      expect(ended).toMatchObject({ code: 0, stdout: "Cannot use the job: it is closed\n" });
    }
    await cluster.settled();
  }, 60_000);

  test("C14: a driver that throws marks the job failed and stops its workers", async () => {
    const cluster = await open();
    const failed = await cluster.run(["driver_throws.ts"]);
    expect(failed.code).not.toBe(0);
    expect(failed.stderr).toContain("the driver gives up");
    // Nothing of it is left on any agent: neither workers nor files.
    await cluster.settled();
    const env = { LUCIOLE_MASTER: cluster.address };
    const jobs = await cluster.folder.run([LUCIOLE, "jobs", "--json"], { env });
    expect(jobs.stdout).toMatch(/failed/);
    expect(jobs.stdout).toContain("the driver gives up");
    const local = await cluster.runLocally(["driver_throws.ts"]);
    expect(local.code).not.toBe(0);
    await cluster.settled();
  }, 60_000);
});
