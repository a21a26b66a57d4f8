/** Hosts with addresses of their own: a master, three agents and a driver, each in its own network namespace, with a secret. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cluster } from "./cluster.ts";
import { LUCIOLE } from "./executable.ts";
import { Hosts, whyNoHosts } from "./hosts.ts";

const AGENTS = ["a0", "a1", "a2"];
/** State of a socket in /proc/net/tcp. */
const LISTEN = "0A";

const PROGRAM = `
import { hostname } from "node:os";
import { flow, run } from "luciole";
const words = flow("words", (f) => f.range(60_000, { shards: 12 })
  .map((n) => ["w" + (n % 1000), 1])
  .reduceByKey((a, b) => a + b)
  .sortByKey());
const where = flow("where", (f) => f.range(12, { shards: 12 }).map((n) => {
  console.log("at work;");
  for (const end = performance.now() + 150; performance.now() < end; );
  return [hostname(), n];
}));
await run(async (job) => {
  const counts = await (await job.execute(words)).collect();
  const rows = await (await job.execute(where)).collect();
  const hosts = [...new Set(rows.map(([host]) => host))].toSorted();
  const sum = rows.reduce((total, [, n]) => total + n, 0);
  console.log(JSON.stringify({ words: counts.length, each: [...new Set(counts.map(([, n]) => n))], sum }));
  if (job.args[0] === "hosts") console.log(hosts.join(" "));
});
`;
const RESULT = `{"words":1000,"each":[60],"sum":66}\n`;

const why = whyNoHosts();
if (why !== undefined) {
  test(`there are no hosts to test with: ${why}`, () => {
    expect(why).not.toBe("");
  });
} else {
  await testHosts();
}

async function testHosts(): Promise<void> {
  const secrets = mkdtempSync(join(tmpdir(), "luciole-secret-"));
  const token = join(secrets, "token");
  expect(Bun.spawnSync([LUCIOLE, "token", token]).exitCode).toBe(0);
  const hosts = new Hosts(["master", ...AGENTS, "driver"]);
  const cluster = await Cluster.open({
    files: { "words.ts": PROGRAM },
    env: { LUCIOLE_TOKEN_FILE: token },
    wrap: (role, command) => hosts.on(role, [...command, "--host", hosts.addressOf(role)]),
  });
  afterAll(async () => {
    try {
      await cluster[Symbol.asyncDispose]();
    } finally {
      hosts.delete();
      rmSync(secrets, { recursive: true });
    }
  });
  const env = { LUCIOLE_MASTER: cluster.address, LUCIOLE_TOKEN_FILE: token, LUCIOLE_QUIET: "1" };
  const run = (args: readonly string[], onText?: { text: string; act: (pid: number) => void }) =>
    cluster.folder.run(hosts.on("driver", [LUCIOLE, "run", "words.ts", ...args]), {
      env,
      ...(onText && { onText }),
    });

  describe("five hosts on one network", () => {
    test("a program runs on all three agents, and its driver is dialled by nobody", async () => {
      let listeners: string[] | undefined;
      const act = (): void => {
        listeners = hosts.sockets("driver").filter((socket) => socket.trim().split(/\s+/)[3] === LISTEN);
      };
      const done = await run(["hosts"], { text: "at work;", act });
      expect(done).toMatchObject({ code: 0, stdout: `${RESULT}a0 a1 a2\n` });
      expect(listeners).toEqual([]);
      await cluster.settled();
    }, 60_000);

    test("the status of the cluster names each host", () => {
      const { stdout } = Bun.spawnSync(hosts.on("driver", [LUCIOLE, "status", "--json"]), {
        env: { ...process.env, ...env },
      });
      const { agents } = JSON.parse(stdout.toString());
      const seen = agents.map(({ agent }: { agent: Record<string, string> }) => [
        agent.id,
        agent.host,
        agent.address,
      ]);
      expect(seen.toSorted()).toEqual(
        AGENTS.map((name) => [name, name, expect.stringContaining(`${hosts.addressOf(name)}:`)]),
      );
    });

    test("another secret is refused in one line", async () => {
      const other = join(secrets, "other");
      expect(Bun.spawnSync([LUCIOLE, "token", other]).exitCode).toBe(0);
      const command = hosts.on("driver", [LUCIOLE, "run", "words.ts"]);
      const done = await cluster.folder.run(command, { env: { ...env, LUCIOLE_TOKEN_FILE: other } });
      expect(done.code).not.toBe(0);
      expect(done.stderr).toMatch(new RegExp(`^error: [^\n]*${cluster.address}[^\n]*secret[^\n]*\n$`));
    });

    test("a host whose cable is out loses its part of the job, and the result is right", async () => {
      const act = (): void => hosts.setLink("a1", "down");
      const done = await run([], { text: "at work;", act });
      expect(done).toMatchObject({ code: 0, stdout: RESULT });

      // The master does not know yet that nobody reaches it.
      const next = await run([]);
      expect(next).toMatchObject({ code: 0, stdout: RESULT });
      hosts.setLink("a1", "up");
      // By its lease, unless what its driver said at last gets through after all.
      await cluster.settled();
    }, 120_000);
  });
}
