/** Looking at jobs of a real cluster and ending them, from the command line: status, jobs, logs, cancel, doctor. */
import { afterAll, describe, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";
import { type Finished, LUCIOLE } from "./executable.ts";

/** Its tasks say that they have begun, and wait to be ended. */
const ENDLESS = `
import { flow, run } from "luciole";
const endless = flow("endless", (f) => f.generate(2, async function* (shard) {
  console.log("shard", shard, "has begun");
  for (;;) yield await new Promise((resolve) => setTimeout(resolve, 20, shard));
}).count());
await run(async (job) => console.log(await (await job.execute(endless)).collect()));
`;
const SMALL = `
import { flow, run } from "luciole";
const sum = flow("sum", (f) => f.range(10).sum());
await run(async (job) => console.log(JSON.stringify(await (await job.execute(sum)).collect()), job.workers));
`;

const FAILING = `
import { flow, run } from "luciole";
const strict = flow("strict", (f) => f.range(10).map((n) => { if (n === 7) throw new RangeError(n + " is too much"); return n; }));
await run(async (job) => job.execute(strict));
`;

const DEADLINE_MS = 30_000;
const cluster = await Cluster.open({
  agents: 2,
  slots: 1,
  files: { "failing.ts": FAILING, "endless.ts": ENDLESS, "small.ts": SMALL },
});
afterAll(() => cluster[Symbol.asyncDispose]());
const luciole = (...args: readonly string[]) =>
  cluster.folder.run([LUCIOLE, ...args], { env: { LUCIOLE_MASTER: cluster.address, USER: "ann" } });

/** Masters and agents are told of what happens a moment later. @returns What is printed once it matches. */
async function shown(args: readonly string[], pattern: RegExp): Promise<string> {
  for (const deadline = performance.now() + DEADLINE_MS; ; ) {
    const { stdout } = await luciole(...args);
    if (pattern.test(stdout)) return stdout;
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${pattern} in:\n${stdout}`);
  }
}

/** Runs the endless program; `act` may look at it once both of its tasks have begun, and must end it. */
async function whileRunning(act: (job: string) => Promise<void>): Promise<Finished> {
  const begun = Promise.withResolvers<void>();
  const running = cluster.run(["endless.ts"], {
    env: { USER: "bob" },
    onText: { text: "shard 1 has begun", act: () => begun.resolve() },
  });
  await Promise.race([begun.promise, running]);
  await shown(["logs", "endless"], /shard 0 has begun/);
  const [job] = JSON.parse((await luciole("jobs", "--json")).stdout);
  await act(job.job);
  return running;
}

describe("a cluster's commands", () => {
  test("show agents, and that no job runs", async () => {
    const { code, stdout } = await luciole("status");
    expect(code).toBe(0);
    expect(stdout).toStartWith(`Master m1 at ${cluster.address}, version `);
    expect(stdout).toContain("2 agents, 2 of 2 slots free");
    expect(stdout).toMatch(/^a0 .* alive .* 1\/1 /m);
    expect((await luciole("jobs")).stdout).toBe("No jobs.\n");
  });

  test("end without a word when nobody reads what they print", async () => {
    for (const verb of ["status", "jobs", "help", "--help"]) {
      const unread = `{ "${LUCIOLE}" ${verb}; echo "exit $?" >&2; } | true`;
      const { stderr } = await cluster.folder.run(["bash", "-c", unread], {
        env: { LUCIOLE_MASTER: cluster.address },
      });
      expect({ verb, stderr }).toEqual({ verb, stderr: "exit 0\n" });
    }
  });

  test("doctor finds nothing wrong", async () => {
    const findings = JSON.parse((await luciole("doctor", "--json")).stdout);
    const own = findings.filter(({ check }: { check: string }) =>
      /^(master|clock|agent|luciole)/.test(check),
    );
    expect(own.filter(({ isOk }: { isOk: boolean }) => !isOk)).toEqual([]);
    expect(own.length).toBe(5);
  });

  test("show a job and what it prints, and cancel it: its driver says by whom", async () => {
    const finished = await whileRunning(async (job) => {
      await shown(["jobs"], new RegExp(`^${job} +endless +(starting|running) +2 +2 .* bob@`, "m"));
      const logs = await luciole("logs", "endless");
      expect(logs.stdout).toMatch(/^\d\d:\d\d:\d\d \[worker 0\] shard [01] has begun$/m);
      expect(logs.stdout).toMatch(/^\d\d:\d\d:\d\d \[worker 1\] shard [01] has begun$/m);
      const refused = await cluster.run(["--no-wait", "small.ts"]);
      expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 1, stdout: "" });
      expect(refused.stderr).toMatch(/^error: .*\n$/);
      const cancelled = await luciole("cancel", job.slice(0, 8));
      expect(cancelled).toEqual({
        code: 0,
        stdout: `Cancelled job ${job} (endless) on 2 agents\n`,
        stderr: "",
      });
    });
    expect({ code: finished.code, stdout: finished.stdout }).toEqual({ code: 1, stdout: "" });
    const [last] = finished.stderr.trimEnd().split("\n").slice(-1);
    expect(last).toMatch(/^error: Job j\w+ was cancelled by ann@\S+ with luciole cancel$/);
    expect(finished.stderr).not.toContain("warning");
    await cluster.settled();
    const stdout = await shown(["jobs"], /^j\w+ +endless +cancelled +2 .* bob@/m);
    expect(stdout).toMatch(/^j\w+ \(endless\) cancelled: it was cancelled by ann@\S+ with luciole cancel$/m);
    const late = await luciole("cancel", "endless");
    expect(late).toMatchObject({ code: 0, stderr: "" });
    expect(late.stdout).toMatch(/^Job j\w+ \(endless\) has ended already: cancelled$/m);
  });

  test("tell how jobs ended, and of one that failed the first cause", async () => {
    const failed = await cluster.run(["failing.ts"]);
    const [cause = "", ...details] = failed.stderr.trimEnd().split("\n");
    expect(cause).toMatch(
      /^error: Cannot run map at \S*failing\.ts:3: shard 1, row \d+: RangeError: 7 is too much \(on agent a\d of host \S+\)$/,
    );
    await cluster.settled();
    const stdout = await shown(["jobs"], /^j\w+ +failing +failed +2 /m);
    expect(stdout).toContain(` (failing) failed: ${cause.slice("error: ".length)}\n${details.join("\n")}`);
  });

  test("a job goes on a cluster whose jobs were cancelled", async () => {
    expect(await cluster.run(["small.ts"])).toEqual({ code: 0, stdout: "[45] 2\n", stderr: "" });
  });
});
