/** X3 under load: idle, slow, broken and malformed connections to every port while a job runs, which notices nothing. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Cluster } from "../e2e/cluster.ts";
import { RawClient } from "../net/security/raw_client.ts";
import { Random } from "../simulation/random.ts";
import { DriverProcess } from "./driver_process.ts";
import { readWritten, WORDS, writeSmallData } from "./workload.ts";

/** To each port. */
const IDLE = 1_000;
const AT_ONCE = 100;
const MAX_GROWTH_BYTES = 192 * 2 ** 20;
const DEADLINE_MS = 100_000;
const PATHS = [
  "/v1/agent",
  "/v1/jobs/j1/attempts",
  "/v1/heartbeats",
  "/v1/placements",
  "/v1/jobs/../../x",
  "/",
];

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

/** One connection of somebody who means no good. */
async function annoy(port: number, random: Random): Promise<void> {
  const client = await RawClient.open(port);
  const bytes = new Uint8Array(1 + random.below(200)).map(() => random.below(256));
  const head = `POST ${random.pick(PATHS)} HTTP/1.1\r\nHost: x\r\nluciole-protocol: 1\r\n`;
  switch (random.below(5)) {
    case 0:
      client.send(bytes);
      break;
    case 1:
      // Much is promised and little comes.
      client.send(`${head}Content-Length: ${2 ** 31}\r\n\r\n`);
      client.send(bytes);
      break;
    case 2:
      client.send(`${head}Content-Length: ${bytes.length}\r\n\r\n`);
      client.send(bytes);
      break;
    case 3:
      // An array of 2^63 items, and nesting without end.
      client.send(`${head}Content-Length: 9\r\n\r\n`);
      client.send(Uint8Array.of(0x9b, 0x7f, 255, 255, 255, 255, 255, 255, 255));
      break;
    default:
      client.send(head.slice(0, random.below(head.length)));
  }
  await client.flushed();
  if (!random.chance(3)) client.close();
}

async function run(cluster: Cluster, output: string): Promise<DriverProcess> {
  const { folder, address } = cluster;
  const splitBytes = writeSmallData(join(folder.path, "in.txt"), 1);
  const env = { LUCIOLE_MASTER: address, LUCIOLE_QUIET: "1", TMPDIR: folder.scratch };
  const args = ["job.ts", "in.txt", output, `${splitBytes}`];
  return new DriverProcess({ cwd: folder.path, env, args, deadlineMs: DEADLINE_MS });
}

test.if(process.platform === "linux")(
  "X3: hostile connections to a master and its agents leave a job unharmed",
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`seed ${seed}`);
    const random = new Random(seed);
    await using cluster = await Cluster.open({ agents: 2, files: { "job.ts": WORDS.source } });
    const outputs = ["calm", "annoyed"].map((name) => join(cluster.folder.path, name));
    expect(await (await run(cluster, outputs[0])).ended).toMatchObject({ code: 0 });
    const roles = [cluster.master, cluster.agent("a0"), cluster.agent("a1")];
    const ports = roles.map(({ told }) => Number(/listens on \S+:(\d+)/.exec(told)?.[1]));
    const before = roles.map(({ child }) => residentBytes(child.pid));
    const idle: RawClient[] = [];
    for (const port of ports) {
      for (let i = 0; i < IDLE; i += AT_ONCE) {
        idle.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => RawClient.open(port)))));
      }
    }
    const driver = await run(cluster, outputs[1]);
    let annoyances = 0;
    while (driver.isThere) {
      await Promise.all(ports.map((port) => annoy(port, random)));
      annoyances += ports.length;
    }
    expect(await driver.ended).toMatchObject({ code: 0, stderr: "" });
    expect(readWritten(outputs[1])).toEqual(readWritten(outputs[0]));
    expect(annoyances).toBeGreaterThan(50);
    for (const [i, { child }] of roles.entries()) {
      expect(residentBytes(child.pid) - before[i]).toBeLessThan(MAX_GROWTH_BYTES);
    }
    for (const client of idle) client.close();
  },
  120_000,
);
