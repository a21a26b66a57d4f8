/**
 * Workers that the system ended for want of memory.
 */
import { expect, test } from "bun:test";
import process from "node:process";
import { processWorkers } from "../../../net/agent/workers/worker_process.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import { memoryKills } from "../../../net/runtime/memory_kills.ts";

test("the kills of the control group and of the machine are counted", () => {
  const files: Readonly<Record<string, string>> = {
    "/sys/fs/cgroup/memory.events": "low 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n",
    "/proc/vmstat": "nr_free_pages 1\noom_kill 5\ndrop_pagecache 9\n",
  };
  expect(memoryKills((path) => files[path] ?? "")).toBe(5);
  expect(memoryKills((path) => (path.startsWith("/sys") ? (files[path] ?? "") : ""))).toBe(2);
  expect(memoryKills(() => "")).toBe(0);
  // This machine's own files, where there are any.
  expect(memoryKills()).toBeGreaterThanOrEqual(0);
});

test.each([
  {
    by: "the system",
    kills: [3, 4],
    isOwn: false,
    says: "was ended by signal SIGKILL: the machine was out of memory",
  },
  { by: "somebody", kills: [3, 3], isOwn: false, says: "was ended by signal SIGKILL" },
  { by: "its agent", kills: [3, 4], isOwn: true, says: "was ended by signal SIGKILL" },
])("a worker that $by killed", async ({ kills, isOwn, says }) => {
  const exited = Promise.withResolvers<string>();
  const counts = [...kills];
  const start = processWorkers({
    runtime: await currentRuntime(),
    socketPath: "/none",
    environment: process.env,
    memoryKills: () => counts.shift() ?? 0,
  });
  const worker = start({
    job: "j1",
    worker: 0,
    agent: "a1",
    directory: "/",
    command: { command: ["/bin/sh", "-c", "exec sleep 60"], environment: {}, workingDirectory: "/" },
    onOutput: () => undefined,
    onExit: exited.resolve,
  });
  if (isOwn) worker.kill();
  else process.kill(worker.pid ?? Number.NaN, "SIGKILL");
  const cause = await exited.promise;
  expect(cause).toStartWith(says);
  expect(cause.includes("out of memory")).toBe(says.includes("out of memory"));
});
