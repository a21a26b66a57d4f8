/** Ctrl-C and SIGTERM: the exit code, and that no worker and no file is left (F1). */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { processesOf } from "./cluster.ts";
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
  // Nothing is heard in its loop.
  "deaf.ts": `
    import { flow, run } from "luciole";
    const two = flow("two", (f) => f.range(2, { shards: 2 }));
    await run(async (job) => {
      await (await job.execute(two)).collect();
      await new Promise((resolve) => setTimeout(resolve, Number(process.env.PAUSE_MS)));
      console.error("deaf;");
      for (;;);
    });
  `,
  // For longer than signals are taken for unheard at first.
  "quiet.ts": `
    import { run } from "luciole";
    await run(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      console.error("waits;");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });
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

describe.each([
  ["luciole run", [LUCIOLE, "run", "deaf.ts"]],
  ["bun", [BUN, "deaf.ts"]],
  ["deno", [DENO, "run", "-A", "deaf.ts"]],
] as const)("%s, whose driver hears no signal,", (_, command) => {
  const end = async (pauseMs: number, act: (pid: number) => void): Promise<string> => {
    const { stdout } = await folder.run(["sh", "-c", `"$@"; echo "ended with $?"`, "sh", ...command], {
      env: { LUCIOLE_WORKERS: "2", PAUSE_MS: `${pauseMs}` },
      onText: { text: "deaf;", act: (shell) => act(childOf(shell)) },
    });
    await until(() => processesOf(folder.scratch).length === 0);
    return stdout;
  };

  test.each([200, 2_000])(
    "ends by a second one, and its workers with it",
    async (pauseMs) => {
      const act = async (pid: number): Promise<void> => {
        await signalUntilTaken(pid, "SIGINT");
        process.kill(pid, "SIGINT");
      };
      expect(await end(pauseMs, (pid) => void act(pid))).toBe("ended with 130\n");
    },
    60_000,
  );

  test("ends some seconds after the first one", async () => {
    expect(await end(2_000, (pid) => void signalUntilTaken(pid, "SIGTERM"))).toBe("ended with 143\n");
  }, 60_000);
});

test("two signals at once, as of `timeout`, are heard, and all is cleaned up", async () => {
  const command = ["sh", "-c", `"$@"; echo "ended with $?"`, "sh", LUCIOLE, "run", "quiet.ts"];
  const { stdout, stderr } = await folder.run(command, {
    env: { LUCIOLE_WORKERS: "1" },
    onText: {
      text: "waits;",
      act: (shell) => {
        const pid = childOf(shell);
        for (let i = 0; i < 3; i++) process.kill(pid, "SIGTERM");
      },
    },
  });
  expect(stdout).toBe("ended with 143\n");
  expect(stderr).toContain("error: Ended by SIGTERM: the job is");
  expect(folder.leftovers()).toEqual([]);
}, 60_000);

/** Whether it hears is seen by the system's mask of signals that are caught; until that is known, they are lost. */
async function signalUntilTaken(pid: number, signal: NodeJS.Signals): Promise<void> {
  const bit = 1n << BigInt(constants.signals[signal] - 1);
  const isCaught = (): boolean => {
    const [, mask = "0"] = /^SigCgt:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return (BigInt(`0x${mask}`) & bit) !== 0n;
  };
  while (isCaught()) {
    process.kill(pid, signal);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());

async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 30_000; !isSo(); ) {
    if (performance.now() > deadline) throw new Error("Waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

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
