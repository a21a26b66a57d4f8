/** Which processes are there: those that hold locks, or have left them. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import process from "node:process";
import { isAlive, startOf } from "../../../net/runtime/process_space.ts";

test("this process is there, and one that never was is not", () => {
  expect(isAlive(process.pid)).toBe(true);
  expect(Number(startOf(process.pid))).toBeGreaterThan(0);
  expect(isAlive(2 ** 22 + 1)).toBe(false);
  expect(startOf(2 ** 22 + 1)).toBe("");
});

test("a process that has ended is not there, though its parent has not waited for it", async () => {
  // The shell becomes sleep, which waits for nobody: what it started before stays a zombie.
  const parent = Bun.spawn(["sh", "-c", "sh -c 'echo $$; kill -9 $$' & exec sleep 60"], { stdout: "pipe" });
  try {
    let pid = Number.NaN;
    for await (const bytes of parent.stdout) {
      pid = Number(Buffer.from(bytes).toString());
      break;
    }
    const stateOf = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];
    for (const deadline = performance.now() + 20_000; stateOf() !== "Z" && performance.now() < deadline; ) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(stateOf()).toBe("Z");
    expect(isAlive(pid)).toBe(false);
  } finally {
    parent.kill("SIGKILL");
    await parent.exited;
  }
});
