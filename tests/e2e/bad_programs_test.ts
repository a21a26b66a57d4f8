/** Programs that do not load, define flows wrongly, or misuse the job and its handles. */
import { describe, expect, test } from "bun:test";
import { BUN, LUCIOLE } from "./executable.ts";
import { endOf, expectFailure, type Mishap, programOf } from "./mishap.ts";

const LIMIT_MS = 60_000;
const HEAD = 'import { flow, run } from "luciole";\n';
const FINE = programOf("f.range(3)", "console.log(...(await out.collect()));");
const inWorker = (code: string): string => `if (process.env.LUCIOLE_ROLE === "task") ${code};\n${FINE}`;

const PROGRAMS: readonly (readonly [string, Mishap, number, string | RegExp])[] = [
  ["that is missing", { command: [LUCIOLE, "run", "gone.ts"] }, 3, 'Cannot run "gone.ts": no such file'],
  ["that is a directory", { command: [LUCIOLE, "run", "."] }, 3, 'Cannot run ".": not a file'],
  [
    "with a syntax error",
    { program: `${HEAD}const x = ;\n` },
    1,
    'Cannot load "job.ts": job.ts:2:11: Unexpected ;',
  ],
  [
    "that imports a missing file",
    { program: 'import { x } from "./gone.ts";\nconsole.log(x);\n' },
    1,
    /^error: Cannot load "job.ts": Cannot find module '.\/gone.ts' (from|imported from) '?job.ts'?$/,
  ],
  [
    "that imports a name that is not exported",
    { program: 'import { flwo } from "luciole";\nflwo();\n' },
    1,
    "Cannot load \"job.ts\": Export named 'flwo' not found in module 'luciole'.",
  ],
  ["that throws", { program: `${HEAD}throw new TypeError("no start");\n` }, 1, "TypeError: no start"],
  [
    "that never calls run",
    { program: `${HEAD}flow("it", (f) => f.range(3));\n` },
    1,
    'Cannot run "job.ts": it ended without a call of run or openJob',
  ],
  [
    "that is no program",
    { files: { "notes.txt": "hello" }, command: [LUCIOLE, "run", "notes.txt"] },
    1,
    'Cannot run "notes.txt": it ended without a call of run or openJob',
  ],
  [
    "that throws in workers",
    { program: inWorker('throw new Error("no start here")') },
    1,
    "Cannot start a worker: it exited with code 1: no start here (job.ts:1)",
  ],
  [
    "that throws in workers, by bun",
    { isBun: true, program: inWorker('throw new Error("no start here")') },
    1,
    "Cannot start a worker: it exited with code 1: no start here (job.ts:1)",
  ],
  [
    "that exits in workers",
    { program: inWorker("process.exit(0)") },
    1,
    "Cannot start a worker: it exited with code 0",
  ],
  [
    "without driver function",
    { program: `${HEAD}await run(undefined);\n` },
    1,
    /^error: Cannot run: .*got undefined$/,
  ],
  [
    "whose driver function throws",
    { program: `${HEAD}await run(() => {\n  throw new Error("no luck");\n});\n` },
    1,
    "no luck",
  ],
  [
    "whose driver function leaves a rejection",
    {
      program: programOf(
        "f.range(3)",
        'void Promise.reject(new Error("unheard")); await new Promise(() => {});',
      ),
    },
    1,
    "unheard",
  ],
];

describe("a program", () => {
  test.each(PROGRAMS)(
    "%s is told in one line",
    (_, mishap, code, line) => expectFailure(mishap, code, line),
    LIMIT_MS,
  );

  test(
    "that throws is told with the user's line",
    async () => {
      const program = `${HEAD}function helper(x) {\n  return x.a.b;\n}\nawait run(async () => {\n  helper({});\n});\n`;
      const { stderr } = await endOf({ program });
      const what = "error: TypeError: undefined is not an object (evaluating 'x.a.b')";
      expect(stderr).toBe(`${what}\n    at helper (job.ts:3:12)\n    at job.ts:6:3\n`);
    },
    LIMIT_MS,
  );
});

const FLOWS: readonly (readonly [string, string, string | RegExp])[] = [
  [
    "defined in the driver function",
    `${HEAD}await run((job) => job.execute(flow("it", (f) => f.range(3))));\n`,
    /^error: Cannot find flow "it": .*define flows at the top level of the module/,
  ],
  [
    "of the name of another one",
    `${HEAD}flow("it", (f) => f.range(3));\nflow("it", (f) => f.range(4));\n`,
    'Cannot define flow "it" at job.ts:3: a flow of that name is defined at job.ts:2',
  ],
  [
    "that depends on chance",
    programOf("f.range(1 + Math.floor(Math.random() * 1e9)).map((n) => n)"),
    /^error: Cannot run flow "it": step 0 at job.ts:2 is range\(.*\) in a worker and range\(.*\) in the driver; a flow must be/,
  ],
  [
    "that depends on the process",
    programOf(
      "process.env.LUCIOLE_ROLE === 'task' ? f.range(3).filter(() => true) : f.range(3).map((n) => n)",
    ),
    'Cannot run flow "it": step 1 at job.ts:2 is filter <- 0 in a worker and map <- 0 in the driver; a flow must be a pure function of its parameters',
  ],
  [
    "without output",
    programOf("{}"),
    /^error: Cannot plan flow "it" at job.ts:2: it returns no dataset and has no sink/,
  ],
  [
    "that is async",
    HEAD + programOf("f.range(3)").replace(HEAD, "").replace("(f) =>", "async (f) =>"),
    /a builder must not be async$/,
  ],
  ["that throws", programOf('{ throw new Error("no flow"); }'), "no flow"],
];

