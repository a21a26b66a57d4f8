/** Ends that nobody planned: signals, killed and crashing workers, floods of output, readers that leave. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Folder } from "./executable.ts";
import { endOf, expectFailure, programOf } from "./mishap.ts";

const LIMIT_MS = 60_000;
const PROMPT_MS = 15_000;
const ENDLESS = programOf(`f.range(2, { shards: 2 }).map((n) => {
  console.log("at work;");
  for (;;) if (n < 0) return n;
}).writeText("out", String)`);
const IDLE = `import { run } from "luciole";
await run(async () => { console.error("at work;"); await new Promise(() => {}); });
`;
const DEAF = `import { run } from "luciole";
await run(async () => { console.error("at work;"); try { await new Promise(() => {}); } finally { await new Promise(() => {}); } });
`;

/** Sends signals to the program once it is at work; tells how long it then takes to end. */
function signals(...names: readonly NodeJS.Signals[]) {
  const sent = { at: 0 };
  const act = (pid: number): void => {
    sent.at = performance.now();
    for (const name of names) process.kill(pid, name);
  };
  return { sent, onText: { text: "work;", act } };
}

describe("a signal", () => {
  test.each([
    ["closures that never return", ENDLESS, "SIGINT", 130],
    ["closures that never return", ENDLESS, "SIGTERM", 143],
    ["a driver function that never resolves", IDLE, "SIGINT", 130],
    ["a driver function that does not end when it is told", DEAF, "SIGINT", 130],
  ] as const)(
    "ends %s in time: %#",
    async (_, program, signal, code) => {
      const { sent, onText } = signals(signal);
      const ended = await endOf({ program, onText });
      expect(performance.now() - sent.at).toBeLessThan(PROMPT_MS);
      expect(ended).toMatchObject({ code, stdout: "", added: [] });
      expect(ended.stderr.replace(/^(\[worker \d\] )?at work;\n/gm, "")).toBe(
        signal === "SIGINT"
          ? "error: Interrupted: the job is cancelled\n"
          : "error: Ended by SIGTERM: the job is cancelled\n",
      );
    },
    LIMIT_MS,
  );

  test(
    "that comes a second time ends the program at once",
    async () => {
      const { onText } = signals("SIGINT", "SIGTERM");
      const ended = await endOf({ program: ENDLESS, onText });
      expect(ended).toMatchObject({ stdout: "", added: [] });
      // Which of two pending signals comes first is the system's choice.
      expect([130, 143]).toContain(ended.code ?? 0);
      expect(ended.stderr).toMatch(/^error: .*: the job is (cancelled|ended at once)$/m);
    },
    LIMIT_MS,
  );

  test(
    "reaches a program whose workers never finish loading",
    async () => {
      const program = `if (process.env.LUCIOLE_ROLE === "task") for (;;);
${programOf("f.range(3)").replace("await run", 'setTimeout(() => console.error("at work;"), 200);\nawait run')}`;
      const { onText } = signals("SIGINT");
      expect(await endOf({ program, onText })).toMatchObject({ code: 130, stdout: "", added: [] });
    },
    LIMIT_MS,
  );
});

