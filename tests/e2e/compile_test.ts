/** `luciole compile`: what it makes, and what it says of programs that it cannot compile (B2). */
import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Folder, LUCIOLE } from "./executable.ts";

const folder = new Folder({
  "plain.ts":
    'import { flow, PlanError, run } from "luciole";\nif (import.meta.main) await run(() => console.log(typeof flow, new PlanError("x").name));\n',
  "flows.cjs":
    'const { flow } = require("luciole");\nflow("it", (f) => f.range(3));\nconsole.log("loaded");\n',
  "nothing.ts": "",
  "prog.txt": 'console.log("text");\n',
  noext: 'console.log("text");\n',
  "places.ts":
    'import { run } from "luciole";\nimport { inner } from "./inner/places.ts";\nawait run(() => console.log(inner(), __dirname, process.env.NODE_ENV));\n',
  "inner/places.ts": "export const inner = () => __dirname;\n",
  "broken.ts": "export const a: = 3;\n",
  "lost.ts": 'import { a } from "./gone.ts";\nimport { b } from "no-such-package";\nconsole.log(a, b);\n',
  "throws.ts":
    'interface A {\n  a: 1;\n}\n\nfunction boom(_: A): never {\n  throw new Error("at load");\n}\nboom({ a: 1 });\n',
});
afterAll(() => folder[Symbol.dispose]());
const luciole = (...args: string[]) => folder.run([LUCIOLE, ...args]);

describe("luciole compile", () => {
  test("names the executable after the program and leaves nothing else", async () => {
    const before = readdirSync(folder.path);
    const { code, stdout, stderr } = await luciole("compile", "plain.ts", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const path = join(folder.path, "plain");
    expect(JSON.parse(stdout)).toEqual({ path, sizeBytes: statSync(path).size });
    expect(readdirSync(folder.path).sort()).toEqual([...before, "plain"].sort());
    expect(folder.leftovers()).toEqual([]);
    // Names of classes survive: users decide on them.
    expect(await folder.run(["./plain"])).toEqual({ code: 0, stdout: "function PlanError\n", stderr: "" });
  });

  test("leaves to each module where it lay, and to the environment what it says", async () => {
    await luciole("compile", "places.ts", "-o", "placed");
    const { stdout } = await folder.run(["./placed"], { env: { NODE_ENV: "production" } });
    expect(stdout).toBe(`${join(folder.path, "inner")} ${folder.path} production\n`);
  });

  test("replaces an earlier executable of its own and an empty file, and nothing else", async () => {
    folder.write("notes", "mine");
    folder.write("empty", "");
    const notes = await luciole("compile", "plain.ts", "--out", "notes");
    expect(notes).toEqual({
      code: 1,
      stdout: "",
      stderr:
        'error: Cannot write "notes": it exists and was not made by luciole compile; delete it or choose another with --out\n',
    });
    expect(readFileSync(join(folder.path, "notes"), "utf8")).toBe("mine");
    copyFileSync(LUCIOLE, join(folder.path, "tool"));
    expect((await luciole("compile", "plain.ts", "--out", "tool")).stderr).toContain("was not made by");
    expect((await luciole("compile", "plain.ts", "--out", "/dev/null")).stderr).toContain("was not made by");
    for (let i = 0; i < 2; i++) expect((await luciole("compile", "flows.cjs", "-o", "empty")).code).toBe(0);
  });

  test("keeps an older executable when the program cannot be compiled", async () => {
    await luciole("compile", "plain.ts", "--out", "kept");
    const { code, stderr } = await luciole("compile", "broken.ts", "--out", "kept");
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("Unexpected =") });
    expect((await folder.run(["./kept"])).stdout).toBe("function PlanError\n");
  });

  test.each(["prog.txt", "noext"])("refuses %s, of which no program can be made", async (program) => {
    const { code, stdout, stderr } = await luciole("compile", program, "-o", "other");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toStartWith(`error: Cannot compile "${program}": its name must end with one of .ts .tsx`);
    expect(existsSync(join(folder.path, "other"))).toBe(false);
  });

  test.each([
    ["flows.cjs", "loaded\n"],
    ["nothing.ts", ""],
  ])("makes a program of %s that fails as luciole run does: it never calls run", async (program, stdout) => {
    const stderr = `error: Cannot run "${program}": it ended without a call of run or openJob\n`;
    expect(await luciole("run", program)).toEqual({ code: 1, stdout, stderr });
    expect((await luciole("compile", program, "-o", "idle")).code).toBe(0);
    expect(await folder.run(["./idle"])).toEqual({ code: 1, stdout, stderr });
  });

  test.each([
    ["broken.ts", [/broken\.ts:1:\d+: Unexpected =/]],
    [
      "lost.ts",
      [
        /lost\.ts:1:\d+: Could not resolve: "\.\/gone\.ts"/,
        /lost\.ts:2:\d+: Could not resolve: "no-such-package"/,
      ],
    ],
  ])("tells file, line and reason of %s", async (program, reasons) => {
    const { code, stdout, stderr } = await luciole("compile", program);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toStartWith(`error: Cannot compile "${program}": `);
    for (const reason of reasons) expect(stderr).toMatch(reason);
    expect(existsSync(join(folder.path, program.replace(".ts", "")))).toBe(false);
  });

  test("refuses a directory as output, and one that does not exist", async () => {
    expect((await luciole("compile", "plain.ts", "--out", ".")).stderr).toContain("it is a directory");
    const missing = await luciole("compile", "plain.ts", "--out", "no/where");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('Cannot write "no/where": ENOENT');
  });
});

describe("what a program throws while it loads", () => {
  test("is shown with the user's line by luciole run and by its own executable", async () => {
    const run = await luciole("run", "throws.ts");
    await luciole("compile", "throws.ts");
    const own = await folder.run(["./throws"]);
    for (const { code, stderr } of [run, own]) {
      expect(code).toBe(1);
      expect(stderr).toContain("at load");
      expect(stderr).toMatch(/throws\.ts:6\b/);
    }
  });

  test.each([
    ["broken.ts", /broken\.ts:1/],
    ["lost.ts", /Cannot find .*(gone|no-such-package)/],
  ])("is shown for %s, which cannot be loaded", async (program, reason) => {
    const { code, stdout, stderr } = await luciole("run", program);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(reason);
  });
});
