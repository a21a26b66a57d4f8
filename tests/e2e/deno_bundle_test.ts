/** Bundles that a driver on Deno makes: they run inside of the executable as the script does on Deno. */
import { afterAll, expect, test } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { mappingFlags } from "../../net/program/bundle_deno.ts";
import { WORKER_ENV } from "../../net/protocol.ts";
import { DENO, Folder, LUCIOLE, ROOT } from "./executable.ts";

const ENGINE = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
const folder = new Folder({
  "job.ts": `#!/usr/bin/env -S deno run -A
import { greet } from "greeting";
import { flow, run } from "luciole";
import data from "./data.json" with { type: "json" };

interface Wide {
  readonly a: number;
}

const wide: Wide = { a: data.a };
const greetings = flow("greetings", (f) => f.values(["Ann"]).map(greet));
console.log(greet("Ann"), wide.a, import.meta.url, import.meta.filename, import.meta.main, typeof greetings);
if (import.meta.main) {
  const { fail } = await import("./lib/fail.ts");
  fail(wide);
}
await run(() => undefined);
`,
  "lib/greeting.ts":
    'export const greet = (name: string) => "hello " + name + import.meta.dirname + import.meta.main;\n',
  "lib/fail.ts": `type Anything = unknown;

export function fail(wide: Anything): never {
  throw new RangeError("failed " + JSON.stringify(wide));
}
`,
  "data.json": '{"a": 7}',
  "bundle.ts": `import { writeFileSync } from "node:fs";
import { bundleWithDeno } from ${JSON.stringify(join(ROOT, "net/program/bundle_deno.ts"))};
const { bytes, inputs } = await bundleWithDeno(process.argv[2]);
writeFileSync(process.argv[3], bytes);
console.log(inputs.join("\\n"));
`,
  "lost.ts": 'import { a } from "./gone.ts";\nconsole.log(a);\n',
  "deno.json": JSON.stringify({
    nodeModulesDir: "manual",
    imports: { ...ENGINE.imports, luciole: join(ROOT, "mod.ts"), greeting: "./lib/greeting.ts" },
  }),
});
folder.installPackage();
for (const name of Object.keys(ENGINE.imports)) {
  if (name === "luciole") continue;
  if (name.startsWith("@")) continue;
  symlinkSync(join(ROOT, "node_modules", name), join(folder.path, "node_modules", name));
}
afterAll(() => folder[Symbol.dispose]());

const bundle = (program: string, output: string) =>
  folder.run([DENO, "run", "-A", "bundle.ts", join(folder.path, program), output]);

test("a bundle made on Deno runs in the executable, places and lines included", async () => {
  const own = await folder.run([DENO, "run", "-A", "job.ts"]);
  expect(own.stdout).toContain(folder.path);
  const output = join(folder.scratch, "job.mjs");
  const made = await bundle("job.ts", output);
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const inputs = made.stdout.split("\n");
  for (const name of ["job.ts", "data.json", "lib/fail.ts"])
    expect(inputs).toContain(join(folder.path, name));
  const env = { [WORKER_ENV.role]: "task", [WORKER_ENV.program]: output };
  const { code, stdout, stderr } = await folder.run([LUCIOLE], { cwd: folder.scratch, env });
  expect({ code, stdout }).toEqual({ code: 1, stdout: own.stdout });
  expect(stderr).toContain('RangeError: failed {"a":7}');
  expect(stderr).toContain(`${join(folder.path, "lib/fail.ts")}:4:`);
  expect(stderr).toContain(`${join(folder.path, "job.ts")}:15:`);
}, 120_000);

test("what cannot be bundled is told in one line", async () => {
  const { code, stderr } = await bundle("lost.ts", join(folder.scratch, "lost.mjs"));
  expect(code).toBe(1);
  expect(stderr).toMatch(/Cannot send ".*lost\.ts" to agents: deno bundle says: .*gone\.ts/);
}, 120_000);

test("mappingFlags() takes what decides the meaning of imports", () => {
  const flags = [
    "-A",
    "--config",
    "c.json",
    "--import-map=m.json",
    "--allow-net",
    "-c",
    "d.json",
    "--no-lock",
  ];
  expect(mappingFlags(flags)).toEqual([
    "--config",
    "c.json",
    "--import-map=m.json",
    "-c",
    "d.json",
    "--no-lock",
  ]);
});
