/** Programs of every kind come to the agents of a real cluster, and those that cannot run there are told of in one line. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Cluster } from "./cluster.ts";
import { BUN, DENO, type Finished, LUCIOLE, ROOT } from "./executable.ts";

const ENGINE = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
const SOURCE = { LUCIOLE_LABELS: "kind=source" };

const cluster = await Cluster.open({
  agents: 2,
  files: {
    "job.ts": `import { dirname } from "node:path";
import { flow, run } from "luciole";
import { greet } from "./lib/greet.ts";
import data from "./data.json" with { type: "json" };

interface Named {
  readonly name: string;
}

const beside = flow("beside", (f) => f.text(dirname(import.meta.filename) + "/note.txt").map((line) => line + data.mark));
const greetings = flow("greetings", (f, p: { names: readonly string[] }) =>
  f.values(p.names).map((name) => {
    const named: Named = { name };
    return String(greet(named.name));
  }));

await run(async (job) => {
  console.log((await (await job.execute(beside)).collect()).join(" "));
  console.log((await (await job.execute(greetings, { names: ["Ann", "Bob", ...job.args] })).collect()).join(" "));
});
`,
    "lib/greet.ts": `export function greet(name: string): string {
  if (name === "nobody") throw new RangeError("no name");
  return "hello " + name + import.meta.dirname;
}
`,
    "note.txt": "one\ntwo\n",
    "data.json": '{"mark": "!"}',
    "own.ts": `import { flow, run } from "luciole";
const one = flow("one", (f) => f.values([1]).map((n) => n + 1));
await run(async (job) => console.log((await (await job.execute(one)).collect()).join(" ")));
`,
    "addon.ts": `import { flow, run } from "luciole";
const addon = process.env.NEVER === "1" ? require("./addon.node") : undefined;
const one = flow("one", (f) => f.values([addon]));
await run(async (job) => console.log(await (await job.execute(one)).collect()));
`,
    "addon.node": "no addon",
    "fragile.ts": `import { rmSync } from "node:fs";
import { flow, run } from "luciole";
if (process.env.LUCIOLE_ROLE !== "task") rmSync(process.env.FRAGILE ?? "");
const one = flow("one", (f) => f.values([1]));
await run(async (job) => console.log(await (await job.execute(one)).collect()));
`,
    "deno.json": JSON.stringify({
      nodeModulesDir: "manual",
      imports: { ...ENGINE.imports, luciole: join(ROOT, "mod.ts") },
    }),
  },
  // One of them runs from source: it counts as another version.
  wrap: (role, command) =>
    role === "a1"
      ? [BUN, join(ROOT, "cmd/main.ts"), ...command.slice(1), "--labels", "kind=source"]
      : command,
});
const { folder } = cluster;
mkdirSync(join(folder.path, "node_modules"));
symlinkSync(ROOT, join(folder.path, "node_modules/luciole"));
for (const name of Object.keys(ENGINE.imports)) {
  const [scope] = name.split("/");
  if (name !== "luciole" && scope !== undefined) {
    symlinkSync(join(ROOT, "node_modules", scope), join(folder.path, "node_modules", scope));
  }
}
afterAll(() => cluster[Symbol.asyncDispose]());
afterEach(() => cluster.settled());

const programsOf = (agent: string): readonly string[] =>
  readdirSync(join(cluster.directoryOf(agent), "programs")).filter((name) => name !== "hashes");

/** Runs a command as a driver of the cluster. */
const drive = (command: readonly string[], env: Record<string, string> = {}): Promise<Finished> =>
  folder.run(command, { env: { LUCIOLE_MASTER: cluster.address, LUCIOLE_QUIET: "1", ...env } });

const DIRECTORY = folder.path;
const STDOUT = `one! two!\nhello Ann${DIRECTORY}/lib hello Bob${DIRECTORY}/lib\n`;

