/** Drivers, masters and agents that end in the midst of a job on a cluster: the right result or one clear line, and nothing left. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Cluster } from "./cluster.ts";

/** Each task takes a fifth of a second, and says so when it begins. */
const slow = (n: number) => `
import { flow, run } from "luciole";
const sums = flow("sums", (f) => f.range(${n}, { shards: ${n} })
  .map((n) => {
    console.log("at work;");
    for (const end = performance.now() + 200; performance.now() < end; );
    return n;
  })
  .keyBy((n) => n % 3)
  .reduceByKey((a, b) => a + b)
  .sortByKey());
await run(async (job) => console.log(JSON.stringify(await (await job.execute(sums)).collect())));
`;
const SUMS = "[[0,63],[1,70],[2,57]]\n";
const files = { "slow.ts": slow(20), "endless.ts": slow(100_000) };
const LEASE = { LUCIOLE_LEASE: "1s" };
const cluster = await Cluster.open({ agents: 3, files });
afterAll(() => cluster[Symbol.asyncDispose]());
afterEach(() => cluster.settled());

/** Once tasks run, in the program's own process. */
const whenAtWork = (act: (pid: number) => void) => ({ onText: { text: "at work;", act } });

const jobsOf = (agent: string): readonly string[] => {
  const jobs = join(cluster.directoryOf(agent), "jobs");
  return existsSync(jobs) ? readdirSync(jobs).filter((name) => !name.endsWith(".sock")) : [];
};

describe("driver", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "%s ends the job everywhere before the driver ends",
    async (signal, expected) => {
      const ended = await cluster.run(
        ["endless.ts"],
        whenAtWork((pid) => process.kill(pid, signal)),
      );
      expect(["a0", "a1", "a2"].flatMap(jobsOf)).toEqual([]);
      expect(ended.code).toBe(expected);
      expect(ended.stderr).toMatch(/^error: (Interrupted|Ended by SIGTERM): the job is cancelled$/m);
    },
    60_000,
  );

  test("F1: killed: its lease ends the job", async () => {
    const kill = whenAtWork((pid) => process.kill(pid, "SIGKILL"));
    await cluster.run(["endless.ts"], { ...kill, env: LEASE });
    await cluster.settled();
    const text = /job j[0-9a-f]+ is ended: nothing was heard of \S+@\S+ for \d+ s/;
    await Promise.any(["a0", "a1", "a2"].map((name) => cluster.agent(name).tells(text)));
  }, 60_000);

  test("is not missed while it only waits", async () => {
    // Longer than its lease, and without a word of its own.
    expect(await cluster.run(["slow.ts"], { env: LEASE })).toMatchObject({ code: 0, stdout: SUMS });
  }, 60_000);
});

describe("master", () => {
  test("F1, F7: killed and started anew under a running job: nothing is noticed", async () => {
    let restarted: Promise<void> | undefined;
    const restart = async (): Promise<void> => {
      await cluster.master.end("SIGKILL");
      await cluster.startMaster();
    };
    const act = (): void => {
      restarted = restart();
    };
    const ended = await cluster.run(["slow.ts"], whenAtWork(act));
    await restarted;
    expect(ended).toMatchObject({ code: 0, stdout: SUMS });
    expect(ended.stderr).not.toContain("warning");
    await cluster.master.tells(/agent a0 .* has come/);
    await cluster.master.tells(/agent a1 .* has come/);
    await cluster.master.tells(/agent a2 .* has come/);
    expect(await cluster.run(["slow.ts"])).toMatchObject({ code: 0, stdout: SUMS });
  }, 60_000);

  test("away: one line names it, and the cause", async () => {
    await cluster.master.end("SIGTERM");
    const { code, stderr } = await cluster.run(["slow.ts"]);
    await cluster.startMaster();
    for (const name of ["a0", "a1", "a2"])
      await cluster.master.tells(new RegExp(`agent ${name} .* has come`));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `error: Cannot use the master at ${cluster.address}: nothing listens there\n`,
    });
  }, 60_000);
});

describe("agent", () => {
  test.each(["SIGKILL", "SIGTERM"] as const)(
    "F1, F2: %s: what it had is computed again elsewhere",
    async (signal) => {
      let ended: Promise<number | null> | undefined;
      const act = (): void => {
        ended = cluster.agent("a1").end(signal);
      };
      const { code, stdout, stderr } = await cluster.run(["slow.ts"], whenAtWork(act));
      await ended;
      expect({ code, stdout }).toEqual({ code: 0, stdout: SUMS });
      expect(stderr).toMatch(/^warning: agent a1 is gone: /m);
      // It deletes what was left when it comes again.
      await cluster.startAgent("a1");
      expect(jobsOf("a1")).toEqual([]);
    },
    60_000,
  );

  test("F5: silent: it is lost after a while, and ends its part of the job when it can be heard again", async () => {
    const agent = cluster.agent("a1").child;
    // Its workers go on, and others read of it.
    const act = (): void => agent.kill("SIGSTOP");
    const { code, stdout, stderr } = await cluster.run(["slow.ts"], { ...whenAtWork(act), env: LEASE });
    agent.kill("SIGCONT");
    expect({ code, stdout }).toEqual({ code: 0, stdout: SUMS });
    // Its tasks ran twice elsewhere, or it was missed.
    expect(stderr).toMatch(/^warning: agent a1 (is gone: |cannot be told that the job is over)/m);
    await cluster.settled();
    await cluster.master.tells(/agent a1 .* is back|agent a1 .* has come/);
    expect(await cluster.run(["slow.ts"])).toMatchObject({ code: 0, stdout: SUMS });
  }, 60_000);

  test("silent when a job comes: it is passed over", async () => {
    const agent = cluster.agent("a1").child;
    agent.kill("SIGSTOP");
    const { code, stdout, stderr } = await cluster.run(["slow.ts"]);
    agent.kill("SIGCONT");
    expect({ code, stdout }).toEqual({ code: 0, stdout: SUMS });
    // Unless the master has missed it before.
    const warning = "agent a1 is passed over: Cannot reach agent a1: it did not answer for 10 s";
    expect(stderr.includes(warning) || !stderr.includes("a1")).toBe(true);
  }, 60_000);

  test("F1: the last one: the job fails and names it", async () => {
    const ends: Promise<number | null>[] = [];
    const names = ["a0", "a1", "a2"];
    const act = (): void => {
      for (const name of names) ends.push(cluster.agent(name).end("SIGKILL"));
    };
    const { code, stderr } = await cluster.run(["endless.ts"], { ...whenAtWork(act), deadlineMs: 130_000 });
    await Promise.all(ends);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: Cannot go on with the job: it has no agent any more; agent a\d is gone: .*nothing listens there$/m,
    );
    for (const name of names) await cluster.startAgent(name);
    // Others are waited for, for a minute.
  }, 150_000);
});
