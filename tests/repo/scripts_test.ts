/** The scripts: what they answer to arguments, and that Ctrl-C leaves nothing of them. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const LIMIT_MS = 60_000;

function run(script: string, ...args: readonly string[]) {
  const done = Bun.spawnSync([join(ROOT, "scripts", script), ...args], { cwd: ROOT, timeout: LIMIT_MS });
  return { code: done.exitCode, stdout: done.stdout.toString(), stderr: done.stderr.toString() };
}

/** Interrupts a script and all that it runs, as a terminal does, once it runs the command. */
async function interrupt(command: string, script: string, ...args: readonly string[]) {
  const scratch = mkdtempSync(join(tmpdir(), "luciole-scripts-"));
  const child = Bun.spawn([join(ROOT, "scripts", script), ...args], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: scratch },
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
    timeout: LIMIT_MS,
  });
  while (child.exitCode === null && !childrenOf(child.pid).includes(command)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const made = readdirSync(scratch).filter(isTemporary).length;
  process.kill(-child.pid, "SIGINT");
  await child.exited;
  const left = readdirSync(scratch).filter(isTemporary);
  rmSync(scratch, { recursive: true });
  return { code: child.exitCode, made, left };
}

const isTemporary = (name: string): boolean => /^(tmp\.|luciole-tests-)/.test(name);

/** Names of the programs that a process has started. */
function childrenOf(pid: number): readonly string[] {
  const { stdout } = Bun.spawnSync(["ps", "-A", "-o", "ppid=,comm="]);
  const rows = stdout
    .toString()
    .split("\n")
    .map((row) => row.trim().split(/\s+/));
  return rows.filter(([parent]) => parent === String(pid)).map(([, name = ""]) => basename(name));
}

function folder(files: Readonly<Record<string, string>>) {
  const path = mkdtempSync(join(tmpdir(), "luciole-scripts-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

describe("scripts", () => {
  test("demo tells its usage", () => {
    expect(run("demo", "--help")).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^usage: scripts\/demo \[FILES\]\nCounts the words/),
      stderr: "",
    });
  });

  test("bench tells its usage, and refuses what it does not know before it measures", () => {
    const usage = expect.stringMatching(/^usage: scripts\/bench \[--quick\]/);
    expect(run("bench", "--help")).toEqual({ code: 0, stdout: usage, stderr: "" });
    for (const args of [
      ["W9"],
      ["--rounds", "none"],
      ["--peers=nobody"],
      ["--growth=0"],
      ["--quick", "--data", "x"],
    ]) {
      expect(run("bench", ...args)).toEqual({ code: 2, stdout: "", stderr: usage });
    }
  });

  test(
    "demo counts the bytes of all its files when there are several",
    () => {
      const { code, stdout } = run("demo", "LICENSE", "README.md", "CHANGELOG.md");
      expect(code).toBe(0);
      const sizes = ["LICENSE", "README.md", "CHANGELOG.md"].map((name) => Bun.file(join(ROOT, name)).size);
      const kilobytes = sizes.reduce((sum, size) => sum + size, 0) / 1000;
      const told = Number(/ rows, ([\d.]+) kB in /.exec(stdout)?.[1]);
      // The list of the files is read too.
      expect(told).toBeGreaterThanOrEqual(Math.floor(kilobytes * 10) / 10);
      expect(told).toBeLessThan(kilobytes + 0.3);
    },
    LIMIT_MS,
  );

  test(
    "demo tells the size of small files in a unit that fits",
    () => {
      const { code, stdout } = run("demo", "LICENSE");
      expect(code).toBe(0);
      expect(stdout).toMatch(
        / rows, [1-9]\d*\.\d kB in .* workers: \d+ rows\/s, [1-9]\d*(\.\d [kM]B| B)\/s\n$/,
      );
    },
    LIMIT_MS,
  );

  test.each([[["tests/nope"]], [["/no/such/file"]], [["docs"]], [["tests/core/program", "README.md"]]])(
    "test refuses %s, which no test matches",
    (args) => {
      const stderr = `scripts/test: no test matches "${args.at(-1)}"\n`;
      expect(run("test", ...args)).toEqual({ code: 2, stdout: "", stderr });
    },
  );

  test(
    "test tells at its end what failed, where and why",
    () => {
      using files = folder({
        "wrong_test.ts": `import { expect, test } from "bun:test";
          test("right", () => {});
          test("one & <two>", () => expect({ a: "x" }).toEqual({ a: "y" }));`,
        "outside_test.ts": 'throw new Error("never loaded");',
      });
      const { code, stdout } = run("test", files.path);
      const end = stdout.slice(stdout.indexOf("failed: "));
      expect({ code, end }).toEqual({ code: 1, end: expect.stringMatching(/\n1 passed, 2 failed\n$/) });
      expect(end).toMatch(/^failed: \S+wrong_test\.ts:3: one & <two>\n {2}expect\(received\)\.toEqual/m);
      expect(end).toContain('-   "a": "y",\n  +   "a": "x",\n');
      expect(end).toMatch(/^failed: \S+outside_test\.ts: an error outside of its tests\n/m);
      expect(end).toContain("error: never loaded\n");
    },
    LIMIT_MS,
  );

  test(
    "test names the file that ran when it is told to end",
    async () => {
      using files = folder({
        "endless_test.ts": `import { test } from "bun:test";
          import { writeFileSync } from "node:fs";
          test("endless", () => { writeFileSync(import.meta.dir + "/begun", ""); for (;;); });`,
      });
      const child = Bun.spawn([join(ROOT, "scripts/test"), files.path], {
        cwd: ROOT,
        stdio: ["ignore", "pipe", "ignore"],
        timeout: LIMIT_MS,
      });
      while (child.exitCode === null && !readdirSync(files.path).includes("begun")) await Bun.sleep(10);
      child.kill("SIGTERM");
      expect(await new Response(child.stdout).text()).toMatch(
        /\nfailed: \S+endless_test\.ts: the runner was ended by SIGTERM\n[\s\S]*\n0 passed, 1 failed\n$/,
      );
      expect(await child.exited).toBe(143);
    },
    LIMIT_MS,
  );

  // Enough to do that none of them is done before it is interrupted.
  test.each([
    { script: "demo", command: "luciole", args: Array.from({ length: 500 }, () => "README.md") },
    { script: "test", command: "bun", args: ["tests/core"] },
  ])(
    "$script leaves nothing when it is interrupted in the midst of $command",
    async ({ script, command, args }) => {
      expect(await interrupt(command, script, ...args)).toEqual({ code: 130, made: 1, left: [] });
    },
    LIMIT_MS,
  );
});
