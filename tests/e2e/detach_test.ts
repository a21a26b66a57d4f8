/** Drivers that agents run, as processes: what their clients see of them, and what is left when anybody goes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DetachedCluster } from "./detached_cluster.ts";
import { BUN, LUCIOLE } from "./executable.ts";

const FILES = {
  "words.txt": "to be or not to be that is the question\n".repeat(200),
  "count.ts": `import { flow, run } from "luciole";
    const count = flow("count", (f, p: { path: string }) =>
      f.text(p.path).flatMap((line) => line.split(" ")).countByValue().sortByKey());
    await run(async (job) => {
      const counts = await job.execute(count, { path: job.args[0] ?? "words.txt" });
      for (const [word, n] of await counts.collect()) console.log(word, n);
      console.error("driver of", job.workers, "workers");
      if (job.args[1] === "then") throw new Error("no more words");
    });`,
  "wait.ts": `import { existsSync } from "node:fs";
    import { flow, run } from "luciole";
    const numbers = flow("numbers", (f) => f.range(10));
    await run(async (job) => {
      console.log("begun", await (await job.execute(numbers)).count());
      while (!existsSync(job.args[0])) await new Promise((resolve) => setTimeout(resolve, 20));
      console.log("ended", await (await job.execute(numbers)).count());
    });`,
  "talk.ts": `import { existsSync } from "node:fs";
    import { run } from "luciole";
    await run(async (job) => {
      for (let i = 0; !existsSync(job.args[0]); i++) {
        console.log("line", i);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });`,
  "exit.ts": `import { run } from "luciole";
    await run(async (job) => { process.exit(Number(job.args[0])); });`,
  "lines.ts": `import { run } from "luciole";
    await run(async (job) => {
      for (let i = 0; i < Number(job.args[0]); i++) console.log(i, job.args[1]);
    });`,
};

let detached: DetachedCluster;
const gates: string[] = [];

/** A file that lets wait.ts go on. */
function gate(): string {
  const path = join(detached.cluster.folder.path, `gate-${gates.length}`);
  gates.push(path);
  return path;
}

beforeAll(async () => {
  detached = await DetachedCluster.open({ agents: 2, slots: 2, files: FILES });
});
afterAll(async () => {
  for (const path of gates) writeFileSync(path, "");
  await detached[Symbol.asyncDispose]();
});

describe("luciole run --detach", () => {
  test("C15: prints what the same program prints with its driver at the client", async () => {
    const local = await detached.cluster.run(["count.ts", "words.txt"]);
    const there = await detached.luciole(["run", "--detach", "--follow", "count.ts", "words.txt"]);
    expect(local.stdout).toContain("question 200\n");
    expect({ code: there.code, stdout: there.stdout }).toEqual({ code: 0, stdout: local.stdout });
    expect(there.stderr).toContain("driver of 4 workers\n");
  });

  test("C15: so does a compiled program, and one that Bun runs", async () => {
    const local = await detached.cluster.run(["count.ts"]);
    await detached.luciole(["compile", "count.ts", "--out", "count"]);
    const compiled = await detached.command(["./count", "--detach", "words.txt"]);
    expect(compiled.stdout).toMatch(/^j[0-9a-f]{12}\n$/);
    expect((await detached.luciole(["attach", compiled.stdout.trim()])).stdout).toBe(local.stdout);
    detached.cluster.folder.installPackage();
    const bun = await detached.command([BUN, "count.ts", "--detach"]);
    expect(bun.stdout).toMatch(/^j[0-9a-f]{12}\n$/);
    expect((await detached.luciole(["attach", bun.stdout.trim()])).stdout).toBe(local.stdout);
  });

  test("prints the id alone on stdout, and how to follow it on stderr; with --json both as one object", async () => {
    const { stdout, stderr } = await detached.luciole(["run", "--detach", "count.ts"]);
    expect(stderr).toMatch(/^Job (j\w+) runs on agent a[01]; follow it: luciole attach \1\n$/);
    expect(stderr).toContain(stdout.trim());
    const json = await detached.luciole(["submit", "--json", "count.ts"]);
    expect(JSON.parse(json.stdout)).toEqual({
      job: expect.any(String),
      agent: expect.stringMatching(/^a[01]$/),
    });
    expect(json.stderr).toBe("");
  });

  test.each([
    [["run", "--follow", "count.ts"], "Cannot run with --follow alone: it goes with --detach"],
    [["run", "--detach", "--symmetric", "count.ts"], "Cannot run with --symmetric and --detach"],
    [["submit", "gone.ts"], 'Cannot run "gone.ts": no such file'],
    [["submit", "--rack", "r9", "count.ts"], "the cluster has no agent that may run it"],
  ])("%j is refused", async (args, why) => {
    const { code, stdout, stderr } = await detached.luciole(args);
    expect(code).not.toBe(0);
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: expect.stringContaining(why) });
  });

  test("without a master it says what is missing", async () => {
    const { code, stderr } = await detached.luciole(["submit", "count.ts"], { env: { LUCIOLE_MASTER: "" } });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("driver: --master must say of which cluster"),
    });
  });
});

