/** Programs that use jobs in ways of their own, and ends that leave nothing behind. */
import { describe, expect, test } from "bun:test";
import { BUN, DENO, runProgram } from "./program.ts";

const LIMIT_MS = 60_000;
const ENDLESS = `
  import { flow, run } from "luciole";
  const endless = flow("endless", (f) => f.generate(2, async function* (_, ctx) {
    ctx.sendToDriver("at work");
    for (;;) yield await new Promise((resolve) => setTimeout(resolve, 1, 1));
  }).writeText("out", String));
`;

describe.each([
  ["bun", BUN],
  ["deno", DENO],
])("on %s", (_, command) => {
  test(
    "openJob() opens several jobs at once, each with workers of its own",
    async () => {
      const text = `
        import { flow, openJob } from "luciole";
        const sum = flow("sum", (f, p: { n: number }) => f.range(p.n).map((n) => [n % 2, n] as [number, number]).reduceByKey((a, b) => a + b).values().sum());
        const jobs = await Promise.all([1, 2, 1].map((workers) => openJob({ workers })));
        console.log(JSON.stringify(await Promise.all(jobs.map(async (job, i) => (await job.execute(sum, { n: i + 9 })).collect()))));
        await Promise.all(jobs.map((job) => job.close()));
      `;
      expect(await runProgram(text, { command })).toEqual({
        code: 0,
        stdout: "[[36],[45],[55]]\n",
        stderr: "",
        left: [],
      });
    },
    LIMIT_MS,
  );

  test(
    "closures find the program's environment, without the engine's settings, and workers are used again",
    async () => {
      const text = `
        import { flow, run } from "luciole";
        const seen = flow("seen", (f) => f.range(40, { shards: 40 }).map((_, context) => {
          const mine = Object.keys(process.env).filter((name) => name.startsWith("LUCIOLE_"));
          return JSON.stringify([context.worker, process.pid, process.env.OWN ?? null, mine.sort().join()]);
        }).distinct());
        await run(async (job) => {
          const rows = [...await (await job.execute(seen)).collect(), ...await (await job.execute(seen)).collect()];
          console.log(JSON.stringify([...new Set(rows)].map((row) => JSON.parse(row))));
        });
      `;
      const env = { LUCIOLE_WORKERS: "2", LUCIOLE_MEMORY: "64MiB", LUCIOLE_LOG_LEVEL: "warn", OWN: "yes" };
      const { stdout, ...ended } = await runProgram(text, { command, env });
      expect(ended).toEqual({ code: 0, stderr: "", left: [] });
      const rows = JSON.parse(stdout) as [worker: number, pid: number, own: string, names: string][];
      // Eighty tasks by two processes at most, each always the same worker.
      expect(new Set(rows.map(([, pid]) => pid)).size).toBeLessThanOrEqual(2);
      expect(rows.length).toBe(new Set(rows.map(([worker]) => worker)).size);
      const names = ["AGENT", "DIRECTORY", "JOB", "ROLE", "SOCKET", "WORKER"].map(
        (name) => `LUCIOLE_${name}`,
      );
      for (const [, , own, found] of rows)
        expect({ own, found }).toEqual({ own: "yes", found: names.join() });
    },
    LIMIT_MS,
  );

  test(
    "run() can be called again, one after the other and at once",
    async () => {
      const text = `
        import { flow, run } from "luciole";
        const sum = flow("sum", (f, p: { n: number }) => f.range(p.n, { shards: 3 }).map((n) => n + 1).sort(undefined, { shards: 2 }));
        const print = (n: number) => run(async (job) => {
          const rows = await job.execute(sum, { n });
          for await (const row of rows) console.log(n, row);
        });
        await print(1);
        await Promise.all([print(2), print(2)]);
      `;
      const env = { LUCIOLE_WORKERS: "2" };
      const { stdout, ...ended } = await runProgram(text, { command, env });
      expect(ended).toEqual({ code: 0, stderr: "", left: [] });
      expect(stdout.trim().split("\n").sort()).toEqual(["1 1", "2 1", "2 1", "2 2", "2 2"]);
    },
    LIMIT_MS,
  );

  test(
    "process.exit() in the driver function leaves neither a file nor a staged output",
    async () => {
      const text = `${ENDLESS}
        await run(async (job) => {
          job.on("workerMessage", () => process.exit(7));
          await job.execute(endless);
        });
      `;
      const env = { LUCIOLE_WORKERS: "2" };
      expect(await runProgram(text, { command, env })).toEqual({ code: 7, stdout: "", stderr: "", left: [] });
    },
    LIMIT_MS,
  );

  test(
    "process.exit() leaves no socket where the path of the folder is too long for one",
    async () => {
      const text = `
        import { mkdirSync, rmSync } from "node:fs";
        const data = process.cwd() + "/" + "long".repeat(30);
        process.env.LUCIOLE_DATA = data;
        const { flow, openJob } = await import("luciole");
        const sum = flow("sum", (f) => f.range(4).sum());
        const job = await openJob({ workers: 1 });
        console.log(await (await job.execute(sum)).collect());
        process.on("exit", () => rmSync(data, { recursive: true }));
        process.exit(5);
      `;
      const { stdout, ...ended } = await runProgram(text, { command });
      expect(ended).toEqual({ code: 5, stderr: "", left: [] });
      expect(stdout).toMatch(/^\[ 6 \]\n$/);
    },
    LIMIT_MS,
  );

  test.each([
    ["throws", 'throw new RangeError("not for me");'],
    ["rejects", 'return Promise.reject(new RangeError("not for me"));'],
  ])(
    "a workerMessage listener that %s ends the program with that error",
    async (_, body) => {
      const text = `${ENDLESS}
        await run(async (job) => {
          job.on("workerMessage", () => { ${body} });
          await job.execute(endless);
        });
      `;
      const { stderr, ...ended } = await runProgram(text, { command, env: { LUCIOLE_WORKERS: "2" } });
      expect(ended).toEqual({ code: 1, stdout: "", left: [] });
      expect(stderr).toMatch(/^error: .*not for me/);
      expect(stderr).not.toContain("lost");
    },
    LIMIT_MS,
  );
});
