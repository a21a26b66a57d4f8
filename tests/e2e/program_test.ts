/** The same program in every way to start it: results, arguments, the user's lines, nothing left (B1, B2, B4, B7). */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { BUN, DENO, Folder, LUCIOLE } from "./executable.ts";

const PROGRAM = `
import { flow, run } from "luciole";
import { clean } from "./lib/clean.ts";
import { suffix } from "own-package";

interface Params {
  readonly text: readonly string[];
}

const count = flow("count", (f, p: Params) =>
  f.values(p.text, { shards: 3 })
    .flatMap((line) => line.split(" "))
    .map((word) => clean(word) + suffix)
    .countByValue()
    .sortBy(([word]) => word));

await run(async (job) => {
  const counts = await job.execute(count, { text: job.args.slice(1) });
  console.log(JSON.stringify({ first: job.args[0], counts: await counts.collect(), leak: process.env.LEAK ?? null }));
});
`;
/** The throw is on line 8, under types that take lines away when they are stripped. */
const CLEAN = `
interface Ignored {
  readonly a: string;
  readonly b: number;
}

export function clean(word: string): string {
  if (word === "boom") throw new RangeError("bad word: " + word);
  return word.toLowerCase();
}
export type { Ignored };
`;

const folder = new Folder({
  "job.ts": PROGRAM,
  "lib/clean.ts": CLEAN,
  "node_modules/own-package/package.json":
    '{ "name": "own-package", "type": "module", "exports": "./index.js" }',
  "node_modules/own-package/index.js": 'export const suffix = "!";',
});
/** Holds only what is copied there: no program, no package. */
const elsewhere = new Folder();
const ways: Record<string, { command: readonly string[]; cwd?: string; env?: Record<string, string> }> = {};

beforeAll(async () => {
  folder.installPackage();
  mkdirSync(join(elsewhere.path, "bin"));
  symlinkSync(LUCIOLE, join(elsewhere.path, "link"));
  symlinkSync(LUCIOLE, join(elsewhere.path, "bin/luciole"));
  const compiled = await folder.run([LUCIOLE, "compile", "job.ts", "--out", "own", "--json"]);
  if (compiled.code === 0) {
    copyFileSync(join(folder.path, "own"), join(elsewhere.path, "own"));
    chmodSync(join(elsewhere.path, "own"), 0o755);
  }
  const program = join(folder.path, "job.ts");
  Object.assign(ways, {
    "luciole run": { command: [LUCIOLE, "run", "job.ts"] },
    "luciole run from another folder": { command: [LUCIOLE, "run", program], cwd: elsewhere.path },
    "luciole through a symlink": { command: ["./link", "run", program], cwd: elsewhere.path },
    "luciole through PATH": {
      command: ["/bin/sh", "-c", 'exec luciole run "$@"', "sh", program],
      env: { PATH: `${elsewhere.path}/bin:/usr/bin:/bin` },
    },
    "bun with the package by path": { command: [BUN, "job.ts"] },
    "deno with the package by path": { command: [DENO, "run", "-A", "job.ts"] },
    "an executable of its own, alone": { command: ["./own"], cwd: elsewhere.path },
  });
});
afterAll(() => {
  folder[Symbol.dispose]();
  elsewhere[Symbol.dispose]();
});

const NAMES = [
  "luciole run",
  "luciole run from another folder",
  "luciole through a symlink",
  "luciole through PATH",
  "bun with the package by path",
  "deno with the package by path",
  "an executable of its own, alone",
];

async function start(name: string, args: readonly string[], env: Record<string, string> = {}) {
  const way = ways[name];
  if (way === undefined) throw new Error(`No such way: ${name}`);
  const { command, ...options } = way;
  return folder.run([...command, ...args], { ...options, env: { ...way.env, LUCIOLE_WORKERS: "2", ...env } });
}

describe.each(NAMES)("%s", (name) => {
  test("computes on workers, prints results to stdout only and leaves nothing", async () => {
    const { code, stdout, stderr } = await start(name, ["--first", "a B", "b c b"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const counts = [
      ["a!", 1],
      ["b!", 3],
      ["c!", 1],
    ];
    expect(JSON.parse(stdout)).toEqual({ first: "--first", counts, leak: null });
    expect(folder.leftovers()).toEqual([]);
  }, 60_000);

  test("shows the user's own file and line when user code throws, and exits with 1", async () => {
    const { code, stdout, stderr } = await start(name, ["x", "fine boom"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("bad word: boom");
    expect(stderr).toMatch(/lib\/clean\.ts:8\b/);
    expect(stderr).toMatch(/^error: .*bad word: boom/m);
    expect(folder.leftovers()).toEqual([]);
  }, 60_000);
});

describe("the user's .env and bunfig.toml", () => {
  test.each(["luciole run", "an executable of its own, alone"])(
    "do not leak into %s",
    async (name) => {
      using _env = new TemporaryFiles([folder, elsewhere], {
        ".env": "LEAK=yes\nLUCIOLE_WORKERS=nonsense\n",
        "bunfig.toml": 'preload = ["./preload.ts"]\n',
        "preload.ts": 'console.log("PRELOADED");',
      });
      const { code, stdout } = await start(name, ["x", "a"]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual({ first: "x", counts: [["a!", 1]], leak: null });
    },
    60_000,
  );
});

/** Files that stand in some folders for the length of one test. */
class TemporaryFiles implements Disposable {
  readonly #paths: readonly string[];

  constructor(folders: readonly Folder[], files: Readonly<Record<string, string>>) {
    this.#paths = folders.flatMap((one) =>
      Object.entries(files).map(([name, text]) => one.write(name, text)),
    );
  }

  [Symbol.dispose](): void {
    for (const path of this.#paths) rmSync(path);
  }
}
