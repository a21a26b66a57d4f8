/** Bundles of scripts: they do elsewhere, inside of the executable, what the scripts do here. */
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleWithBun } from "../../net/program/bundle_bun.ts";
import { withPlace } from "../../net/program/module_places.ts";
import { WORKER_ENV } from "../../net/protocol.ts";
import { BUN, type Finished, Folder, LUCIOLE } from "./executable.ts";

const PLACES =
  "import.meta.url, import.meta.dir, import.meta.dirname, import.meta.file, import.meta.filename, import.meta.path";

const folder = new Folder({
  "places.ts": `#!/usr/bin/env bun
import { run } from "luciole";
import { places } from "./lib/places.ts";
import { later } from "./lib/later.cjs";
import { own } from "./lib/own.ts";
console.log(${PLACES}, __dirname, __filename, places(), later(), own(), process.env.NODE_ENV);
console.log((await import("./lib/dynamic.ts")).default);
await run(() => undefined);
`,
  "lib/places.ts": `export const places = () => [${PLACES}, import.meta.main, __dirname, __filename];\n`,
  "lib/later.cjs": "exports.later = () => [__dirname, __filename];\n",
  "lib/own.ts": `import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
const __filename = fileURLToPath(import.meta.url), __dirname = dirname(__filename);
export const own = () => [__dirname, __filename];
`,
  "lib/dynamic.ts": "export default [import.meta.url, __dirname];\n",
  "data.ts": `import { run } from "luciole";
import { Greeter } from "greeter";
import data from "./data.json";
import note from "./note.txt" with { type: "text" };
console.log(data.list.length, note, new Greeter("Ann").greet());
await run(() => undefined);
`,
  "data.json": '{"list": [1, 2, 3]}',
  "note.txt": "a note",
  "node_modules/greeter/package.json":
    '{"name": "greeter", "exports": {"import": "./esm.mjs", "require": "./cjs.js"}}',
  "node_modules/greeter/esm.mjs":
    'import words from "./words.json" with { type: "json" };\nexport class Greeter { constructor(n) { this.n = n; } greet() { return words.hello + this.n; } }\n',
  "node_modules/greeter/words.json": '{"hello": "Hello "}',
  "stack.ts": `interface Wide {
  readonly a: number;
}
import { run } from "luciole";
const text = \`
//# sourceMappingURL=text.map
\`;
console.log(text.length, typeof run);

import { boom } from "./lib/boom.ts";

const wide: Wide = { a: 1 };
void boom(wide.a);
`,
  "lib/boom.ts": `type Text = string;

export function boom(a: number): never {
  const text: Text = "boom";
  throw new RangeError(text + a);
}
`,
  "addon.node": "no addon",
  "asset.bin": "asset",
  "quiet.ts": 'import { run } from "luciole";\nimport "./quiet/through.js";\nawait run(() => undefined);\n',
  "quiet/through.js": 'import { unused } from "./said.js";\n',
  "quiet/said.js": 'console.log("said");\nexport const unused = 1;\n',
  "quiet/package.json": '{"type": "module", "sideEffects": false}',
  bare: 'import { run } from "luciole";\nconst n: number = 1;\nconsole.log(n);\nawait run(() => undefined);\n',
  "native.ts": 'const addon = require("./addon.node");\nconsole.log(addon);\n',
  "asset.ts": 'import path from "./asset.bin" with { type: "file" };\nconsole.log(path);\n',
  "lost.ts": 'import { a } from "./gone.ts";\nconsole.log(a);\n',
  "variable.ts": 'console.log(await import(["./lib/dynamic", "ts"].join(".")));\n',
});
folder.installPackage();
afterAll(() => folder[Symbol.dispose]());

const REASON = "error: Cannot start as a worker: LUCIOLE_SOCKET is not set\n";

/** Runs a bundle as a worker does, in a folder of its own, up to its call of `run`. */
async function runBundle(program: string, hasEngine: boolean): Promise<Finished> {
  const path = join(folder.scratch, `${program}.mjs`);
  writeFileSync(path, (await bundleWithBun(join(folder.path, `${program}.ts`), hasEngine)).bytes);
  const env = { [WORKER_ENV.role]: "task", [WORKER_ENV.program]: path };
  return await folder.run([LUCIOLE], { cwd: folder.scratch, env });
}

