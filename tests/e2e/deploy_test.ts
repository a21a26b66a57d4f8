/** B5: `luciole deploy` brings a host up over ssh, leaves it alone when it is as it should be, and takes it down. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { Folder, LUCIOLE } from "./executable.ts";
import { freePort, startSshd } from "./sshd.ts";

/** Command lines of the processes that run in a directory. */
function processesIn(directory: string): readonly string[] {
  const pids = existsSync("/proc/self") ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  return pids.flatMap((pid) => {
    try {
      const isThere = readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
      return isThere ? [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")] : [];
    } catch {
      // It is gone, or another user's.
      return [];
    }
  });
}

describe("B5: luciole deploy", () => {
  test("brings a host up over a real sshd, once, and down again", async () => {
    using folder = new Folder();
    await using sshd = await startSshd(folder.scratch);
    if (sshd === undefined) {
      console.warn(
        "luciole deploy is not tried with a real sshd: there is none here (apt-get install openssh-server)",
      );
      return;
    }
    const directory = join(folder.path, "its place");
    const master = `127.0.0.1:${await freePort()}`;
    const options = [...sshd.options.flatMap((option) => ["--ssh-option", option]), "--directory", directory];
    const luciole = (...args: readonly string[]) => folder.run([LUCIOLE, ...args]);
    expect(await luciole("token", "secret")).toMatchObject({ code: 0 });
    const port = String(await freePort());
    const deploy = (...args: readonly string[]) =>
      luciole(
        "deploy",
        "127.0.0.1",
        ...options,
        "--token-file",
        "secret",
        "--master",
        master,
        "--port",
        port,
        ...args,
      );
    try {
      const platform = `${process.platform}-${process.arch}`;
      expect(await deploy("--slots", "1")).toMatchObject({
        code: 0,
        stdout: `ok      127.0.0.1  master and agent started (${platform}, executable sent)\n`,
        stderr: `Next: luciole status --master ${master} --token-file secret\n`,
      });
      expect(statSync(join(directory, "token")).mode & 0o777).toBe(0o600);
      const status = await luciole("status", "--json", "--master", master, "--token-file", "secret");
      expect(JSON.parse(status.stdout)).toMatchObject({
        agents: [{ state: "alive", agent: { address: `127.0.0.1:${port}`, slots: 1 } }],
      });
      expect((await deploy("--slots", "1")).stdout).toContain(
        `master and agent already running (${platform})`,
      );
      expect((await deploy("--slots", "2")).stdout).toContain(`master and agent started (${platform})\n`);
      const other = await deploy("--data-dir", "/dev/null/x");
      expect(other).toMatchObject({ code: 1, stderr: "" });
      expect(other.stdout).toMatch(
        /^failed {2}127.0.0.1 {2}the agent ended at once: Cannot use the agent's directory/,
      );
      expect((await deploy("--slots", "1")).stdout).toContain(`master and agent started (${platform})\n`);
    } finally {
      const stopped = await luciole("deploy", "--stop", "127.0.0.1", ...options);
      expect(stopped).toMatchObject({
        code: 0,
        stdout: "ok      127.0.0.1  agent and master stopped\n",
        stderr: "",
      });
    }
    expect((await luciole("deploy", "--stop", "127.0.0.1", ...options)).stdout).toContain(
      "nothing was running",
    );
    expect(processesIn(directory)).toEqual([]);
  });

  test("says in one line what is wrong with a host", async () => {
    using folder = new Folder();
    if (Bun.which("ssh") === null) {
      console.warn("luciole deploy is not tried: there is no ssh here");
      return;
    }
    const port = await freePort();
    const result = await folder.run([LUCIOLE, "deploy", "127.0.0.1", "--ssh-option", `Port=${port}`]);
    expect(result).toMatchObject({
      code: 1,
      stdout: `failed  127.0.0.1  ssh: connect to host 127.0.0.1 port ${port}: Connection refused\n`,
      stderr: "",
    });
  });

  test.each([
    [["deploy"], "missing required argument 'HOSTS'"],
    [["deploy", "n1:22"], 'Cannot deploy to "n1:22"'],
    [["deploy", "n1", "--slots", "none"], "Cannot read --slots"],
    [["deploy", "n1", "--token-file", "gone"], "Cannot read the secret file gone"],
    [["deploy", "n1", "--stpo"], "(Did you mean --stop?)"],
  ])("%j is a usage error", async (args, what) => {
    using folder = new Folder();
    const { code, stdout, stderr } = await folder.run([LUCIOLE, ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(what);
  });
});