describe("a driver that is killed", () => {
  const data = mkdtempSync(join(tmpdir(), "luciole-data-"));
  afterAll(() => rmSync(data, { recursive: true, force: true }));

  test(
    "takes its workers with it, and the next run sweeps what it left",
    async () => {
      const { onText } = signals("SIGKILL");
      const killed = await endOf({ program: ENDLESS.replace(/\.writeText.*\)/, ")"), data, onText });
      expect(killed.code).toBe(null);
      expect(readdirSync(data).length).toBe(1);
      expect((await endOf({ program: programOf("f.range(3)"), data })).code).toBe(0);
      expect(readdirSync(data)).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe("a driver that is killed while it writes", () => {
  test(
    "leaves what it staged to the next run, which sweeps it",
    async () => {
      const program = programOf(`f.range(4, { shards: 2 }).map((n) => {
  if (require("node:fs").existsSync("killed")) return n;
  require("node:fs").writeFileSync("killed", "");
  process.kill(process.ppid, "SIGKILL");
  for (;;);
}).writeText("deep/out", String)`);
      const run = '"$LUCIOLE" run job.ts; ls -A deep | sed "s/-e0.*//"';
      const { stdout, added } = await endOf({ program, command: ["/bin/sh", "-c", `${run}; ${run}`] });
      expect(stdout).toBe(".out.staging\nout\n");
      expect(added).toContain("deep/out/_SUCCESS");
    },
    LIMIT_MS,
  );
});

test(
  "an execution that is cancelled before it begins stages nothing",
  async () => {
    const program = `import { flow, openJob } from "luciole";
const it = flow("it", (f) => f.range(3).writeText("deep/out", String));
const job = await openJob({ workers: 1 });
console.log(await job.execute(it, undefined, { signal: AbortSignal.abort() }).catch((error) => error.name));
await new Promise(setImmediate);
process.kill(process.pid, "SIGKILL");
`;
    using data = new Folder();
    const { stdout, added } = await endOf({ program, data: data.path });
    expect({ stdout, added }).toEqual({ stdout: "CancelledError\n", added: [] });
  },
  LIMIT_MS,
);

describe("a worker that dies", () => {
  test(
    "once costs nothing but a warning",
    async () => {
      const program = programOf(
        `f.range(10, { shards: 2 }).map((n) => {
  if (n === 7 && !require("node:fs").existsSync("died")) {
    require("node:fs").writeFileSync("died", "");
    process.kill(process.pid, "SIGKILL");
    for (;;);
  }
  return n;
})`,
        "console.log(...(await out.collect()));",
      );
      const { code, stdout, stderr } = await endOf({ program });
      expect({ code, stdout }).toEqual({ code: 0, stdout: "0 1 2 3 4 5 6 7 8 9\n" });
      expect(stderr).toMatch(
        /^warning: Task 1 of range → map was lost and is run again: worker \d was ended by signal SIGKILL\n$/,
      );
    },
    LIMIT_MS,
  );

  test(
    "each time ends the job with the first cause",
    async () => {
      const program = programOf('f.range(1).map(() => { process.kill(process.pid, "SIGKILL"); for (;;); })');
      const { code, stderr } = await endOf({ program });
      const cause = "worker \\d was ended by signal SIGKILL";
      expect(stderr).toMatch(
        new RegExp(
          `^warning: Task 0 of range → map was lost and is run again: ${cause}\n` +
            `error: Cannot run task 0 of range → map: it was lost 5 times in a row, first: ${cause} \\(steps of \\S+:2\\)\n$`,
        ),
      );
      expect(code).toBe(1);
    },
    LIMIT_MS,
  );

  test(
    "for want of memory is told as lost, without the runtime's report",
    async () => {
      // What a row holds is out of the engine's sight, so only the system can stop it.
      const limited = 'ulimit -v 3000000; exec "$LUCIOLE" run job.ts';
      const program = programOf(
        "f.range(1).map(() => { const held = []; for (;;) held.push(new Float64Array(1e6).fill(1)); })",
      );
      const { code, stderr } = await endOf({
        program,
        command: ["/bin/sh", "-c", limited],
        env: { LUCIOLE_WORKERS: "1" },
      });
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^error: Cannot run .*(lost \d times in a row, first: worker 0 was ended by signal|[Oo]ut of memory|memory)/m,
      );
      expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(4);
    },
    LIMIT_MS,
  );

  test(
    "of a stack that is too deep is no such worker: the closure is named",
    async () => {
      const program = programOf(
        "f.range(1).map((n) => { const deep = (k) => deep(k + 1) + 1; return deep(n); })",
      );
      await expectFailure(
        { program },
        1,
        /^error: Cannot run map at job.ts:2: shard 0, row 0: RangeError: Maximum call stack/,
      );
    },
    LIMIT_MS,
  );
});

describe("output", () => {
  test(
    "of a closure that prints a million lines is bounded, and what was dropped is told",
    async () => {
      const program = programOf(
        'f.range(1_000_000).map((n) => { console.log("line " + n); return n; }).count()',
        "console.log(...(await out.collect()));",
      );
      const { code, stdout, stderr, took } = await endOf({ program });
      expect({ code, stdout }).toEqual({ code: 0, stdout: "1000000\n" });
      const lines = stderr.split("\n").length;
      expect(lines).toBeLessThan(2 * 1001 * (Math.ceil(took / 1000) + 1));
      expect(stderr).toMatch(
        /^\[worker \d\] \d+ lines \(\d+ bytes\) of output were dropped: too many in a second$/m,
      );
    },
    LIMIT_MS,
  );

  test.each([
    ["console.log", "console.log(i);"],
    [
      "process.stdout.write",
      'process.stdout.write(i + "\\n"); if (i % 100 === 0) await new Promise(setImmediate);',
    ],
  ])(
    "by %s to a reader that leaves early does not fail the program",
    async (_, print) => {
      const program = programOf(
        "f.range(3).writeText('out', String)",
        `for (let i = 0; i < 30_000; i++) { ${print} }`,
      );
      const piped = '{ "$LUCIOLE" run job.ts; echo "exit $?" >&2; } | head -1';
      const { stdout, stderr, added } = await endOf({ program, command: ["/bin/sh", "-c", piped] });
      expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "exit 0\n" });
      expect(added).toContain("out/_SUCCESS");
    },
    LIMIT_MS,
  );

  test(
    "of one row of 300 MB is whole",
    async () => {
      const program = programOf(
        'f.range(1).map((n) => "x".repeat(300_000_000) + n)',
        "for await (const row of out) console.log(row.length, row.at(-1));",
      );
      expect(await endOf({ program })).toMatchObject({ code: 0, stdout: "300000001 0\n" });
    },
    LIMIT_MS,
  );
});