describe("a bundle", () => {
  test.each([false, true])(
    "knows the places of its modules as the script does, with its engine: %p",
    async (hasEngine) => {
      const own = await folder.run([BUN, "places.ts"]);
      expect(own.code).toBe(0);
      expect(own.stdout).toContain(folder.path);
      const { stdout, stderr } = await runBundle("places", hasEngine);
      expect(stdout).toBe(own.stdout);
      expect(stderr).toContain("Cannot start as a worker: LUCIOLE_SOCKET is not set");
    },
  );

  test("holds data and packages", async () => {
    expect(await runBundle("data", false)).toEqual({
      code: 1,
      stdout: "3 a note Hello Ann\n",
      stderr: REASON,
    });
  });

  test("runs modules of packages that say they do nothing by themselves", async () => {
    expect(await runBundle("quiet", false)).toEqual({ code: 1, stdout: "said\n", stderr: REASON });
  });

  test.each([false, true])(
    "fails with the lines of the user's files, with its engine: %p",
    async (hasEngine) => {
      const { code, stdout, stderr } = await runBundle("stack", hasEngine);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "31 function\n" });
      expect(stderr).toContain("RangeError: boom1");
      expect(stderr).toContain(`${join(folder.path, "lib/boom.ts")}:5:`);
      expect(stderr).toContain(`${join(folder.path, "stack.ts")}:13:`);
      expect(stderr).not.toContain(folder.scratch);
    },
  );

  test("says what it cannot find when an import is known at run time only", async () => {
    const { code, stderr } = await runBundle("variable", false);
    expect(code).toBe(1);
    expect(stderr).toContain("Cannot find module './lib/dynamic.ts'");
  });

  test("may be of a script whose name has no extension", async () => {
    const path = join(folder.scratch, "bare.mjs");
    writeFileSync(path, (await bundleWithBun(join(folder.path, "bare"), false)).bytes);
    const env = { [WORKER_ENV.role]: "task", [WORKER_ENV.program]: path };
    const { stdout, stderr } = await folder.run([LUCIOLE], { cwd: folder.scratch, env });
    expect({ stdout, stderr }).toEqual({ stdout: "1\n", stderr: REASON });
  });

  test.each([
    [
      "native",
      /native\.ts" to agents: the native addon addon-\w+\.node cannot be part of a bundle; luciole compile makes/,
    ],
    [
      "asset",
      /asset\.ts" to agents: the file asset-\w+\.bin cannot be part of a bundle; luciole compile makes/,
    ],
    ["lost", /lost\.ts" to agents: .*lost\.ts:1:\d+: Could not resolve: "\.\/gone\.ts"/],
  ])("is refused for %s.ts, which needs more than it can hold", async (program, reason) => {
    const refused = bundleWithBun(join(folder.path, `${program}.ts`), false);
    await expect(refused).rejects.toMatchObject({ code: "program", message: expect.stringMatching(reason) });
  });
});

test("withPlace() keeps lengths of lines and names that a module has itself", () => {
  const text = "#!/bin/x\nf(import.meta.url, import.meta.env);\n";
  const [first, ...rest] = withPlace(text, "/a/b.ts", { isMain: true }).split("\n");
  expect(first).toMatch(/^const \$luciole_me=\{"url":"file:\/\/\/a\/b.ts",.*"main":true\};\/\/\/bin\/x$/);
  expect(rest).toEqual(["f($luciole_me.url, import.meta.env);", ""]);
  expect(withPlace("f(import.meta.url)", "/a/b.ts")).toBe("f(import.meta.url)");
  const own = 'import { a } from "b";\nconst x = 1;\nlet __dirname = x;\n';
  expect(withPlace(own, "/a/b.ts", { isMain: false })).toBe(own);
  expect(withPlace("f(__dirname)", "/a/b.ts")).toBe('const __dirname="/a",__filename="/a/b.ts";f(__dirname)');
});
