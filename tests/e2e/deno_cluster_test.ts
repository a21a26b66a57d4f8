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
const files = { "job.ts": PROGRAM, "lib/suffix.ts": 'export const suffix: string = "!";' };
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
