/** Bundles are made again exactly when something has changed. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

let folder = "";
let cache = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "luciole-bundles-"));
  cache = join(folder, "cache");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): void {
  const path = join(folder, "project", name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** In a process of its own: the bundler remembers directories for the life of one. */
async function bundle(isKept = false): Promise<string> {
  const script = `
    import { bundleOnce } from ${JSON.stringify(join(import.meta.dir, "../../../net/program/bundle_cache.ts"))};
    const [entry, directory] = process.argv.slice(1);
    process.stdout.write(await bundleOnce(entry, { directory, maker: "test", hasEngine: false }));
  `;
  const child = Bun.spawn([process.execPath, "-e", script, join(folder, "project/job.ts"), cache], {
    stdout: "pipe",
  });
  const text = await new Response(child.stdout).text();
  // What was written a moment ago is not kept: it might change again without its times telling.
  return !isKept || readdirSync(folder).includes("cache") ? text : await bundle(isKept);
}

describe("bundleOnce()", () => {
  test("does not bundle again what has not changed", async () => {
    write("job.ts", 'import { a } from "./a";\nconsole.log(a);\n');
    write("a/index.ts", "export const a = 1;\n");
    const first = await bundle(true);
    const [name = ""] = readdirSync(cache);
    const path = join(cache, name);
    const { ino } = statSync(path);
    expect(await bundle()).toBe(first);
    expect(statSync(path).ino).toBe(ino);
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    expect(await bundle()).toBe(first);
    expect(statSync(path).ino).not.toBe(ino);
  });

  test.each([
    ["a file", "a/index.ts", "export const a = 3;\n", "a = 3"],
    ["data", "data.json", '{"d": 4}', "d: 4"],
    ["a package", "node_modules/pkg/index.js", "export const p = 5;\n", "p = 5"],
    ["what an import means", "a.ts", "export const a = 6;\n", "a = 6"],
    ["settings", "tsconfig.json", '{"compilerOptions": {"paths": {"pkg": ["./a/pkg.ts"]}}}', "p = 7"],
    ["a nearer package", "a/node_modules/far/index.js", "export const far = 8;\n", "far = 8"],
  ])("bundles again when %s changes", async (_, name, text, expected) => {
    write(
      "job.ts",
      'import { a } from "./a";\nimport { p } from "pkg";\nimport data from "./data.json";\nconsole.log(a, p, data);\n',
    );
    write("a/index.ts", 'import { far } from "far";\nexport const a = far;\n');
    write("a/pkg.ts", "export const p = 7;\n");
    write("data.json", '{"d": 1}');
    write("node_modules/pkg/index.js", "export const p = 1;\n");
    write("node_modules/far/index.js", "export const far = 1;\n");
    expect(await bundle(true)).not.toContain(expected);
    write(name, text);
    expect(await bundle()).toContain(expected);
  });
});
