/** Messages between a driver and its workers as real processes: listeners that block, workers that crash. */
import { afterEach, describe, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";

const LIMIT_MS = 120_000;

const files = {
  "block.ts": `
    import { flow, run } from "luciole";
    const block = (ms: number) => { for (const end = performance.now() + ms; performance.now() < end; ); };
    const talking = flow("talking", (f) => f.generate(2, async function* (_, ctx) {
      const ended = new Promise((resolve) => ctx.on<string>("driverMessage", (message) => {
        if (message === "end") resolve(message);
        else if (message !== "block") return;
        else if (ctx.worker === 0) block(5_000);
        ctx.sendToDriver(message);
      }));
      ctx.sendToDriver("ready");
      yield await ended;
    }));
    await run(async (job) => {
      const told: string[] = [];
      let ready = 0;
      job.on<string>("workerMessage", (message, worker) => {
        told.push(message + worker);
        if (message === "ready" && ++ready === 2) job.messenger.broadcast("block");
        // All have done it: now the driver's own listener blocks.
        if (told.filter((each) => each.startsWith("block")).length < 2 || told.includes("driver")) return;
        told.push("driver");
        job.messenger.broadcast("end");
        block(5_000);
      });
      const rows = await (await job.execute(talking)).collect();
      console.log(JSON.stringify({ rows, told: told.filter((each) => !each.startsWith("ready")) }));
    });
  `,
  "crash.ts": `
    import { existsSync, writeFileSync } from "node:fs";
    import { flow, run } from "luciole";
    const listening = flow("listening", (f, p: { mark: string }) => f.generate(1, async function* (_, ctx) {
      const heard: (number | string)[] = [];
      await new Promise<void>((resolve) => ctx.on<number | string>("driverMessage", (message) => {
        if (message === "die" && !existsSync(p.mark)) {
          writeFileSync(p.mark, "");
          process.kill(process.pid, "SIGKILL");
        }
        heard.push(message);
        if (message === 5) ctx.sendToDriver("heard five");
        if (message === 9) resolve();
      }));
      yield heard;
    }));
    await run(async (job) => {
      job.on<string>("workerMessage", async () => {
        if (existsSync(job.args[0])) return;
        await job.messenger.broadcast("die");
        for (const n of [6, 7, 8, 9]) await job.messenger.broadcast(n);
      });
      for (const n of [0, 1, 2, 3, 4, 5]) await job.messenger.broadcast(n);
      const [heard] = await (await job.execute(listening, { mark: job.args[0] })).collect();
      console.log(JSON.stringify(heard.filter((each) => each !== "die")));
    });
  `,
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function open(agents: number): Promise<Cluster> {
  const cluster = await Cluster.open({ agents, files });
  closing.push(() => cluster[Symbol.asyncDispose]());
  return cluster;
}

describe("messages between real processes", () => {
  test(
    "M5: listeners that block for 5 s, of a worker and of the driver, stop no heartbeat, lease or other message",
    async () => {
      const cluster = await open(2);
      for (const ended of [
        await cluster.run(["--lease", "10s", "block.ts"]),
        await cluster.runLocally(["block.ts"]),
      ]) {
        expect(ended).toMatchObject({ code: 0, stderr: "" });
        const { rows, told } = JSON.parse(ended.stdout);
        expect(rows).toEqual(["end", "end"]);
        // Worker 1 answers while worker 0 is blocked.
        expect(told.slice(0, 3)).toEqual(["block1", "block0", "driver"]);
        expect(told.slice(3).toSorted()).toEqual(["end0", "end1"]);
      }
    },
    LIMIT_MS,
  );

  test(
    "M6: what a worker did not hear before it crashed, the one in its place hears, in order",
    async () => {
      const cluster = await open(1);
      const ends = [
        await cluster.run(["--workers", "1", "crash.ts", "died-there"]),
        await cluster.runLocally(["crash.ts", "died-here"], 1),
      ];
      for (const { code, stdout } of ends) {
        expect(code).toBe(0);
        const heard: number[] = JSON.parse(stdout);
        // What was heard shortly before the crash may come again; nothing is left out.
        expect(heard[0]).toBeLessThanOrEqual(6);
        expect(heard).toEqual(Array.from({ length: 10 - heard[0] }, (_, i) => heard[0] + i));
      }
    },
    LIMIT_MS,
  );
});