describe("a full disk", () => {
  // A file system of two megabytes where that is allowed, else a limit on the size of files.
  const isMountable = Bun.spawnSync(["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]).success;
  const within = (command: string): readonly string[] =>
    isMountable
      ? [
          "unshare",
          "-m",
          "sh",
          "-c",
          `mount -t tmpfs -o size=2m none small && ${command}; code=$?; find small -type f; exit $code`,
        ]
      : ["/bin/bash", "-c", `ulimit -f 1000; trap '' XFSZ; ${command}`];
  const rows = 'f.range(2_000_000).map((n) => "row " + n)';

  test.each([
    ["of the output", `${rows}.writeText("small/out")`, "small"],
    ["of one output file", `${rows}.writeText("small/out", String, { single: true })`, "small"],
    ["of the working directory", `${rows}.repartition(2)`, "data"],
    ["of spilled rows", `${rows}.keyBy((row) => row).groupByKey().count()`, "data"],
  ])(
    "%s is told, and nothing stays on it",
    async (_, source, full) => {
      const data = full === "data" ? 'LUCIOLE_DATA="$PWD/small" ' : "";
      const mishap = {
        program: programOf(source),
        prepare: (folder: string) => mkdirSync(join(folder, "small")),
        command: within(`${data}"$LUCIOLE" run --memory 4MiB job.ts`),
      };
      const { stdout, added } = await expectFailure(
        mishap,
        1,
        /^error: Cannot write .*: the disk of .* is full, \d+ bytes are needed/,
      );
      expect({ stdout, added }).toEqual({ stdout: "", added: [] });
    },
    LIMIT_MS,
  );

  test(
    "that is the target itself, which no rename can replace, is told before anything runs",
    async () => {
      const mishap = {
        program: programOf('f.range(1).map(() => { throw new Error("ran"); }).writeText("small")'),
        prepare: (folder: string) => mkdirSync(join(folder, "small")),
        command: within('"$LUCIOLE" run job.ts'),
      };
      const line = 'Cannot write "small": it is a mount point; choose a directory in it';
      await expectFailure(mishap, 1, isMountable ? line : /ran$/);
    },
    LIMIT_MS,
  );

  test(
    "is not needed to be told of a working directory that cannot be made",
    async () => {
      const mishap = {
        program: programOf("f.range(3)"),
        files: { plain: "" },
        env: { LUCIOLE_DATA: "plain/data" },
      };
      await expectFailure(
        mishap,
        1,
        /^error: Cannot make the working directory plain\/data.*; set LUCIOLE_DATA to a directory/,
      );
    },
    LIMIT_MS,
  );
});
