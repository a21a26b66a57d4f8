/** The executable in a folder with nothing but a program: no package, no tools, no configuration (B1, B2). */
import { afterAll, expect, test } from "bun:test";
import { readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { Folder, LUCIOLE } from "./executable.ts";

const PROGRAM = `
import { flow, run } from "luciole";
const counts = flow("counts", (f) =>
  f.values(["b a", "a"], { shards: 2 }).words().countByValue().sortByKey());
await run(async (job) => {
  console.log(JSON.stringify([job.args, await (await job.execute(counts)).collect()]));
});
`;
const PRINTED = '[["x"],[["a",2],["b",1]]]\n';

const folder = new Folder({ "counts.ts": PROGRAM });
afterAll(() => folder[Symbol.dispose]());

/** Neither Bun, Node nor a compiler can be found. */
const env = { PATH: join(folder.scratch, "nothing"), LUCIOLE_WORKERS: "2" };

test("B1: run, plot, version and help need nothing but the executable", async () => {
  const ran = await folder.run([LUCIOLE, "run", "counts.ts", "x"], { env });
  expect(ran).toEqual({ code: 0, stdout: PRINTED, stderr: "" });
  const plotted = await folder.run([LUCIOLE, "plot", "counts.ts"], { env });
  expect(plotted).toMatchObject({ code: 0, stderr: "" });
  expect(plotted.stdout).toContain("countByValue");
  const version = await folder.run([LUCIOLE, "version"], { env });
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^luciole \d/) });
  const help = await folder.run([LUCIOLE, "--help"], { env });
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining("compile") });
  expect(readdirSync(folder.path)).toEqual(["counts.ts"]);
  expect(folder.leftovers()).toEqual([]);
}, 60_000);

test("B2: compile makes an executable without a toolchain, which runs without the program's source", async () => {
  using elsewhere = new Folder();
  const own = join(elsewhere.path, "own");
  const compiled = await folder.run([LUCIOLE, "compile", "counts.ts", "--out", own], { env });
  expect(compiled.code).toBe(0);
  expect(readdirSync(elsewhere.path)).toEqual(["own"]);
  unlinkSync(join(folder.path, "counts.ts"));
  const ran = await elsewhere.run(["./own", "x"], { env });
  expect(ran).toEqual({ code: 0, stdout: PRINTED, stderr: "" });
  expect(elsewhere.leftovers()).toEqual([]);
}, 60_000);
