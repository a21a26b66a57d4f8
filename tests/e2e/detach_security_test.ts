/** A detached driver in the cluster of docs/security.md: it does its work, and sees no secret (X6). */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LUCIOLE } from "./executable.ts";
import { GuardedCluster } from "./guarded_cluster.ts";

/** Shows all that it has, and what it was started with. */
const PROGRAM = `
  import { readFileSync } from "node:fs";
  import { flow, run } from "luciole";
  const seen = flow("seen", (f) => f.range(8).map((n) => n % 3).countByValue().sortByKey());
  await run(async (job) => {
    console.log(JSON.stringify(await (await job.execute(seen)).collect()));
    console.log(JSON.stringify(process.env), JSON.stringify(process.argv));
    console.log(readFileSync("/proc/self/environ", "utf8"), readFileSync("/proc/self/cmdline", "utf8"));
    if (job.args[0] === "fail") throw new Error("on purpose");
  });
`;
let cluster: GuardedCluster;
let shapes: readonly string[];

beforeAll(async () => {
  cluster = await GuardedCluster.open({ "job.ts": PROGRAM }, 2);
  const read = (name: string) => readFileSync(join(cluster.folder.path, name));
  const secret = read("cluster.token").toString().trim();
  const bytes = Buffer.from(secret, "base64url");
  const keys = ["ca", "server", "client"].map((name) => read(`certs/${name}.key`).toString().split("\n")[1]);
  shapes = [secret, bytes.toString("hex"), bytes.toString("base64"), ...keys].map(String);
}, 60_000);

afterAll(() => cluster.close());

const luciole = (...args: readonly string[]) => cluster.run([LUCIOLE, ...args, "--master", cluster.master]);

test("X6: a detached driver finds no secret in its environment and its arguments, and prints none", async () => {
  for (const [end, code] of [
    ["", 0],
    ["fail", 1],
  ] as const) {
    const submitted = await cluster.run([LUCIOLE, "submit", "--master", cluster.master, "job.ts", end]);
    expect({ code: submitted.code, stdout: submitted.stdout }).toMatchObject({ code: 0 });
    const job = submitted.stdout.trim();
    const attached = await luciole("attach", job);
    expect(attached.code).toBe(code);
    expect(attached.stdout).toStartWith("[[0,3],[1,3],[2,2]]\n");
    expect(attached.stdout).not.toMatch(/hunter2|PASSWORD|TOKEN|TLS_|Bearer|v1\.[\w-]{20}/);
    const listed = await luciole("jobs");
    const told = [attached.stdout, attached.stderr, listed.stdout, ...cluster.roles.map(({ said }) => said)];
    for (const text of told) expect(shapes.filter((shape) => text.includes(shape))).toEqual([]);
  }
});

test("X1: nobody follows, sees or ends a detached driver without the secret", async () => {
  const { stdout } = await cluster.run([LUCIOLE, "submit", "--master", cluster.master, "job.ts"]);
  const job = stdout.trim();
  for (const args of [["attach", job], ["logs", job], ["cancel", job], ["jobs"]]) {
    const stranger = await cluster.run([LUCIOLE, ...args, "--master", cluster.master], {
      LUCIOLE_TOKEN_FILE: "",
    });
    expect(stranger.code).toBe(1);
    expect(stranger.stderr).toContain("name its file with --token-file");
    expect(stranger.stdout).toBe("");
  }
  expect((await luciole("attach", job)).code).toBe(0);
});
