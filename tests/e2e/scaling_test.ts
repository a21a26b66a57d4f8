/** Jobs on real processes whose workers come and go: by the program's wish, by its load, and in the place of lost ones. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";

const scaling = `
import { flow, run } from "luciole";
const numbers = flow("numbers", (f) => f.range(1000, { shards: 6 }));
const sums = flow("sums", (f, p: { rows: never }) => f.from<number>(p.rows).keyBy((n) => n % 3).reduceByKey((a, b) => a + b).sortByKey());
const who = flow("who", (f, p: { tasks: number }) => f.generate(p.tasks, async function* (_, ctx) {
  const told = new Promise((resolve) => ctx.on("driverMessage", resolve));
  ctx.sendToDriver("here");
  await told;
  yield ctx.worker;
}));
await run(async (job) => {
  const epochs: number[] = [];
  job.on("allWorkersJoined", (workers, epoch) => epochs.push(epoch * 100 + workers.length));
  let here = 0;
  const workers = async (tasks: number) => {
    here = 0;
    const rows = await (await job.execute(who, { tasks })).collect();
    return rows.toSorted((a, b) => a - b).join(" ");
  };
  job.on("workerMessage", () => {
    if (++here === job.workers) void job.messenger.broadcast("go");
  });
  const rows = await job.execute(numbers);
  console.log(job.workers, await workers(job.workers));
  console.log(await job.scaler.scaleUp(2), job.workers, await workers(job.workers));
  console.log(await job.scaler.scaleUp(100), job.workers);
  console.log(JSON.stringify(await (await job.execute(sums, { rows: rows as never })).collect()));
  console.log(await job.scaler.scaleDown(3), job.workers, await workers(job.workers));
  console.log(JSON.stringify(await (await job.execute(sums, { rows: rows as never })).collect()));
  console.log(await job.scaler.scaleUp(1), job.workers, await workers(job.workers));
  console.log(epochs.join(" "));
});
`;
const SUMS = "[[0,166833],[1,166167],[2,166500]]";

/** Each task takes a fifth of a second, and says so when it begins; says at the end how many workers there are. */
const slow = `
import { flow, run } from "luciole";
const sums = flow("sums", (f) => f.range(60, { shards: 60 })
  .map((n) => {
    console.log("at work;");
    for (const end = performance.now() + 200; performance.now() < end; );
    return n;
  })
  .keyBy((n) => n % 3)
  .reduceByKey((a, b) => a + b)
  .sortByKey());
await run(async (job) => {
  const rows = await (await job.execute(sums)).collect();
  console.log(JSON.stringify(rows), job.workers, job.epoch);
});
`;
const cluster = await Cluster.open({
  agents: 3,
  slots: 2,
  files: { "scaling.ts": scaling, "slow.ts": slow },
});
afterAll(() => cluster[Symbol.asyncDispose]());
afterEach(() => cluster.settled());

const EXPECTED = [
  "2 0 1",
  "true 4 0 1 2 3",
  "false 4",
  SUMS,
  "true 1 0",
  SUMS,
  // Numbers that were taken for a start without room are not used again.
  expect.stringMatching(/^true 2 0 \d+$/),
  "102 204 301 402",
];

test("S2 S3 S4: workers are added on agents that are new to the job, and removed", async () => {
  const { code, stdout, stderr } = await cluster.run(["--workers", "2", "scaling.ts"]);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining("cannot scale up by 100: there is no room for "),
  });
  expect(stdout.trimEnd().split("\n")).toEqual(EXPECTED as string[]);
}, 60_000);

test("S2 S3 S4: the same on one machine", async () => {
  const { code, stdout, stderr } = await cluster.runLocally(["scaling.ts"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("cannot scale up by 100: ") });
  expect(stdout.trimEnd().split("\n")).toEqual(EXPECTED as string[]);
}, 60_000);

test("S1: with --fixed the number of workers stays", async () => {
  const { code, stdout } = await cluster.run(["--workers", "2", "--fixed", "scaling.ts"]);
  expect(code).toBe(0);
  expect(stdout.split("\n")[1]).toBe("false 2 0 1");
}, 60_000);

test("F1: workers that were lost with their agent are replaced by others", async () => {
  let isKilled = false;
  const act = (): void => {
    if (isKilled) return;
    isKilled = true;
    cluster.agent("a1").child.kill("SIGKILL");
  };
  const { code, stdout, stderr } = await cluster.run(["--workers", "4", "slow.ts"], {
    onText: { text: "at work;", act },
  });
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining("of the lost workers are replaced, on "),
  });
  expect(stdout).toMatch(/^\[\[0,570\],\[1,590\],\[2,610\]\] 4 \d\n$/);
  await cluster.agent("a1").end("SIGKILL");
  await cluster.startAgent("a1");
}, 60_000);
