/** M6: connections that break all the time: every message comes once and in order, both ways. */
import { expect, test } from "bun:test";
import { Cluster } from "../e2e/cluster.ts";
import { CuttingProxy } from "../e2e/cutting_proxy.ts";
import { freePort } from "../e2e/sshd.ts";
import { Random } from "../simulation/random.ts";

const MESSAGES = 600;
const LIFE_MS = 250;

/** Workers send back whatever comes, and give what came as rows. */
const PROGRAM = `
import { flow, run } from "luciole";
const N = ${MESSAGES};
const echo = flow("echo", (f) => f.generate(2, async function* (_, ctx) {
  const came = [];
  const all = Promise.withResolvers();
  ctx.on("driverMessage", (n) => {
    came.push(n);
    ctx.sendToDriver(n);
    if (came.length >= N) all.resolve();
  });
  ctx.sendToDriver("ready");
  await all.promise;
  yield came.every((n, i) => n === i);
}));
await run(async (job) => {
  const back = new Map();
  const ready = Promise.withResolvers();
  job.on("workerMessage", (n, worker) => {
    const list = back.get(worker) ?? [];
    back.set(worker, list);
    if (n === "ready") { if (back.size === 2) ready.resolve(); } else list.push(n);
  });
  const { outputs, done } = job.start(echo);
  await ready.promise;
  for (let n = 0; n < N; n++) {
    await job.messenger.broadcast(n);
    if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  console.log("sent all");
  await done;
  console.log(JSON.stringify(await outputs.collect()));
  while ([...back.values()].some((list) => list.length < N)) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(JSON.stringify([...back.values()].map((list) => list.every((n, i) => n === i))));
});
`;

test("M6: messages between a driver and its workers, over connections that are cut within a quarter of a second", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = new Random(seed);
  const proxies: CuttingProxy[] = [];
  const ports = new Map<string, readonly string[]>();
  for (const name of ["a0", "a1"]) {
    const port = await freePort();
    const proxy = new CuttingProxy(port, LIFE_MS, () => random.below(1_000) / 1_000);
    proxies.push(proxy);
    ports.set(name, ["--port", `${port}`, "--advertise", `127.0.0.1:${await proxy.listen()}`]);
  }
  try {
    const wrap = (role: string, command: readonly string[]) => [...command, ...(ports.get(role) ?? [])];
    await using cluster = await Cluster.open({ agents: 2, files: { "echo.ts": PROGRAM }, wrap });
    const { code, stdout, stderr } = await cluster.run(["echo.ts"]);
    console.log(`seed ${seed}: ${proxies.map(({ cuts }) => cuts)} connections were cut`);
    expect({ stdout, code, stderr }).toEqual({
      stdout: "sent all\n[true,true]\n[true,true]\n",
      code: 0,
      stderr: "",
    });
    for (const { cuts } of proxies) expect(cuts).toBeGreaterThan(5);
  } finally {
    for (const proxy of proxies) proxy.close();
  }
}, 120_000);
