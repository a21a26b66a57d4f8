/** B1: every role and verb of a cluster from a copy of the executable in an empty folder, with no tool to be found. */
import { afterAll, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { Cluster } from "./cluster.ts";
import { Folder, LUCIOLE } from "./executable.ts";

const COUNTS = `
import { flow, run } from "luciole";
const counts = flow("counts", (f) => f.values(["b a", "a"], { shards: 2 }).words().countByValue().sortByKey());
await run(async (job) => console.log(JSON.stringify([job.args, await (await job.execute(counts)).collect()])));
`;
const elsewhere = new Folder();
const executable = join(elsewhere.path, "luciole");
copyFileSync(LUCIOLE, executable);
const secret = join(elsewhere.path, "secret");
const env = { PATH: join(elsewhere.scratch, "nothing") };
await elsewhere.run([executable, "token", secret], { env });

const cluster = await Cluster.open({
  agents: 1,
  slots: 1,
  files: { "counts.ts": COUNTS },
  env: { ...env, LUCIOLE_TOKEN_FILE: secret },
  wrap: (_, [, ...args]) => [executable, ...args],
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  elsewhere[Symbol.dispose]();
});
const luciole = (...args: readonly string[]) =>
  cluster.folder.run([executable, ...args], {
    env: { ...env, LUCIOLE_TOKEN_FILE: secret, LUCIOLE_MASTER: cluster.address },
  });

test("B1: masters, agents, drivers, tasks and the verbs of clusters need nothing but the executable", async () => {
  const printed = { code: 0, stdout: '[["x"],[["a",2],["b",1]]]\n', stderr: "" };
  expect(await luciole("run", "counts.ts", "x")).toEqual(printed);
  expect(await luciole("--role", "driver", "counts.ts", "x")).toEqual(printed);
  expect(await luciole("compile", "counts.ts")).toMatchObject({ code: 0 });
  expect(
    await cluster.folder.run(["./counts", "--master", cluster.address, "x"], {
      env: { ...env, LUCIOLE_TOKEN_FILE: secret },
    }),
  ).toEqual(printed);
  // The master is told a moment later.
  const shown = async (verb: string, pattern: RegExp): Promise<void> => {
    let { stdout } = await luciole(verb);
    for (let i = 0; i < 100 && !pattern.test(stdout); i++) ({ stdout } = await luciole(verb));
    expect(stdout).toMatch(pattern);
  };
  await shown("status", /1 agent, 1 of 1 slot free/);
  await shown("jobs", /^JOB .*(\n\S+ +counts +succeeded .*){3}\n$/);
  expect((await luciole("doctor")).stdout).toMatch(/^ok +agent a0 +answers at /m);
  // Ids are random: no job's begins so.
  for (const verb of ["logs", "cancel"]) {
    expect((await luciole(verb, "jnone")).stderr).toMatch(
      /^error: Cannot .* "jnone": no job runs on the cluster\n$/,
    );
  }
  expect((await luciole("deploy", "127.0.0.1")).stdout).toBe(
    "failed  127.0.0.1  ssh cannot be run: it is not installed here\n",
  );
  expect(await luciole("cert", "init", "certs")).toMatchObject({ code: 0 });
});
