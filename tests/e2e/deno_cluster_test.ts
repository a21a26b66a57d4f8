/** B7: a program under `deno run -A`, on this machine and as the driver of a cluster, gives what the executable gives. */
import { afterAll, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";
import { DENO } from "./executable.ts";

const PROGRAM = `
import { flow, run } from "luciole";
import { suffix } from "./lib/suffix.ts";
const counts = flow("counts", (f, p: { text: readonly string[] }) =>
  f.values(p.text, { shards: 3 }).flatMap((line) => line.split(" ")).map((word) => word + suffix).countByValue()
    .sortBy(([word]) => word));
await run(async (job) => {
  for (const [word, n] of await (await job.execute(counts, { text: job.args })).collect()) console.log(word, n);
});
`;
/** Long enough to find the way from the agent to lines between workers. */
const GANG = `
import { run, worker } from "luciole";
const sums = worker("sums", async (ctx) => {
  let sum = 0;
  for (let i = 0; i < 50; i++) sum += (await ctx.allReduce(new Float64Array(50_000).fill(ctx.rank + i), "sum"))[i];
  return sum;
});
await run(async (job) => console.log(JSON.stringify(await (await job.execute(sums)).collect())));
`;
const files = {
  "gang.ts": GANG,
  "job.ts": PROGRAM,
  "lib/suffix.ts": 'export const suffix: string = "!";',
};
const cluster = await Cluster.open({ agents: 2, slots: 1, files });
cluster.folder.installPackage();
afterAll(() => cluster[Symbol.asyncDispose]());

const ARGS = ["b a", "c b", "b"];
const EXPECTED = { code: 0, stdout: "a! 1\nb! 3\nc! 1\n", stderr: "" };

test("B7: deno runs a program on this machine", async () => {
  const command = [DENO, "run", "-A", "job.ts", "--workers", "2", ...ARGS];
  expect(await cluster.folder.run(command)).toEqual(EXPECTED);
});

test("B7: deno drives a cluster, with its own flag and with the variable", async () => {
  const command = [DENO, "run", "-A", "job.ts"];
  const byFlag = await cluster.folder.run([...command, "--master", cluster.address, ...ARGS]);
  expect(byFlag).toEqual(EXPECTED);
  const env = { LUCIOLE_MASTER: cluster.address };
  expect(await cluster.folder.run([...command, ...ARGS], { env })).toEqual(EXPECTED);
  expect(await cluster.run(["job.ts", ...ARGS])).toEqual(EXPECTED);
});

test("B7: workers on deno reach each other", async () => {
  const ended = await cluster.folder.run([DENO, "run", "-A", "gang.ts", "--workers", "3"]);
  // Of 0 + i, 1 + i and 2 + i.
  expect(ended).toEqual({ code: 0, stdout: "[3825,3825,3825]\n", stderr: "" });
});
