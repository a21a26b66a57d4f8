/** Ctrl-C and SIGTERM: the exit code, and that no worker and no file is left (F1). */
import { afterAll, describe, expect, test } from "bun:test";
import { BUN, DENO, Folder, LUCIOLE } from "./executable.ts";

const folder = new Folder({
  "endless.ts": `
    import { flow, run } from "luciole";
    const endless = flow("endless", (f) => f.range(2, { shards: 2 }).map((n) => {
      console.log("at work: " + process.pid + ";");
      for (;;) if (n < 0) return n;
    }));
    await run(async (job) => { await job.execute(endless); });
  `,
  // Their terminal is gone: all of its processes are told.
  "left.ts": `
    import { flow, run } from "luciole";
    const left = flow("left", (f) => f.range(1).map((n) => {
      for (const pid of [process.ppid, process.pid]) process.kill(pid, "SIGHUP");
      return n;
    }));
    await run(async (job) => console.log(await (await job.execute(left)).collect()));
  `,
  "early.ts": `
    import { run } from "luciole";
    const running = run(() => console.log("begun"));
    process.kill(process.pid, "SIGTERM");
    await running;
  `,
});
folder.installPackage();
afterAll(() => folder[Symbol.dispose]());

const WAYS: readonly (readonly [string, readonly string[]])[] = [
  ["luciole run", [LUCIOLE, "run", "endless.ts"]],
  ["bun", [BUN, "endless.ts"]],
  ["deno", [DENO, "run", "-A", "endless.ts"]],
];
const SIGNALS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const;

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.each(WAYS)("%s", (_, command) => {
  test.each(SIGNALS)(
    "ended by %s exits with %d and leaves nothing",
    async (signal, exitCode) => {
      const { code, stdout, stderr } = await folder.run([...command], {
        env: { LUCIOLE_WORKERS: "2" },
        onText: { text: ";", act: (pid) => process.kill(pid, signal) },
      });
      expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
      expect(stderr).toMatch(/^error: (Interrupted|Ended by SIGTERM): the job is cancelled$/m);
      const workers = [...stderr.matchAll(/at work: (\d+);/g)].map((match) => Number(match[1]));
      expect(workers.length).toBeGreaterThan(0);
      expect(workers.filter(isAlive)).toEqual([]);
      expect(folder.leftovers()).toEqual([]);
    },
    60_000,
  );
});

test("what nohup started goes on when its terminal is gone", async () => {
  const command = ["sh", "-c", `trap '' HUP; exec ${LUCIOLE} run left.ts`];
  const { code, stdout } = await folder.run(command, { env: { LUCIOLE_WORKERS: "1" } });
  expect({ code, stdout }).toEqual({ code: 0, stdout: "[ 0 ]\n" });
}, 60_000);

test("a hangup ends a program that nohup did not start", async () => {
  const { code, stderr } = await folder.run([LUCIOLE, "run", "left.ts"], { env: { LUCIOLE_WORKERS: "1" } });
  expect(code).toBe(143);
  expect(stderr).toContain("error: Ended by SIGHUP: the job is cancelled");
}, 60_000);

test("a program that was ended while its job was opened is not begun", async () => {
  const { code, stdout, stderr } = await folder.run([LUCIOLE, "run", "early.ts"]);
  expect({ code, stdout }).toEqual({ code: 143, stdout: "" });
  expect(stderr).toContain("error: Ended by SIGTERM: the job is cancelled");
}, 60_000);
