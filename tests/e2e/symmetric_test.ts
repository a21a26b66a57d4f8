/** `luciole run --symmetric`: the same command several times is a cluster for the time of a job. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { until } from "../oracle/until.ts";
import { processesOf } from "./cluster.ts";
import { Folder, LUCIOLE } from "./executable.ts";
import { freePort } from "./sshd.ts";

const PROGRAM = `
import { flow, run } from "luciole";
const ranks = flow("ranks", (f) => f.range(30, { shards: 6 }).map((n) => n * n).sum());
await run(async (job) => {
  if (job.args[0] === "fail") throw new Error("so it is");
  console.log(JSON.stringify({ args: job.args, workers: job.workers, sum: await (await job.execute(ranks)).collect() }));
});
`;
const folder = new Folder({ "job.ts": PROGRAM });
beforeAll(async () => {
  await folder.run([LUCIOLE, "compile", "job.ts", "--out", "own"]);
  chmodSync(join(folder.path, "own"), 0o755);
});
afterAll(() => folder[Symbol.dispose]());

/** What is known of programs for the next run stays; directories of ranks go. */
function expectNothingLeft(): void {
  const directories = folder.leftovers().filter((name) => name.startsWith("luciole-"));
  expect([directories, processesOf(folder.scratch)]).toEqual([[], []]);
}

/** Slurm's variables of three tasks on one host. */
const slurm = (rank: number) => ({ SLURM_PROCID: String(rank), SLURM_NTASKS: "3", SLURM_CPUS_PER_TASK: "1" });

describe("luciole run --symmetric", () => {
  test.each([
    ["a script", [LUCIOLE, "run", "--symmetric", "job.ts"]],
    ["an executable of its own", ["./own", "--symmetric"]],
  ])("gives %s the slots of all ranks, and ends them all", async (_, command) => {
    const env = { LUCIOLE_HEAD: `127.0.0.1:${await freePort()}` };
    const results = await Promise.all(
      [2, 0, 1].map((rank) => folder.run([...command, "-x"], { env: { ...env, ...slurm(rank) } })),
    );
    const stdout = `${JSON.stringify({ args: ["-x"], workers: 3, sum: [8555] })}\n`;
    const silent = { code: 0, stdout: "", stderr: "" };
    expect(results).toEqual([silent, { ...silent, stdout }, silent]);
    expectNothingLeft();
  });

  test("fails where rank 0 fails, and ends the others", async () => {
    const env = { LUCIOLE_HEAD: `127.0.0.1:${await freePort()}` };
    const command = [LUCIOLE, "run", "--symmetric", "job.ts", "fail"];
    const results = await Promise.all(
      [0, 1, 2].map((rank) => folder.run(command, { env: { ...env, ...slurm(rank) } })),
    );
    expect(results.map(({ code }) => code)).toEqual([1, 0, 0]);
    expect(results[0]?.stderr).toStartWith("error: so it is\n");
    expectNothingLeft();
  });

  test.each([0, 1])("interrupted while rank %d waits for others, says so and goes", async (rank) => {
    const env = { LUCIOLE_HEAD: `127.0.0.1:${await freePort()}`, TMPDIR: folder.scratch, ...slurm(rank) };
    const child = Bun.spawn([LUCIOLE, "run", "--symmetric", "job.ts"], {
      cwd: folder.path,
      env: { ...process.env, ...env },
      stderr: "pipe",
    });
    await until("it has an agent's directory", () =>
      folder.leftovers().some((name) => name.includes("agent.lock")),
    );
    child.kill("SIGINT");
    expect(await new Response(child.stderr).text()).toBe("error: Interrupted: the job is cancelled\n");
    expect(await child.exited).toBe(130);
    expectNothingLeft();
  });

  test.each([
    [[], {}, "which rank this process has is not known"],
    [["--rank", "1"], {}, "give it with --head HOST"],
    [["--rank", "0", "--head", "h", "--master", "m"], {}, "a cluster of their own"],
    [
      [],
      { SLURM_PROCID: "0", SLURM_NTASKS: "2", SLURM_NODELIST: "somewhere" },
      "make a secret with `luciole token FILE`",
    ],
  ])("refuses %j with %j as a usage error", async (flags, env, why) => {
    const result = await folder.run([LUCIOLE, "run", "--symmetric", ...flags, "job.ts"], { env });
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code: 2, stdout: "" });
    expect(result.stderr).toContain(why);
  });
});
