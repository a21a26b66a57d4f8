/** Detached drivers with --checkpoint, as processes: when their agents die, other agents start them again. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DetachedCluster } from "./detached_cluster.ts";
import { LUCIOLE } from "./executable.ts";

const FILES = {
  "again.ts": `import { existsSync } from "node:fs";
    import { flow, run } from "luciole";
    const sum = flow("sum", (f, p: { n: number }) => f.range(p.n).sum());
    await run(async (job) => {
      console.log("run", process.env.LUCIOLE_RESUME ?? "first");
      const [first] = await (await job.execute(sum, { n: 100 })).collect();
      console.log("first", first);
      while (!existsSync(job.args[0])) await new Promise((resolve) => setTimeout(resolve, 20));
      console.log("second", ...(await (await job.execute(sum, { n: first })).collect()));
    });`,
};

const DEADLINE_MS = 60_000;

/** What an agent has of its driver's output is gone with it: it must have been shown before. */
async function shown(path: string, text: string): Promise<void> {
  for (const deadline = performance.now() + DEADLINE_MS; ; ) {
    const seen = readFileSync(path, "utf8");
    if (seen.includes(text)) return;
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${text} in:\n${seen}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("a driver with --checkpoint survives its agents: others go on with it, and who is attached sees it to its end", async () => {
  await using own = await DetachedCluster.open({ agents: 3, slots: 1, files: FILES });
  const path = join(own.cluster.folder.path, "go");
  const kept = join(own.cluster.folder.path, "kept");
  const job = await own.submit(["--checkpoint", "kept", "again.ts", path]);
  const seen = join(own.cluster.folder.path, "seen");
  writeFileSync(seen, "");
  const attached = own.command(["sh", "-c", `exec "${LUCIOLE}" attach ${job} >>seen`]);
  const logged = own.luciole(["logs", "-f", job]);
  const lines = (run: number): string => `run first\nfirst 4950\n${"run true\nfirst 4950\n".repeat(run - 1)}`;
  for (const run of [1, 2]) {
    const at = await own.listed(job, (seen) => seen.state === "running" && seen.detached?.run === run);
    const agent = own.cluster.agent(at.detached?.agent ?? "");
    await shown(seen, lines(run));
    await agent.end("SIGKILL");
    // One that is lost, and one that comes again at once and knows of nothing.
    if (run === 2) await own.cluster.startAgent(agent.name);
  }
  await own.listed(job, (seen) => seen.state === "running" && seen.detached?.run === 3);
  writeFileSync(path, "");
  const { code, stderr } = await attached;
  expect({ code, stdout: readFileSync(seen, "utf8") }).toEqual({
    code: 0,
    stdout: `${lines(3)}second 12248775\n`,
  });
  // Of the runs before it shows what it had read when their agents died.
  expect(await logged).toMatchObject({ code: 0, stdout: expect.stringContaining("\nsecond 12248775\n") });
  expect(stderr).not.toContain("fetch()");
  expect(stderr).toMatch(/\(job j\w+ was started again on agent a[012]\)/);
  expect(stderr).toContain("where 1 execution ended well");
  expect(await own.listed(job, () => true)).toMatchObject({ state: "succeeded", detached: { run: 3 } });
  expect(readdirSync(kept)).toEqual(["log.cborseq"]);
});

test("what drivers printed and how they ended outlives their agent's process", async () => {
  await using own = await DetachedCluster.open({ agents: 1, slots: 1, files: FILES });
  const go = join(own.cluster.folder.path, "go");
  writeFileSync(go, "");
  const ended = await own.submit(["again.ts", go]);
  await own.listed(ended, ({ state }) => state === "succeeded");
  const killed = await own.submit(["again.ts", join(own.cluster.folder.path, "never")]);
  await own.reads(killed, "first 4950\n");
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    await own.cluster.agent("a0").end(signal);
    await own.cluster.startAgent("a0");
    await own.listed(ended, ({ state }) => state === "succeeded");
    const { cause } = await own.listed(killed, ({ state }) => state === "failed");
    expect(cause).toBe("its driver's agent a0 was started anew");
    expect(await own.luciole(["attach", ended])).toMatchObject({
      code: 0,
      stdout: "run first\nfirst 4950\nsecond 12248775\n",
    });
    expect(await own.luciole(["attach", killed])).toMatchObject({
      code: 1,
      stdout: "run first\nfirst 4950\n",
    });
    expect((await own.luciole(["logs", "-f", killed])).stdout).toBe("run first\nfirst 4950\n");
    expect((await own.luciole(["cancel", killed])).stdout).toContain("has ended already: failed");
  }
}, 120_000);

test("an agent that stands still loses its driver to another, and never two go on at once", async () => {
  await using own = await DetachedCluster.open({ agents: 3, slots: 1, files: FILES });
  const path = join(own.cluster.folder.path, "go");
  const job = await own.submit(["--checkpoint", "kept", "again.ts", path]);
  const first = await own.listed(job, ({ state }) => state === "running");
  await own.reads(job, "first 4950\n");
  const still = own.cluster.agent(first.detached?.agent ?? "");
  still.child.kill("SIGSTOP");
  try {
    await own.listed(job, (seen) => seen.state === "running" && seen.detached?.run === 2);
    await own.reads(job, "first 4950\n");
  } finally {
    still.child.kill("SIGCONT");
  }
  writeFileSync(path, "");
  const { code, stdout } = await own.luciole(["attach", job]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "run true\nfirst 4950\nsecond 12248775\n" });
  expect(await own.listed(job, () => true)).toMatchObject({ state: "succeeded", detached: { run: 2 } });
});

test("cancelling a driver that is guarded ends it for good", async () => {
  await using own = await DetachedCluster.open({ agents: 2, slots: 1, files: FILES });
  const job = await own.submit(["--checkpoint", "kept", "again.ts", join(own.cluster.folder.path, "never")]);
  await own.listed(job, ({ state }) => state === "running");
  expect((await own.luciole(["cancel", job])).code).toBe(0);
  expect(await own.listed(job, () => true)).toMatchObject({ state: "cancelled", detached: { run: 1 } });
  await own.cluster.settled();
});

test("an agent that is stopped hands its driver over, and the executable that it runs", async () => {
  await using own = await DetachedCluster.open({ agents: 2, slots: 1, files: FILES });
  const path = join(own.cluster.folder.path, "go");
  expect((await own.luciole(["compile", "again.ts"])).code).toBe(0);
  const submitted = await own.command(["./again", "--detach", "--checkpoint", "kept", path]);
  const job = submitted.stdout.trim();
  const first = await own.listed(job, ({ state }) => state === "running");
  await own.reads(job, "first 4950\n");
  expect(await own.cluster.agent(first.detached?.agent ?? "").end("SIGTERM")).toBe(0);
  await own.listed(job, (seen) => seen.state === "running" && seen.detached?.run === 2);
  writeFileSync(path, "");
  expect((await own.luciole(["attach", job])).code).toBe(0);
});