describe("a program", () => {
  test("that luciole run runs prints and fails on agents as it does here", async () => {
    expect(await cluster.run(["job.ts"])).toEqual({ code: 0, stdout: STDOUT, stderr: "" });
    const [local, spread] = [
      await cluster.runLocally(["job.ts", "nobody"]),
      await cluster.run(["job.ts", "nobody"]),
    ];
    // It also tells on which machine.
    const stderr = spread.stderr.replace(/ \(on agent a\d of host \S+\)$/m, "");
    expect({ ...spread, stderr }).toEqual(local);
    expect(spread.stderr).toContain(`at greet (${DIRECTORY}/lib/greet.ts:2:`);
    expect(spread.stderr).toContain(`at ${DIRECTORY}/job.ts:14:`);
  }, 60_000);

  test("that Bun runs brings its engine", async () => {
    for (const env of [{}, SOURCE]) {
      expect(await drive([BUN, "job.ts"], env)).toEqual({ code: 0, stdout: STDOUT, stderr: "" });
    }
    const { code, stderr } = await drive([BUN, "job.ts", "nobody"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`at greet (${DIRECTORY}/lib/greet.ts:2:`);
    expect(stderr).toContain(`at ${DIRECTORY}/job.ts:14:`);
    expect(stderr).not.toContain(".mjs");
  }, 60_000);

  test("that Deno runs brings its engine", async () => {
    const deno = [DENO, "run", "-A", "job.ts"];
    expect(await drive(deno)).toEqual({ code: 0, stdout: STDOUT, stderr: "" });
    const { stderr } = await drive([...deno, "nobody"]);
    expect(stderr).toContain(`at greet (${DIRECTORY}/lib/greet.ts:2:`);
    expect(stderr).toContain(`at ${DIRECTORY}/job.ts:14:`);
  }, 120_000);

  test("that is an executable of its own goes as it is, and once", async () => {
    expect((await folder.run([LUCIOLE, "compile", "own.ts"])).code).toBe(0);
    const before = programsOf("a0");
    for (let i = 0; i < 2; i++) {
      expect(await drive(["./own", "--workers", "2"])).toEqual({ code: 0, stdout: "2\n", stderr: "" });
    }
    const [added = "", ...more] = programsOf("a0").filter((name) => !before.includes(name));
    expect(more).toEqual([]);
    expect(added).toEndWith(".exe");
    const path = join(cluster.directoryOf("a0"), "programs", added);
    expect(readFileSync(path).equals(readFileSync(join(folder.path, "own")))).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o500);
  }, 120_000);

  test("runs by the driver's executable where the agent is of another version", async () => {
    const first = await cluster.run(["job.ts"], { env: SOURCE });
    expect(first).toEqual({ code: 0, stdout: STDOUT, stderr: "" });
    const programs = join(cluster.directoryOf("a1"), "programs");
    const executables = () =>
      programsOf("a1").filter((name) => statSync(join(programs, name)).size === statSync(LUCIOLE).size);
    expect(executables()).toHaveLength(1);
    const { ino } = statSync(join(programs, executables()[0] ?? ""));
    expect(await cluster.run(["job.ts"], { env: SOURCE })).toEqual(first);
    expect(statSync(join(programs, executables()[0] ?? "")).ino).toBe(ino);
  }, 60_000);

  test("comes from several drivers at once", async () => {
    writeFileSync(join(folder.path, "many.ts"), readFileSync(join(folder.path, "own.ts")));
    expect((await folder.run([LUCIOLE, "compile", "many.ts"])).code).toBe(0);
    const all = await Promise.all([1, 2, 3].map(() => drive(["./many", "--workers", "1"])));
    // There are two slots: one of them may have waited.
    expect(all.map(({ code, stdout }) => [code, stdout])).toEqual(Array(3).fill([0, "2\n"]));
  }, 120_000);

  test("that is changed runs as it is now", async () => {
    const path = join(folder.path, "changed.ts");
    const run = async (text: string): Promise<string> => {
      writeFileSync(
        path,
        `import { flow, run } from "luciole";
const one = flow("one", (f) => f.values([1]).map(() => ${text}));
await run(async (job) => console.log(await (await job.execute(one)).collect()));
`,
      );
      return (await cluster.run(["changed.ts"])).stdout;
    };
    for (const text of ["1", "2", "2", "1"]) expect(await run(text)).toBe(`[ ${text} ]\n`);
  }, 60_000);
});

describe("a program that cannot run on agents is told of in one line", () => {
  test("when it has a native addon", async () => {
    const { code, stdout, stderr } = await cluster.run(["addon.ts"]);
    expect({ code: code === 0, stdout }).toEqual({ code: false, stdout: "" });
    expect(stderr).toMatch(
      /^error: Cannot send ".*addon\.ts" to agents: the native addon addon-\w+\.node cannot be [^\n]*\n$/,
    );
  }, 60_000);

  /** What is before it tells of waiting for room that the test before was granted. */
  const lastLine = (stderr: string) => stderr.split("\n").at(-2) ?? "";

  /** An executable that needs a file of a name that only this test makes, and that goes before agents start it. */
  async function fragile(name: string, from: string, to: string, real: string): Promise<Finished> {
    const path = join(folder.path, name);
    expect((await folder.run([LUCIOLE, "compile", "fragile.ts", "-o", name])).code).toBe(0);
    const bytes = readFileSync(path);
    expect(bytes.indexOf(`${from}\0`)).toBeGreaterThan(0);
    bytes.write(to, bytes.indexOf(`${from}\0`));
    writeFileSync(path, bytes);
    chmodSync(path, 0o755);
    const file = to.startsWith("/") ? to : join(folder.path, to);
    rmSync(file, { force: true });
    symlinkSync(real, file);
    return await drive([`./${name}`], { FRAGILE: file, LD_LIBRARY_PATH: folder.path });
  }

  const LOADER = "/lib64/ld-linux-x86-64.so.2";
  // Only there the names of loader and libraries are these.
  const isKnown = process.platform === "linux" && process.arch === "x64";

  test.if(isKnown)(
    "when the loader that it wants is missing",
    async () => {
      const loader = `/tmp/luciole-${String(process.pid).padStart(14, "0")}`;
      expect(loader).toHaveLength(LOADER.length);
      const { code, stdout, stderr } = await fragile("unloadable", LOADER, loader, LOADER);
      expect({ isFine: code === 0, stdout }).toEqual({ isFine: false, stdout: "" });
      expect(lastLine(stderr)).toMatch(
        /^error: Cannot start the program on agent a[01] \(linux-x64\): it needs \/tmp\/luciole-\d+, which is missing there$/,
      );
    },
    60_000,
  );

  test.if(isKnown)(
    "when a library that it wants is missing",
    async () => {
      const { code, stdout, stderr } = await fragile(
        "unlinkable",
        "libpthread.so.0",
        "libpthxead.so.0",
        "/lib/x86_64-linux-gnu/libpthread.so.0",
      );
      expect({ isFine: code === 0, stdout }).toEqual({ isFine: false, stdout: "" });
      expect(lastLine(stderr)).toMatch(
        /^error: [^\n]*error while loading shared libraries: libpthxead\.so\.0: [^\n]*agent a[01] [^\n]*$/,
      );
    },
    60_000,
  );
});
