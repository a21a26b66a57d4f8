/** The types of the package, seen from a project outside of the repository, under options stricter than ours. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { DENO, Folder, ROOT } from "./executable.ts";

const PROGRAM = `
import { type DatasetHandle, flow, type Job, LucioleError, run } from "luciole";
const sums = flow("sums", (f, p: { n: number }) =>
  f.range(p.n).map((n): [string, number] => [String(n), n]).reduceByKey((a, b) => a + b).sortByKey());
await run(async (job: Job) => {
  const handle: DatasetHandle<[string, number]> = await job.execute(sums, { n: 10 });
  const rows: [string, number][] = await handle.collect();
  if (rows.length === 0) throw new LucioleError("empty", "Cannot go on: no row");
});
`;
const folder = new Folder({
  "good.ts": PROGRAM,
  "bad.ts": PROGRAM.replace("(a, b) => a + b", "(a: string, b) => a + b"),
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noPropertyAccessFromIndexSignature: true,
      module: "nodenext",
      target: "esnext",
      types: [],
      noEmit: true,
    },
    include: ["*.ts"],
  }),
  "older.json": JSON.stringify({
    compilerOptions: {
      strict: true,
      lib: ["es2022", "dom"],
      module: "nodenext",
      target: "es2022",
      types: [],
      noEmit: true,
    },
    files: ["good.ts"],
  }),
});
folder.installPackage();
afterAll(() => folder[Symbol.dispose]());

describe("types of the package", () => {
  test("fit a right program and refuse a wrong one, under tsc", async () => {
    const { code, stdout } = await folder.run([join(ROOT, "node_modules/.bin/tsc"), "-p", "."]);
    expect(code).not.toBe(0);
    const errors = stdout.split("\n").filter((line) => line.includes("error TS"));
    expect(errors).toEqual([expect.stringMatching(/^bad\.ts\(4,\d+\): error TS2345/)]);
  }, 60_000);

  test("need no newer lib than that of ES2022", async () => {
    const ended = await folder.run([join(ROOT, "node_modules/.bin/tsc"), "-p", "older.json"]);
    expect(ended).toMatchObject({ code: 0, stdout: "" });
  }, 60_000);

  test("fit a right program and refuse a wrong one, under deno check", async () => {
    expect(await folder.run([DENO, "check", "--quiet", "good.ts"])).toMatchObject({ code: 0, stderr: "" });
    const bad = await folder.run([DENO, "check", "--quiet", "bad.ts"]);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain("TS2345");
    expect(bad.stderr).toContain("bad.ts:4:");
  }, 60_000);
});
