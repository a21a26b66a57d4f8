/** The first five minutes with a cluster: what is printed when something is mistyped, not there, or not what it should be. */
import { afterAll, describe, expect, test } from "bun:test";
import { Folder, LUCIOLE } from "./executable.ts";
import { freePort } from "./sshd.ts";

const folder = new Folder({ "job.ts": "" });
const luciole = (args: readonly string[], env: Record<string, string> = {}) =>
  folder.run([LUCIOLE, ...args], { env });
afterAll(() => folder[Symbol.dispose]());

describe("luciole --role", () => {
  test.each([
    [["--role"], "Cannot read --role: its value is missing"],
    [["--role", "agnet"], 'expected one of master, agent, driver, task, got "agnet"; did you mean agent?'],
    [["agent"], "(Did you mean luciole --role agent?)"],
    [["--role", "agent", "--prot", "1"], "(Did you mean --port?)"],
    [["--role", "agent", "--port"], "option '--port <n>' argument missing"],
    [
      ["--role", "agent", "--port", "74o1"],
      'Cannot read --port: expected a whole number from 0 to 65535, got "74o1"',
    ],
    [["--role", "agent", "extra"], "too many arguments"],
    [["--role", "agent", "--masters", "m1"], "(Did you mean --master?)"],
    [["--role", "agent", "--host", "0.0.0.0"], "make a secret with `luciole token FILE`"],
    [["--role", "master", "--host", "0.0.0.0"], "make a secret with `luciole token FILE`"],
    [["--role", "master", "--lost-after", "1s"], "Cannot use --lost-after 1 s with a heartbeat every 2 s"],
    [["--role", "master", "--token-file", "gone"], "Cannot read the secret file gone: there is no such file"],
    [["--role", "master", "--tls-ca", "gone"], "Cannot use gone for TLS: there is no such file"],
    [["--role", "task"], "agents start tasks"],
  ])("%j is a usage error that says what to do", async (args, what) => {
    const { code, stdout, stderr } = await luciole(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(what);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test.each([
    ["LUCIOLE_PROT", "did you mean LUCIOLE_PORT?"],
    ["LUCIOLE_UNHEARD_OF", "luciole help variables lists all"],
  ])("a variable %s that nothing reads is a usage error", async (name, hint) => {
    const { code, stderr } = await luciole(["--role", "master"], { [name]: "1" });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `error: Cannot use the variable ${name}: nothing reads it; ${hint}\n`,
    });
  });

  test.each(["master", "agent", "driver", "task"])("%s has help, by two ways", async (role) => {
    const direct = await luciole(["--role", role, "--help"]);
    expect(direct).toMatchObject({ code: 0, stderr: "" });
    expect(direct.stdout).toStartWith("Usage: luciole");
    expect(direct.stdout.split("\n").every((line) => line.length <= 100)).toBe(true);
    expect((await luciole(["help", role])).stdout).toBe(direct.stdout);
  });

  test("driver runs a program", async () => {
    expect((await luciole(["--role", "driver", "gone.ts"])).stderr).toBe(
      'error: Cannot run "gone.ts": no such file\n',
    );
  });

  test("counts as a variable when there is no command", async () => {
    const env = { LUCIOLE_ROLE: "agent" };
    expect((await luciole(["--help"], env)).stdout).toStartWith("Usage: luciole --role agent");
    expect((await luciole(["version"], env)).stdout).toStartWith("luciole ");
  });
});

describe("luciole run", () => {
  test("refuses a variable that is a slip of the hand, and no other", async () => {
    const slip = await luciole(["run", "job.ts"], { LUCIOLE_MASTR: "m1" });
    expect(slip.stderr).toBe(
      "error: Cannot use the variable LUCIOLE_MASTR: nothing reads it; did you mean LUCIOLE_MASTER?\n",
    );
    const other = await luciole(["run", "gone.ts"], { LUCIOLE_OF_MY_OWN: "x" });
    expect(other.code).toBe(3);
  });
});

describe.each(["status", "jobs", "logs", "cancel"])("luciole %s", (verb) => {
  const asked = verb === "logs" || verb === "cancel" ? [verb, "j1"] : [verb];

  test("says in one line who is not there", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    expect(await luciole([...asked, "--master", address])).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: Cannot use the master at ${address}: nothing listens there\n`,
    });
  });

  test("says in one line that something else is there", async () => {
    using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
    const address = `127.0.0.1:${server.port}`;
    const why = "something else than luciole listens there (it answered with status 200)";
    expect(await luciole(asked, { LUCIOLE_MASTER: address })).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: Cannot use the master at ${address}: ${why}\n`,
    });
  });

  test("says what an address looks like", async () => {
    const { code, stderr } = await luciole([...asked, "--master", "http://m1"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'error: Cannot read --master: expected addresses such as "host:7400" or "m1,m2", got "http://m1"\n',
    });
  });
});

test("luciole doctor finds out that there is no master, and what to do", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const { code, stdout, stderr } = await luciole(["doctor", "--master", address]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  expect(stdout.split("\n")[1]).toMatch(
    /^failed {2}master .* nothing listens there; start it there \(luciole --role master\)/,
  );
  const json = JSON.parse((await luciole(["doctor", "--json", "--master", address])).stdout);
  expect(
    json.filter(({ isOk }: { isOk: boolean }) => !isOk).map(({ check }: { check: string }) => check),
  ).toEqual([`master ${address}`]);
});