describe("a client that goes", () => {
  test("leaves its job to go on, and another one that comes gets all that was printed", async () => {
    const path = gate();
    const killed = await detached.luciole(["run", "--detach", "--follow", "wait.ts", path], {
      onText: { text: "begun", act: (pid) => process.kill(pid, "SIGKILL") },
    });
    expect(killed.code).toBeNull();
    const job = /Job (j\w+) runs/.exec(killed.stderr)?.[1] ?? "";
    writeFileSync(path, "");
    expect(await detached.luciole(["attach", job])).toMatchObject({
      code: 0,
      stdout: "begun 10\nended 10\n",
    });
    expect(await detached.listed(job, () => true)).toMatchObject({ state: "succeeded", name: "wait" });
  });

  test("by Ctrl-C says that the job goes on", async () => {
    const path = gate();
    const job = await detached.submit(["wait.ts", path]);
    const left = await detached.luciole(["attach", job], {
      onText: { text: "begun", act: (pid) => process.kill(pid, "SIGINT") },
    });
    expect(left).toMatchObject({ code: 130, stdout: "begun 10\n" });
    expect(left.stderr).toContain(
      `Detached from job ${job}, which goes on: luciole attach ${job} comes back`,
    );
    // A command that is copied reaches the cluster without the variable, too.
    const at = detached.cluster.address;
    const command = `unset LUCIOLE_MASTER; exec "${LUCIOLE}" attach --master ${at} ${job}`;
    const other = await detached.command(["sh", "-c", command], {
      onText: { text: "begun", act: (pid) => process.kill(pid, "SIGINT") },
    });
    expect(other.stderr).toContain(`luciole attach --master ${at} ${job} comes back`);
    expect((await detached.listed(job, () => true)).state).toBe("running");
    const attached = detached.luciole(["attach", "--from-now", job]);
    writeFileSync(path, "");
    expect((await attached).code).toBe(0);
  });
});

