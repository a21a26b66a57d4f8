/** Jobs that share a cluster, wait for room, or ask for what is not there; files that not all machines see. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cluster, type ClusterOptions } from "./cluster.ts";

const files = {
  "multiply.ts": `
    import { flow, run } from "luciole";
    const products = flow("products", (f, p: { by: number }) => f.range(50, { shards: 10 })
      .map((n) => {
        for (const end = performance.now() + 30; performance.now() < end; );
        return n * p.by;
      })
      .sum());
    await run(async (job) => {
      const [by = "1"] = job.args;
      console.log(job.workers, await (await job.execute(products, { by: Number(by) })).collect());
    });
  `,
  "endless.ts": `
    import { flow, run } from "luciole";
    const endless = flow("endless", (f) => f.range(2, { shards: 2 }).map((n) => {
      console.log("at work;");
      for (;;) if (n < 0) return n;
    }));
    await run(async (job) => { await job.execute(endless); });
  `,
  "print.ts": `
    import { flow, run } from "luciole";
    const talking = flow("talking", (f) => f.range(4, { shards: 4 }).map((n) => {
      console.log("row", n);
      return n;
    }));
    await run(async (job) => console.log(JSON.stringify([job.args, (await (await job.execute(talking)).collect()).length])));
  `,
  "throw.ts": `import { flow, run } from "luciole";
const strict = flow("strict", (f) => f.range(4, { shards: 2 }).map((n) => {
  if (n === 3) throw new RangeError("no threes");
  return n;
}));
await run(async (job) => { await job.execute(strict); });
`,
  "copy.ts": `
    import { flow, run } from "luciole";
    const copy = flow("copy", (f, p: { from: string; to: string }) => f.text(p.from, { splitBytes: 10 }).writeText(p.to, String));
    await run(async (job) => {
      const [from = "", to = ""] = job.args;
      console.log((await (await job.execute(copy, { from, to })).result()).rows);
    });
  `,
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function open(options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = await Cluster.open({ agents: 2, files, ...options });
  closing.push(() => cluster[Symbol.asyncDispose]());
  return cluster;
}

describe("jobs on one cluster", () => {
  test("G4: two at once with different parameters, by the same program, and then once more", async () => {
    const cluster = await open({ slots: 2 });
    const run = (by: number) => cluster.run(["multiply.ts", String(by)], { env: { LUCIOLE_WORKERS: "2" } });
    const both = await Promise.all([run(2), run(3)]);
    expect(both.map(({ stdout }) => stdout)).toEqual(["2 [ 2450 ]\n", "2 [ 3675 ]\n"]);
    expect((await run(5)).stdout).toBe("2 [ 6125 ]\n");
    await cluster.settled();
  }, 60_000);

  test("G8: printing reaches the log and never the data; the program's flags are its own", async () => {
    const cluster = await open();
    const { stdout, stderr } = await cluster.run(["print.ts", "--top", "5", "x"]);
    expect(stdout).toBe('[["--top","5","x"],4]\n');
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^\[worker [01]\] /, ""));
    expect(lines.sort()).toEqual(["row 0", "row 1", "row 2", "row 3"]);
  }, 60_000);

  test("an error in a closure is told with the user's own line", async () => {
    const cluster = await open();
    const { code, stderr } = await cluster.run(["throw.ts"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*no threes/);
    expect(stderr).toContain(join(cluster.folder.path, "throw.ts:3"));
  }, 60_000);
});

describe("room", () => {
  test("a job that finds none waits with a message, or fails with --no-wait, or is interrupted", async () => {
    const cluster = await open();
    const over = Promise.withResolvers<void>();
    const atWork = Promise.withResolvers<number>();
    const first = cluster.run(["endless.ts"], { onText: { text: "at work;", act: atWork.resolve } });
    void first.then(() => over.resolve());
    const pid = await atWork.promise;

    const refused = await cluster.run(["multiply.ts"], { env: { LUCIOLE_NO_WAIT: "1" } });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^error: Cannot run the job: there is no room for a worker now: 2 agents have room for 0 at the moment$/m,
    );
    expect(refused.stderr.trimEnd().split("\n").length).toBe(1);

    const interrupt = { text: "waiting: ", act: (waiting: number) => process.kill(waiting, "SIGINT") };
    const interrupted = await cluster.run(["multiply.ts"], { onText: interrupt });
    expect(interrupted.code).toBe(130);

    const end = { text: "waiting: ", act: () => process.kill(pid, "SIGTERM") };
    const waited = await cluster.run(["multiply.ts", "2"], { onText: end });
    expect(waited).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[12] \[ 2450 \]\n$/) });
    await over.promise;
  }, 60_000);

  test("more workers or memory than the cluster has: told at once with --no-wait, and which", async () => {
    const cluster = await open();
    const ask = async (env: Record<string, string>) =>
      (await cluster.run(["multiply.ts"], { env: { LUCIOLE_NO_WAIT: "1", ...env } })).stderr;
    expect(await ask({ LUCIOLE_WORKERS: "3" })).toMatch(
      /there is no room for 3 workers: 2 agents have room for 2 when nothing else runs$/m,
    );
    expect(await ask({ LUCIOLE_WORKERS: "2", LUCIOLE_MEMORY: "8GiB" })).toMatch(
      /there is no room for 2 workers of 4096 MiB/,
    );
    expect(await ask({ LUCIOLE_LABELS: "gpu=yes" })).toMatch(/none of 2 agents has labels gpu=yes/);
  }, 60_000);
});

/** A directory that only the machine of agent a1 has otherwise: it sees an empty one. */
const canMount = process.platform === "linux" && process.getuid?.() === 0;
const ELSEWHERE = "only-here";