describe("a flow", () => {
  test.each(FLOWS)("%s is refused", (_, program, line) => expectFailure({ program }, 1, line), LIMIT_MS);
});

const ARGUMENTS: readonly (readonly [string, string])[] = [
  ["f.range(3, { shards: 0 })", "Cannot use range: shards must be a whole number of at least 1, got 0"],
  ["f.range(NaN)", "Cannot use range: n must be a whole number of at least 0, got NaN"],
  ["f.range(3).limit(-1)", "Cannot use limit: n must be a whole number of at least 0, got -1"],
  ["f.range(3).sample(NaN)", "Cannot use sample: fraction must be between 0 and 1, got NaN"],
  ["f.range(3).map(undefined)", "Cannot use map: fn must be a function, got undefined"],
  ["f.text(undefined)", "Cannot use text: path must be a string with content, got undefined"],
  ["f.range(3, { shard: 2 })", 'Cannot use range: unknown option "shard", did you mean "shards"?'],
];

describe("an argument", () => {
  test.each(ARGUMENTS)(
    "%s is refused with the flow's line",
    async (source, what) => {
      await expectFailure({ program: programOf(source) }, 1, `${what} (in flow "it" at job.ts:2)`);
    },
    LIMIT_MS,
  );
});

const MISUSES: readonly (readonly [string, string, string | RegExp])[] = [
  [
    "out.release(); await out.collect()",
    "",
    /^error: Cannot read \w+ of flow "\S+" at job.ts:\d+: it was released$/,
  ],
  ["await out.take(-1)", "", "Cannot take -1 rows: expected an integer of at least 0"],
  ["await job.execute({})", "", /^error: Cannot execute a flow: expected a flow, got \{\}$/],
  ["globalThis.job = job", "await job.execute(it)", "Cannot use the job: it is closed"],
  [
    "globalThis.out = out",
    "await out.collect()",
    /^error: Cannot read \w+ of flow "\S+" at job.ts:\d+: its job is closed$/,
  ],
  [
    "void job.execute(it)",
    "",
    /^error: Cannot complete flow "\S+": the job was closed before; wait for it with await$/,
  ],
  [
    "job.start(it)",
    "",
    /^error: Cannot complete flow "\S+": the job was closed before; wait for it with await$/,
  ],
];

describe("a misuse of the job", () => {
  test.each(MISUSES)(
    "%s; after run: %s is refused",
    async (inside, after, line) => {
      await expectFailure({ program: programOf("f.range(3)", `${inside};`) + after }, 1, line);
    },
    LIMIT_MS,
  );

  test(
    "a failure of what was started is told though nobody waited for it",
    async () => {
      const program = `${HEAD}const it = flow("it", (f) => f.range(3, { shards: 1 }).map(() => { throw new Error("x"); }));
const fine = flow("fine", (f) => f.range(3));
await run(async (job) => {
  job.start(it);
  await job.execute(fine);
  await new Promise((resolve) => setTimeout(resolve, 300));
});
`;
      await expectFailure({ program }, 1, "Cannot run map at job.ts:2: shard 0, row 0: Error: x");
    },
    LIMIT_MS,
  );

  test(
    "a break out of a streamed output is none",
    async () => {
      const program = `${HEAD}const it = flow("it", (f) => f.range(30_000_000));
await run(async (job) => {
  for await (const n of job.start(it).outputs) {
    console.log(typeof n);
    break;
  }
});
`;
      expect(await endOf({ program })).toMatchObject({ code: 0, stdout: "number\n", stderr: "" });
    },
    LIMIT_MS,
  );
});

describe("flags of a run", () => {
  test.each([
    [
      ["--workers", "0"],
      'Cannot read --workers: expected a whole number from 1 to 4096, or a range of them such as "2..16", got "0"',
    ],
    [
      ["--workers", "5000"],
      'Cannot read --workers: expected a whole number from 1 to 4096, or a range of them such as "2..16", got "5000"',
    ],
    [
      ["--memory", "abc"],
      'Cannot read --memory: expected a size of at least 4 MiB such as "2GiB" or "512MB", got "abc"',
    ],
    [
      ["--memory", "10"],
      'Cannot read --memory: expected a size of at least 4 MiB such as "2GiB" or "512MB", got "10"',
    ],
  ])(
    "%j are refused by both ways to run",
    async (flags, line) => {
      await expectFailure({ program: FINE, command: [LUCIOLE, "run", ...flags, "job.ts"] }, 2, line);
      await expectFailure({ isBun: true, program: FINE, command: [BUN, "job.ts", ...flags] }, 2, line);
    },
    LIMIT_MS,
  );

  test(
    "1 KiB of memory is enough for any program, by spilling",
    async () => {
      const source =
        "f.range(20_000).map((n) => [n % 50, n]).groupByKey().sortBy(([k]) => -k).map(([, v]) => v.length).sum()";
      const program = `import { flow, openJob } from "luciole";
        const it = flow("it", (f) => ${source});
        await using job = await openJob({ memory: "1KiB" });
        console.log(...(await (await job.execute(it)).collect()));`;
      const ended = await endOf({ program });
      expect(ended).toMatchObject({ code: 0, stdout: "20000\n", stderr: "" });
    },
    LIMIT_MS,
  );
});
