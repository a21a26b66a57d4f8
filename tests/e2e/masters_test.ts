/** Two masters of one cluster, as processes: any of them does, and agents decide. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { freeAddress } from "../net/master/served.ts";
import { Cluster } from "./cluster.ts";
import { LUCIOLE } from "./executable.ts";

const files = {
  // Its tasks end when there is a file.
  "held.ts": `
import { existsSync } from "node:fs";
import { flow, run } from "luciole";
const held = flow("held", (f, p: { path: string }) => f.range(12, { shards: 12 }).mapShards(async function* (rows) {
  console.log("at work;");
  while (!existsSync(p.path)) await new Promise((resolve) => setTimeout(resolve, 20));
  yield* rows;
}).sum());
await run(async (job) => console.log(JSON.stringify(await (await job.execute(held, { path: job.args[0] })).collect())));
`,
  // A task on each of its workers, which takes a third of a second.
  "short.ts": `
import { flow, run } from "luciole";
const slow = flow("slow", (f) => f.range(12, { shards: 12 }).map((n) => {
  console.log("at work;");
  for (const end = performance.now() + 300; performance.now() < end; );
  return n;
}).sum());
await run(async (job) => console.log(JSON.stringify(await (await job.execute(slow)).collect())));
`,
};
const SUM = "[66]\n";
const [first, second] = [await freeAddress(), await freeAddress()];
const both = `${first},${second}`;
const portOf = (address: string) => String(address.split(":")[1]);
const cluster = await Cluster.open({
  agents: 3,
  slots: 2,
  files,
  masterFlags: ["--port", portOf(first)],
  agentFlags: ["--master", both],
});
const startSecond = async () => {
  const master = cluster.startOther("m2", "master", ["--port", portOf(second), "--name", "m2"]);
  for (const name of cluster.agents.keys()) await master.tells(new RegExp(`agent ${name} .* has come`));
  return master;
};
let other = await startSecond();
afterAll(() => cluster[Symbol.asyncDispose]());
afterEach(() => cluster.settled());

const run = (master: string, ...flags: readonly string[]) =>
  cluster.run([...flags, "--master", master, "short.ts"]);

describe("two masters", () => {
  test("know the same agents and jobs", async () => {
    const jobs: string[] = [];
    const look = async () => {
      for (const address of [first, second]) {
        // They are told of it a moment after it has begun.
        const see = async () =>
          (await cluster.folder.run([LUCIOLE, "jobs", "--json", "--master", address])).stdout;
        let stdout = await see();
        for (let i = 0; i < 20 && !stdout.includes("short"); i++) stdout = await see();
        jobs.push(stdout.includes("short") ? "there" : stdout);
      }
    };
    let looked: Promise<void> | undefined;
    const act = (): void => {
      looked = look();
    };
    const ended = await cluster.run(["short.ts"], { onText: { text: "at work;", act } });
    await looked;
    expect(ended).toMatchObject({ code: 0, stdout: SUM });
    expect(jobs).toEqual(["there", "there"]);
  }, 60_000);

  test("serve jobs that together want more than there is, one after the other", async () => {
    const wanted = [6, 2, 4, 3, 5, 1];
    const runs = wanted.map((workers, i) => run(i % 2 === 0 ? first : second, "--workers", `${workers}`));
    for (const ended of await Promise.all(runs)) expect(ended).toMatchObject({ code: 0, stdout: SUM });
  }, 120_000);

  test("refuse a job that may not wait, and one of them does for many", async () => {
    const { code, stderr } = await run(both, "--no-wait", "--workers", "7");
    expect(code).toBe(1);
    expect(stderr).toBe(
      "error: Cannot run the job: there is no room for 7 workers: 3 agents have room for 6 when nothing else runs\n",
    );
  }, 60_000);

  test.each([
    ["SIGTERM", 0],
    ["SIGKILL", null],
  ] as const)(
    "F7: one of them is ended by %s: the other serves, also who waits at the one that goes",
    async (signal, code) => {
      const [works, waits] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const gate = join(cluster.folder.scratch, signal);
      const long = cluster.run(["--workers", "6", "held.ts", gate], {
        onText: { text: "at work;", act: () => works.resolve() },
      });
      await works.promise;
      const act = (): void => waits.resolve();
      const args = ["--master", `${second},${first}`, "--workers", "6", "short.ts"];
      const waiting = cluster.run(args, { onText: { text: "waiting: there is no room", act } });
      await waits.promise;
      expect(await other.end(signal)).toBe(code);
      writeFileSync(gate, "");
      for (const ended of [await long, await waiting]) expect(ended).toMatchObject({ code: 0, stdout: SUM });
      expect(await run(`${second},${first}`)).toMatchObject({ code: 0, stdout: SUM });
      other = await startSecond();
      expect(await run(second)).toMatchObject({ code: 0, stdout: SUM });
    },
    120_000,
  );
});

describe("an agent that no master takes in ends with one line", () => {
  const start = (name: string, master: string) =>
    cluster.startOther(name, "agent", [
      ...["--port", "0", "--name", name, "--slots", "1", "--memory", "1GiB", "--master", master],
      ...["--data-dir", `${cluster.directoryOf(name)}-again`],
    ]);
  const lastLine = (told: string) => told.trim().split("\n").at(-1);

  test("its name is another's", async () => {
    const twin = start("a1", both);
    expect(await twin.child.exited).toBe(1);
    await twin.reading;
    expect(lastLine(twin.told)).toMatch(
      /^error: Cannot take agent a1 of host \S+ \(\S+\) in: agent a1 of host \S+ \(\S+\) has that name; give one of them another$/,
    );
    expect(await run(first)).toMatchObject({ code: 0, stdout: SUM });
  }, 60_000);

  test("something else is where its master should be", async () => {
    const server = createServer((_, response) => response.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    const address = `127.0.0.1:${typeof bound === "object" ? bound?.port : ""}`;
    const lost = start("lost", address);
    expect(await lost.child.exited).toBe(1);
    await lost.reading;
    server.close();
    expect(lastLine(lost.told)).toBe(
      `error: Cannot use the master at ${address}: something else than luciole listens there (it answered with status 200)`,
    );
  }, 60_000);
});
