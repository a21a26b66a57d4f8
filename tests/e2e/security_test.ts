/** The cluster of docs/security.md, as processes: who may use it (X1, X2, X5), and that its secrets stay its own (X6). */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUN, DENO, LUCIOLE } from "./executable.ts";
import { GuardedCluster } from "./guarded_cluster.ts";

const PROGRAM = `
  import { readFileSync } from "node:fs";
  import { flow, run } from "luciole";
  const seen = flow("seen", (f) =>
    f.range(8, { shards: 4 })
      .map((n) => [n % 2, [Object.keys(process.env).sort().join(), readFileSync("/proc/self/cmdline", "utf8")]])
      .groupByKey()
      .map(([key, all]) => [key, all[0], all.length]));
  await run(async (job) => {
    const rows = await (await job.execute(seen)).collect();
    if (job.args[0] === "fail") throw new Error("on purpose");
    console.log(JSON.stringify(rows.sort()));
  });
`;
let cluster: GuardedCluster;
let shapes: readonly string[];

beforeAll(async () => {
  cluster = await GuardedCluster.open({ "job.ts": PROGRAM }, 2);
  cluster.folder.installPackage();
  const read = (name: string) => readFileSync(join(cluster.folder.path, name));
  const secret = read("cluster.token").toString().trim();
  const bytes = Buffer.from(secret, "base64url");
  const keys = ["ca", "server", "client"].map((name) => read(`certs/${name}.key`).toString().split("\n")[1]);
  shapes = [secret, bytes.toString("hex"), bytes.toString("base64"), ...keys].map(String);
}, 60_000);

afterAll(() => cluster.close());

function secretsIn(text: string): readonly string[] {
  return shapes.filter((shape) => text.includes(shape));
}

describe("the cluster of docs/security.md", () => {
  test("runs the program there, whose tasks see no secret and no variable of the agent's", async () => {
    const { code, stdout, stderr } = await cluster.run(cluster.runCommand);
    expect({ code, stderr: stderr.replace(/^warning: .*\n/gm, "") }).toEqual({ code: 0, stderr: "" });
    const rows = JSON.parse(stdout);
    expect(rows.length).toBe(2);
    for (const [, [names, argv]] of rows) {
      expect(names).not.toMatch(/PASSWORD|TOKEN|TLS|SECRET/);
      expect(names).toContain("LUCIOLE_JOB");
      expect(secretsIn(argv)).toEqual([]);
    }
  });

  test.each([
    ["bun", [BUN, "job.ts"]],
    ["deno", [DENO, "run", "-A", "job.ts"]],
  ])("takes drivers on %s, with the certificate of clients", async (_, command) => {
    const env = { LUCIOLE_TLS_CERT: "certs/client.crt", LUCIOLE_TLS_KEY: "certs/client.key" };
    const { code, stdout, stderr } = await cluster.run([...command, "--master", cluster.master], env);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout).length).toBe(2);
  });

  test("X6: shows no secret in argv, environment, logs, errors and files", async () => {
    const failed = await cluster.run([...cluster.runCommand, "fail"]);
    expect(failed.code).toBe(1);
    const [noToken, debug] = await Promise.all([
      cluster.run(cluster.runCommand, { LUCIOLE_TOKEN_FILE: "" }),
      cluster.run([LUCIOLE, "run", "--log-level", "debug", "--json", "--master", cluster.master, "job.ts"]),
    ]);
    expect([noToken.code, debug.code]).toEqual([1, 0]);
    const processes = cluster.roles.map(({ child }) => child.pid);
    const proc = process.platform === "linux" ? processes.flatMap(argvAndEnvironment) : [];
    const said = [failed, noToken, debug].flatMap(({ stdout, stderr }) => [stdout, stderr]);
    const files = readdirSync(cluster.folder.path, { recursive: true, withFileTypes: true })
      .filter(
        (entry) => entry.isFile() && !/\.(key|token)$|node_modules/.test(join(entry.parentPath, entry.name)),
      )
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"));
    for (const text of [...said, ...proc, ...cluster.roles.map((role) => role.said), ...files]) {
      expect(secretsIn(text)).toEqual([]);
      expect(text).not.toMatch(/v1\.[\w-]{20,}\.[\w-]{43}/);
    }
  });

  test.each([
    ["no secret", { LUCIOLE_TOKEN_FILE: "" }, "the cluster has a secret, and this program none"],
    ["another secret", { LUCIOLE_TOKEN_FILE: "other.token" }, "another secret"],
    ["no certificate", { LUCIOLE_TLS_CERT: "", LUCIOLE_TLS_KEY: "" }, "TLS"],
    ["no TLS", { LUCIOLE_TLS_CA: "", LUCIOLE_TLS_CERT: "", LUCIOLE_TLS_KEY: "" }, "TLS"],
    ["another authority", { LUCIOLE_TLS_CA: "other/ca.crt" }, "authority that is not trusted"],
    ["a file that others may read", { LUCIOLE_TOKEN_FILE: "open.token" }, "run chmod 600"],
    ["a file that is not there", { LUCIOLE_TOKEN_FILE: "none.token" }, "there is no such file"],
  ])("refuses a driver with %s, in one line", async (_, env, why) => {
    await cluster.run([LUCIOLE, "token", "other.token"]);
    await cluster.run([LUCIOLE, "cert", "init", "other"]);
    writeFileSync(join(cluster.folder.path, "open.token"), `${"A".repeat(43)}\n`, { mode: 0o644 });
    const { code, stdout, stderr } = await cluster.run(cluster.runCommand, env);
    expect(stdout).toBe("");
    expect(code === 1 || code === 2).toBe(true);
    expect(stderr).toContain(why);
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
  });

  test("X2: roles refuse other addresses without a secret, in one line", async () => {
    for (const role of ["master", "agent"]) {
      const command = [LUCIOLE, "--role", role, "--host", "0.0.0.0", "--port", "0"];
      const { code, stderr } = await cluster.run(command, { LUCIOLE_TOKEN_FILE: "" });
      expect(code).toBe(2);
      expect(stderr).toContain("Cannot listen on 0.0.0.0: it is no loopback address");
    }
  });
});

function argvAndEnvironment(pid: number): readonly string[] {
  return ["cmdline", "environ"].map((name) => readFileSync(`/proc/${pid}/${name}`, "utf8"));
}
