/** The first cause of a driver's failure, from the last lines of its stderr and how it ended. */
import { expect, test } from "bun:test";
import { LastLines } from "../../../../net/agent/detached/driver_cause.ts";

test.each([
  [["error: no words", "    at /home/ann/wc.ts:3"], { code: 1 }, 1, "no words"],
  [["error: first", "warning: x", "error: last one"], { code: 3 }, 3, "last one"],
  [['{"kind":"failed","error":{"code":"x","message":"as JSON"}}'], { code: 1 }, 1, "as JSON"],
  [[], { code: 7 }, 7, "its driver exited with code 7"],
  [["error: not this"], { signal: "SIGKILL" }, 137, "its driver was ended by signal SIGKILL: not this"],
  [[], { signal: "SIGSEGV" }, 139, "its driver was ended by signal SIGSEGV"],
  [[], { error: new Error("no such file") }, 1, "its driver could not be started: no such file"],
] as const)("%j and %j", (lines, exit, exitCode, cause) => {
  const last = new LastLines();
  for (let i = 0; i < 100; i++) last.add(`error: of long ago ${i}`);
  for (let i = 0; i < 100; i++) last.add("and so on");
  for (const line of lines) last.add(line);
  expect(last.exitOf(exit)).toEqual({ exitCode, cause });
});
