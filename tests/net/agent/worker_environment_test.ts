/** What a worker process finds in its environment: what it needs, what the job asks for, and nothing of the agent's. */
import { expect, test } from "bun:test";
import { processWorkers } from "../../../net/agent/workers/worker_process.ts";
import type { Runtime } from "../../../net/runtime/runtime.ts";
import type { SpawnOptions } from "../../../net/runtime/spawn.ts";

test("processWorkers() hands on an allow-list of the agent's variables, the job's own and the worker's", () => {
  const spawned: SpawnOptions[] = [];
  const runtime = {
    spawn: (options: SpawnOptions) => {
      spawned.push(options);
      return { kill: () => undefined };
    },
  } as unknown as Runtime;
  const environment = { PATH: "/bin", LANG: "C", AGENT_SECRET: "s", LUCIOLE_MEMORY: "9", HOME: undefined };
  processWorkers({ runtime, socketPath: "/s.sock", environment })({
    job: "j1",
    worker: 3,
    agent: "a1",
    directory: "/d",
    command: {
      command: ["x"],
      environment: { MINE: "1", LANG: "de", LUCIOLE_ROLE: "?" },
      workingDirectory: "/w",
    },
    onOutput: () => undefined,
    onExit: () => undefined,
  });
  expect(spawned.map(({ environment, workingDirectory }) => ({ environment, workingDirectory }))).toEqual([
    {
      environment: {
        PATH: "/bin",
        LANG: "de",
        MINE: "1",
        LUCIOLE_ROLE: "task",
        LUCIOLE_SOCKET: "/s.sock",
        LUCIOLE_WORKER: "3",
        LUCIOLE_JOB: "j1",
        LUCIOLE_AGENT: "a1",
        LUCIOLE_DIRECTORY: "/d",
      },
      workingDirectory: "/w",
    },
  ]);
});
