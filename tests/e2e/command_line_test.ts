/** The executable's command line: help, mistakes, exit codes, flags (B1, G8). */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT_MEANINGS } from "../../core/program/exit_codes.ts";
import { Folder, LUCIOLE, ROOT } from "./executable.ts";

const folder = new Folder({
  "job.ts": `
    import { run } from "luciole";
    await run(async (job) => {
      console.log(JSON.stringify({ args: job.args, workers: job.workers, argv: process.argv.slice(2) }));
    });
  `,
});
afterAll(() => folder[Symbol.dispose]());
const luciole = (...args: string[]) => folder.run([LUCIOLE, ...args]);

describe("luciole", () => {
  test("without a command prints help to stderr and exits with 2", async () => {
    const { code, stdout, stderr } = await luciole();
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Usage: luciole");
  });

  test("exits with the code of its failure though nobody reads what it says of it", async () => {
    // A pipe whose reader has gone.
    const pipe = "mkfifo gone && exec 4<>gone && exec 2>gone && exec 4<&-";
    const { stdout } = await folder.run(["sh", "-c", `${pipe}; "$0" run missing.ts; echo $?`, LUCIOLE]);
    expect(stdout).toBe("3\n");
  });

  test.each([[["--help"]], [["-h"]], [["help"]]])("%j prints help to stdout", async (args) => {
    const { code, stdout, stderr } = await luciole(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const verb of ["run", "compile", "plot", "version"]) expect(stdout).toContain(`  ${verb} `);
  });

  test.each(["run", "compile", "plot", "version", "help"])("%s --help equals help %s", async (verb) => {
    const [first, second] = await Promise.all([luciole(verb, "--help"), luciole("help", verb)]);
    expect(first.code).toBe(0);
    expect(first.stdout).toContain(`Usage: luciole ${verb}`);
    expect(second).toEqual(first);
  });

  test.each([
    [["rnu"], "unknown command 'rnu'", "(Did you mean run?)"],
    [["job.ts"], "unknown command 'job.ts'", "(Did you mean luciole run job.ts?)"],
    [["run", "--wrkers", "2", "job.ts"], "unknown option '--wrkers'", "(Did you mean --workers?)"],
    [["run"], "missing required argument 'PROGRAM'", ""],
    [["run", "--workers", "0", "job.ts"], "Cannot read --workers", "from 1 to 4096"],
    [["run", "--workers", "4..2", "job.ts"], "Cannot read --workers", '"2..16", got "4..2"'],
    [["run", "--fixed", "--workers", "2..4", "job.ts"], "Cannot run with --fixed and --workers 2..4", ""],
    [["run", "--memory", "lots", "job.ts"], "Cannot read --memory", '"2GiB"'],
    [
      ["run", "--log-level", "loud", "job.ts"],
      'error: Cannot read --log-level: expected one of debug, info, warn, error, got "loud"',
      "",
    ],
    [["plot", "--format", "gif", "job.ts"], "--format", "dot, mermaid, svg"],
    [["plot", "--params", "{", "job.ts"], "--params", "not JSON"],
    [["compile", "job.ts", "--out", "job.ts"], "it is the program itself", ""],
    [["help", "nothing"], "no help on 'nothing'", "exit-codes"],
  ])("%j is a usage error that says what is wrong", async (args, what, hint) => {
    const { code, stdout, stderr } = await luciole(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(what);
    expect(stderr).toContain(hint);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test.each([
    ["LUCIOLE_WORKERS", 'or a range of them such as "2..16", got "many"'],
    ["LUCIOLE_CODE", '"generated" or "general", got "many"'],
  ])("a wrong variable %s is a usage error that names the variable", async (name, what) => {
    const { code, stderr } = await folder.run([LUCIOLE, "run", "job.ts"], { env: { [name]: "many" } });
    expect(code).toBe(2);
    expect(stderr).toContain(`Cannot read ${name}: expected `);
    expect(stderr).toContain(what);
  });

  test.each(["run", "compile", "plot"])("%s of a missing program exits with 3 and names it", async (verb) => {
    const { code, stderr } = await luciole(verb, "gone.ts");
    expect(code).toBe(3);
    expect(stderr).toBe(`error: Cannot ${verb} "gone.ts": no such file\n`);
  });

  test("errors are one JSON line on stderr with --json", async () => {
    const { code, stdout, stderr } = await luciole("run", "--json", "gone.ts");
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(JSON.parse(stderr)).toMatchObject({ kind: "failed", error: { code: "input-missing" } });
  });

  test("version tells the version of package.json, as text and as JSON", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect((await luciole("--version")).stdout).toBe(`${version}\n`);
    expect((await luciole("version")).stdout).toStartWith(`luciole ${version} (protocol `);
    expect(JSON.parse((await luciole("version", "--json")).stdout)).toMatchObject({ version, protocol: 1 });
  });

  test("help exit-codes and docs/cli.md show the same table", async () => {
    const { stdout } = await luciole("help", "exit-codes");
    const docs = readFileSync(join(ROOT, "docs/cli.md"), "utf8");
    for (const [code, meaning] of EXIT_MEANINGS) {
      expect(stdout).toContain(`${code}`.padEnd(5) + meaning);
      expect(docs).toContain(`| ${code} | ${meaning} |`);
    }
  });
});

describe("luciole run", () => {
  const runJob = async (...args: string[]) => JSON.parse((await luciole("run", ...args)).stdout);

  test("takes flags before the program and hands over everything after it", async () => {
    const args = ["--top", "5", "--workers", "9", "--json", "-x", "a b", "--", "--quiet"];
    expect(await runJob("--workers", "1", "job.ts", ...args)).toEqual({ args, workers: 1, argv: args });
  });

  test("drops a -- that only separates the program from its arguments", async () => {
    const args = ["--workers", "9"];
    expect(await runJob("--workers=1", "job.ts", "--", ...args)).toEqual({ args, workers: 1, argv: args });
  });

  test("reads the LUCIOLE_* variables, and a flag wins", async () => {
    const env = { LUCIOLE_WORKERS: "2" };
    const fromVariable = await folder.run([LUCIOLE, "run", "job.ts"], { env });
    expect(JSON.parse(fromVariable.stdout).workers).toBe(2);
    const fromFlag = await folder.run([LUCIOLE, "run", "--workers", "1", "job.ts"], { env });
    expect(JSON.parse(fromFlag.stdout).workers).toBe(1);
  });
});
