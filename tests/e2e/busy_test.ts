/**
 * Programs that compute without a pause for longer than their lease: the driver at the client and detached, with a
 * secret and certificates, on Bun and Deno; a worker. And what is the same as before: a driver that is gone is missed.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";
import { DENO, LUCIOLE } from "./executable.ts";
import { GuardedCluster } from "./guarded_cluster.ts";

const LIMIT_MS = 120_000;
const BUSY = `
  import { flow, run } from "luciole";
  const squares = flow("squares", (f) => f.range(4, { shards: 2 }).map((n) => n * n));
  const busy = (ms: number) => { for (const end = performance.now() + ms; performance.now() < end; ); };
  await run(async (job) => {
    busy(Number(job.args[0]));
    const rows = await job.execute(squares);
    busy(Number(job.args[0]));
    console.log(JSON.stringify(await rows.collect()));
    busy(Number(job.args[1] ?? 0));
  });
`;
/** A worker says what it does while the other one and the driver wait for it. */
const BUSY_WORKER = `
  import { flow, run, worker } from "luciole";
  const spin = (ms: number) => { for (const end = performance.now() + ms; performance.now() < end; ); };
  const slow = flow("slow", (f, p: { ms: number }) => f.range(2, { shards: 2 }).map((n) => { if (n === 0) spin(p.ms); return n; }));
  const meet = worker("meet", async (ctx, p: { ms: number }) => {
    if (ctx.rank === 0) spin(p.ms);
    await ctx.barrier();
    return await ctx.allReduce(1, "sum");
  });
  await run(async (job) => {
    const ms = Number(job.args[0]);
    console.log(JSON.stringify(await (await job.execute(slow, { ms })).collect()));
    console.log(JSON.stringify(await (await job.execute(meet, { ms })).collect()));
  });
`;
const ROWS = "[0,1,4,9]\n";
/** Thrice the lease. */
const LONG_MS = "6000";

describe("a cluster without a secret", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.open({ agents: 2, files: { "busy.ts": BUSY, "busy_worker.ts": BUSY_WORKER } });
    cluster.folder.installPackage();
  }, LIMIT_MS);

  afterAll(() => cluster[Symbol.asyncDispose](), LIMIT_MS);

  const env = () => ({ LUCIOLE_MASTER: cluster.address, LUCIOLE_QUIET: "1", LUCIOLE_LEASE: "2s" });

  test(
    "a driver that computes keeps its lease, before, between and after its executions",
    async () => {
      expect(await cluster.run(["busy.ts", LONG_MS, LONG_MS], { env: env() })).toEqual({
        code: 0,
        stdout: ROWS,
        stderr: "",
      });
    },
    LIMIT_MS,
  );

  test.each([
    ["Bun", [process.execPath]],
    ["Deno", [DENO, "run", "-A"]],
  ] as const)(
    "so does a script that %s runs",
    async (_, command) => {
      const ended = await cluster.folder.run([...command, "busy.ts", LONG_MS], { env: env() });
      expect(ended).toMatchObject({ code: 0, stdout: ROWS });
    },
    LIMIT_MS,
  );

  test.each(["SIGKILL", "SIGSTOP"] as const)(
    "one that gets %s while it computes is missed when its lease has run out",
    async (signal) => {
      let driver = 0;
      const running = cluster.run(["busy.ts", "1", "60000"], {
        env: env(),
        onText: {
          text: ROWS,
          act: (pid) => {
            driver = pid;
            process.kill(pid, signal);
          },
        },
      });
      const before = endsOf(cluster);
      for (const end = performance.now() + LIMIT_MS / 2; endsOf(cluster) < before + 2; ) {
        if (performance.now() > end) throw new Error(cluster.agent("a0").told);
        await Bun.sleep(50);
      }
      if (signal === "SIGSTOP") process.kill(driver, "SIGKILL");
      expect((await running).stdout).toBe(ROWS);
    },
    LIMIT_MS,
  );

  test(
    "a worker that computes without a pause is not taken for dead, by a gang neither",
    async () => {
      const { code, stdout, stderr } = await cluster.run(["busy_worker.ts", LONG_MS], { env: env() });
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "[0,1]\n[2,2]\n", stderr: "" });
    },
    LIMIT_MS,
  );
});

test(
  "with a secret and certificates, and when an agent runs the driver",
  async () => {
    const cluster = await GuardedCluster.open({ "busy.ts": BUSY }, 2);
    try {
      const run = (...args: readonly string[]) =>
        cluster.run([
          LUCIOLE,
          ...args,
          "--master",
          cluster.master,
          "--lease",
          "2s",
          "busy.ts",
          LONG_MS,
          LONG_MS,
        ]);
      const [atClient, detached] = await Promise.all([
        run("run", "--quiet"),
        run("run", "--detach", "--follow", "--quiet"),
      ]);
      expect(atClient).toMatchObject({ code: 0, stdout: ROWS });
      expect(detached).toMatchObject({ code: 0, stdout: ROWS });
      for (const { said } of cluster.roles) expect(said).not.toContain("is ended");
    } finally {
      await cluster.close();
    }
  },
  LIMIT_MS,
);

/** How often its agents have ended a job that nobody kept. */
function endsOf(cluster: Cluster): number {
  const told = [...cluster.agents.values()].map((agent) => agent.told).join("");
  return told.split("is ended: nothing was heard of").length - 1;
}