describe("files that not all machines see", () => {
  test("an input or output that an agent does not see: the error names machine and path", async () => {
    if (!canMount) {
      console.log("not tested: mounting in a namespace of its own wants root on Linux");
      return;
    }
    let folder = "";
    const wrap = (role: string, command: readonly string[]) => {
      if (role !== "a1") return command;
      const hide = `mount -t tmpfs none "$0" && exec "$@"`;
      return ["unshare", "--mount", "sh", "-c", hide, folder, ...command];
    };
    // The folder is known once the cluster is made; its agents are started by hand then.
    const cluster = await open({ agents: 1, wrap });
    folder = join(cluster.folder.path, ELSEWHERE);
    mkdirSync(folder);
    writeFileSync(join(folder, "in.txt"), "one\ntwo\nthree\nfour\nfive\nsix\n");
    writeFileSync(join(cluster.folder.path, "in.txt"), "one\ntwo\nthree\nfour\nfive\nsix\n");
    await cluster.startAgent("a1");
    const run = (from: string, to: string) => cluster.run(["copy.ts", from, to]);

    const input = await run(`${ELSEWHERE}/in.txt`, "out");
    expect(input.code).toBe(3);
    expect(input.stderr).toMatch(
      /^error: Cannot read ".*only-here\/in\.txt": .*\(on agent a1 of host \S+; every machine must see the files of a job\)/,
    );

    const output = await run("in.txt", `${ELSEWHERE}/out`);
    expect(output.code).toBe(1);
    expect(output.stderr).toMatch(
      /^error: Cannot write ".*only-here\/.*": .*\(on agent a1 of host \S+; every machine must see/,
    );
    expect(readdirSync(folder)).toEqual(["in.txt"]);

    expect(await run("in.txt", "out")).toMatchObject({ code: 0, stdout: "6\n" });
    const parts = readdirSync(join(cluster.folder.path, "out")).filter((name) => name.startsWith("part-"));
    const text = parts.sort().map((name) => readFileSync(join(cluster.folder.path, "out", name), "utf8"));
    expect(text.join("")).toBe("one\ntwo\nthree\nfour\nfive\nsix\n");
  }, 60_000);
});

describe("disk", () => {
  test("more than an agent's quota fails with its name and what it has, and others go on", async () => {
    const program = `
      import { flow, run } from "luciole";
      const large = flow("large", (f, p: { rows: number }) => f.range(p.rows, { shards: 40 })
        .map((n) => ({ n, text: String(n).repeat(100) }))
        .sortBy((row) => row.text));
      await run(async (job) => {
        const [rows = "0"] = job.args;
        const sorted = await job.execute(large, { rows: Number(rows) });
        console.log(await sorted.count());
      });
    `;
    const cluster = await open({ files: { ...files, "large.ts": program }, agentFlags: ["--disk", "64MiB"] });
    const { code, stderr } = await cluster.run(["large.ts", "1000000"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: Cannot write to .*: its disk space is used up: .* of 64(\.0)? MiB .*\(on agent a[01] of host \S+\)/m,
    );
    const [, full = ""] = /on agent (a[01]) its disk space is used up/.exec(stderr) ?? [];
    await cluster.agent(full).tells(/disk full: .*; tasks that write fail/);
    await cluster.settled();
    expect((await cluster.run(["large.ts", "1000"])).stdout).toBe("1000\n");
  }, 60_000);
});