describe("luciole attach", () => {
  test.each([0, 1, 7])("ends with the program's exit code, %d", async (code) => {
    const job = await detached.submit(["exit.ts", String(code)]);
    expect((await detached.luciole(["attach", job])).code).toBe(code);
  });

  test("ends as a failing program does, whose first cause luciole jobs shows", async () => {
    const job = await detached.submit(["count.ts", "words.txt", "then"]);
    const { code, stdout, stderr } = await detached.luciole(["attach", job]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("question 200") });
    expect(stderr).toContain("error: no more words\n");
    expect(await detached.listed(job, () => true)).toMatchObject({ state: "failed", cause: "no more words" });
    expect((await detached.luciole(["jobs"])).stdout).toContain(`${job} (count) failed: no more words`);
    const missing = await detached.submit(["count.ts", "nothing.txt"]);
    expect((await detached.luciole(["attach", missing])).code).toBe(3);
  });

  test("says of a job whose driver is at its client, or that nobody knows, that it cannot", async () => {
    expect(await detached.luciole(["attach", "nobody"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Cannot attach to "nobody"'),
    });
  });

  test("names what shows the workers of a job whose driver is at its client", async () => {
    const path = gate();
    const told = Promise.withResolvers<Awaited<ReturnType<DetachedCluster["luciole"]>>>();
    const running = detached.cluster.run(["wait.ts", path], {
      onText: { text: "begun", act: () => void told.resolve(detached.luciole(["attach", "wait"])) },
    });
    const { code, stdout, stderr } = await told.promise;
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const [, job = ""] = /what its workers print: luciole logs -f (j\w+)\n$/.exec(stderr) ?? [];
    expect(stderr).toStartWith(`error: Cannot attach to job ${job}: its driver runs at its client, `);
    expect((await detached.luciole(["logs", job])).code).toBe(0);
    writeFileSync(path, "");
    expect((await running).stdout).toBe("begun 10\nended 10\n");
  });

  test("ends when nobody reads what it shows any more, and the job goes on", async () => {
    const path = gate();
    const job = await detached.submit(["talk.ts", path]);
    const { stdout } = await detached.command(["sh", "-c", `"${LUCIOLE}" attach ${job} | head -n 1`]);
    expect(stdout).toBe("line 0\n");
    expect((await detached.listed(job, ({ state }) => state === "running")).job).toBe(job);
    writeFileSync(path, "");
    await detached.listed(job, ({ state }) => state === "succeeded");
  });

  test("shows thousands of lines byte for byte", async () => {
    const job = await detached.submit(["lines.ts", "20000", "zwölf €"]);
    const { code, stdout } = await detached.luciole(["attach", job]);
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i} zwölf €\n`);
    expect({ code, isSame: stdout === lines.join("") }).toEqual({ code: 0, isSame: true });
    expect((await detached.luciole(["logs", job])).stdout).toBe(stdout);
    const json = await detached.luciole(["logs", "--json", job]);
    const texts = json.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(texts.every(({ stream }) => stream === "stdout")).toBe(true);
  });

  test("keeps the last megabytes of a flood, and says that older ones are gone", async () => {
    const job = await detached.submit(["lines.ts", "300000", "x".repeat(100)]);
    await detached.listed(job, ({ state }) => state === "succeeded");
    const { code, stdout, stderr } = await detached.luciole(["attach", job]);
    expect({ code, end: stdout.slice(-108) }).toEqual({ code: 0, end: `299999 ${"x".repeat(100)}\n` });
    expect(stderr).toMatch(/\(\d+ bytes of older output are not kept any more\)/);
    expect(stdout.length).toBeGreaterThan(8 * 2 ** 20);
    for (const agent of ["a0", "a1"]) {
      expect(sizeOf(join(detached.cluster.directoryOf(agent), "drivers", `${job}-1`))).toBeLessThan(
        17 * 2 ** 20,
      );
    }
  });
});

describe("luciole logs --follow", () => {
  test("goes on until the driver ends", async () => {
    const path = gate();
    const job = await detached.submit(["wait.ts", path]);
    const followed = await detached.luciole(["logs", "-f", job], {
      onText: { text: "begun", act: () => writeFileSync(path, "") },
    });
    expect(followed).toMatchObject({ code: 0, stdout: "begun 10\nended 10\n" });
  });
});

describe("luciole cancel", () => {
  test("ends driver and job, says by whom, and whoever is attached hears so", async () => {
    const job = await detached.submit(["wait.ts", gate()]);
    const attached = detached.luciole(["attach", job], {
      onText: { text: "begun", act: () => void cancelled.resolve(detached.luciole(["cancel", job])) },
    });
    const cancelled = Promise.withResolvers<Awaited<ReturnType<DetachedCluster["luciole"]>>>();
    expect(await cancelled.promise).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Cancelled job j\w+ \(wait\), whose driver was on agent a[01]\n$/),
    });
    const { code, stderr } = await attached;
    expect({ code, stderr }).toEqual({ code: 143, stderr: expect.stringMatching(/was cancelled by .+@.+/) });
    expect(await detached.listed(job, () => true)).toMatchObject({ state: "cancelled", agents: [] });
    expect((await detached.luciole(["cancel", job])).stdout).toContain("has ended already: cancelled");
  });
});

describe("an agent that ends", () => {
  test("takes its driver with it, in the midst of a loop too, and the job is shown as failed", async () => {
    const files = { ...FILES, "spin.ts": SPIN };
    await using own = await DetachedCluster.open({ agents: 2, slots: 1, files });
    const job = await own.submit(["--lease", "3s", "spin.ts"]);
    const isShown = Promise.withResolvers<void>();
    const logged = own.luciole(["logs", "-f", job], {
      onText: { text: "spinning", act: () => isShown.resolve() },
    });
    const running = own.luciole(["attach", job], {
      onText: {
        text: "spinning",
        act: () =>
          void isShown.promise
            .then(() => own.listed(job, () => true))
            .then(({ detached: at }) => own.cluster.agent(at?.agent ?? "").end("SIGKILL")),
      },
    });
    const { code, stderr } = await running;
    expect(code).toBe(1);
    expect(stderr).toMatch(/failed: its driver's agent a[01] was lost/);
    expect(await logged).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/failed: its driver's agent a[01] was lost/),
    });
    expect(await own.listed(job, ({ state }) => state === "failed")).toMatchObject({
      cause: expect.stringMatching(/^its driver's agent a[01] was lost$/),
    });
    // Its processes are gone with it, those of workers elsewhere when the lease has run out.
    await own.cluster.settled();
  });

  test("by a signal ends its drivers in order", async () => {
    await using own = await DetachedCluster.open({ agents: 1, slots: 1, files: FILES });
    const path = join(own.cluster.folder.path, "never");
    const job = await own.submit(["wait.ts", path]);
    await own.listed(job, ({ state }) => state === "running");
    expect(await own.cluster.agent("a0").end("SIGTERM")).toBe(0);
    await own.cluster.settled();
    const left = readdirSync(join(own.cluster.directoryOf("a0"), "drivers", `${job}-1`));
    expect(left.toSorted()).toEqual(["driver.json", "output"]);
    expect(await own.listed(job, ({ state }) => state === "failed")).toMatchObject({
      cause: "its driver's agent a0 has ended",
    });
  });
});

describe("luciole --role agent --drivers", () => {
  test("bounds how many run at a time: others wait, or are refused", async () => {
    await using own = await DetachedCluster.open({ agents: 1, files: FILES, agentFlags: ["--drivers", "1"] });
    const path = join(own.cluster.folder.path, "go");
    const first = await own.submit(["wait.ts", path]);
    await own.listed(first, ({ state }) => state === "running");
    const refused = await own.luciole(["submit", "--no-wait", "exit.ts", "0"]);
    expect({ code: refused.code, stderr: refused.stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(
        "Cannot detach the driver: no agent has room for a driver (--drivers of 1 agent)",
      ),
    });
    const patient = await own.luciole(["submit", "exit.ts", "0"], {
      onText: { text: "waiting", act: () => writeFileSync(path, "") },
    });
    expect(patient.code).toBe(0);
    expect((await own.luciole(["attach", patient.stdout.trim()])).code).toBe(0);
  });
});

const SPIN = `import { run } from "luciole";
  await run(async () => {
    console.log("spinning");
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (;;);
  });`;

function sizeOf(directory: string): number {
  if (!existsSync(directory)) return 0;
  return readdirSync(directory, { recursive: true })
    .map((file) => statSync(join(directory, String(file))))
    .filter((entry) => entry.isFile())
    .reduce((sum, { size }) => sum + size, 0);
}

test("an agent that stands still is passed over by who submits a driver", async () => {
  const files = { "short.ts": `import { run } from "luciole"; await run(() => console.log("short"));` };
  await using own = await DetachedCluster.open({ agents: 2, files, masterFlags: ["--lost-after", "60s"] });
  const before = await own.submit(["short.ts"]);
  const { detached } = await own.listed(before, ({ state }) => state === "succeeded");
  const still = own.cluster.agent(detached?.agent ?? "").child;
  still.kill("SIGSTOP");
  try {
    const after = await own.submit(["short.ts"]);
    const ended = await own.listed(after, ({ state }) => state === "succeeded");
    expect(ended.detached?.agent).not.toBe(detached?.agent);
  } finally {
    still.kill("SIGCONT");
  }
}, 100_000);
