/** Deno's own flags: what the driver was started with, its workers are started with too. */
import { afterAll, expect, test } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { DENO, Folder, ROOT } from "./executable.ts";

const ENGINE = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
const folder = new Folder({
  "job.ts": `import { greet } from "greeting";
import { flow, run } from "luciole";
const greetings = flow("greetings", (f) => f.values(["Ann"]).map(greet));
await run(async (job) => console.log(await (await job.execute(greetings)).collect(), job.args));
`,
  "lib/greeting.ts": 'export const greet = (name: string) => "hello " + name;\n',
  // Where a configuration is named, Deno looks into no package.json.
  "config.json": JSON.stringify({
    nodeModulesDir: "manual",
    imports: { ...ENGINE.imports, luciole: join(ROOT, "mod.ts"), greeting: "./lib/greeting.ts" },
  }),
  "lib/map.json": JSON.stringify({ imports: { greeting: "./greeting.ts" } }),
});
folder.installPackage();
for (const name of ["cbor-x", "hono"]) {
  symlinkSync(join(ROOT, "node_modules", name), join(folder.path, "node_modules", name));
}
afterAll(() => folder[Symbol.dispose]());

// Elsewhere nothing tells a program the flags that it was started with.
const expected = process.platform === "linux" ? '[ "hello Ann" ] [ "-x" ]\n' : "";

test.each([
  ["--config", "config.json"],
  ["--import-map", "lib/map.json"],
])(
  "workers find what deno run %s %s maps",
  async (flag, file) => {
    const { stdout, stderr } = await folder.run([DENO, "run", "-A", flag, file, "job.ts", "-x"], {
      env: { LUCIOLE_WORKERS: "1" },
    });
    expect({ stdout, stderr: expected === "" ? "" : stderr }).toEqual({ stdout: expected, stderr: "" });
  },
  60_000,
);
