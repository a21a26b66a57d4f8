/** `luciole compile`: what it makes, and what it says of programs that it cannot compile (B2). */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Folder, LUCIOLE } from "./executable.ts";

const folder = new Folder({
  "plain.ts":
    'import { flow, PlanError } from "luciole";\nconsole.log(typeof flow, new PlanError("x").name);\n',
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

  test("keeps an older executable when the program cannot be compiled", async () => {
    folder.write("kept", "old");
    const { code } = await luciole("compile", "broken.ts", "--out", "kept");
    expect(code).toBe(1);
    expect(statSync(join(folder.path, "kept")).size).toBe(3);
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
