/** Connections to agents that are cut all the time: drivers and workers go on where they broke, and results are right. */
import { expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";
import { CuttingProxy } from "./cutting_proxy.ts";
import { freePort } from "./sshd.ts";

const PROGRAM = `
import { flow, run } from "luciole";
const TEXT = "x".repeat(100);
const shuffled = flow("shuffled", (f, p: { rows: number }) => {
  const rows = f.range(p.rows, { shards: 12 }).map((n): [number, string] => [n % 1009, n + TEXT]);
  return {
    counts: rows.map(([key]): [number, number] => [key, 1]).reduceByKey((a, b) => a + b).sortByKey(),
    sorted: rows.map(([, text]) => text).sort(),
  };
});
const fed = flow("fed", (f, p: { lines }) => f.from(p.lines).map((n) => n * 2).sum());
await run(async (job) => {
  const rows = 100_000;
  const { counts, sorted } = await job.execute(shuffled, { rows });
  const all = await counts.collect();
  console.log(all.length, all.every(([key, n], i) => key === i && n === Math.floor((rows - 1 - i) / 1009) + 1));
  let before = "";
  let seen = 0;
  for await (const text of sorted) {
    if (text < before) throw new Error("out of order");
    before = text;
    seen++;
  }
  console.log(seen);
  async function* slowly() {
    for (let n = 0; n < 300; n++) {
      yield n;
      if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  console.log((await (await job.execute(fed, { lines: job.channel(slowly()) })).collect())[0]);
});
`;

test("F5: a driver and its agents talk through proxies that cut every connection within half a second", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  const proxies: CuttingProxy[] = [];
  const ports = new Map<string, readonly string[]>();
  for (const name of ["a0", "a1", "a2"]) {
    const port = await freePort();
    const proxy = new CuttingProxy(port, 500, random);
    proxies.push(proxy);
    ports.set(name, ["--port", `${port}`, "--advertise", `127.0.0.1:${await proxy.listen()}`]);
  }
  try {
    const wrap = (role: string, command: readonly string[]) => [...command, ...(ports.get(role) ?? [])];
    await using cluster = await Cluster.open({ agents: 3, files: { "all.ts": PROGRAM }, wrap });
    const { code, stdout, stderr } = await cluster.run(["all.ts"]);
    console.log(`seed ${seed}: ${proxies.map(({ cuts }) => cuts)} connections were cut`);
    expect({ stdout, code }).toEqual({ stdout: "1009 true\n100000\n89700\n", code: 0 });
    // On a slow machine a shard may be lost to five cuts in a row, and computed again.
    for (const line of stderr.split("\n")) expect(line).toMatch(/^(warning: .*)?$/);
    for (const { cuts } of proxies) expect(cuts).toBeGreaterThan(3);
  } finally {
    for (const proxy of proxies) proxy.close();
  }
}, 120_000);
