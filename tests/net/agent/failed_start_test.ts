/** An agent that cannot start leaves nothing open. */
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAgent } from "../../../net/agent/agent.ts";
import { type AgentConfig, RunningAgent } from "../../../net/agent/main.ts";
import { ProgramCache } from "../../../net/agent/programs/program_cache.ts";
import { clusterAccess } from "../../../net/driver/cluster/cluster_access.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import type { Runtime } from "../../../net/runtime/runtime.ts";

const CONFIG: Omit<AgentConfig, "directory"> = {
  ...{
    id: "a1",
    host: "127.0.0.1",
    port: 0,
    advertise: { host: "127.0.0.1" },
    masters: [],
    heartbeatMs: 1_000,
  },
  ...{ dataCenter: "d", rack: "r", labels: {}, slots: 1, memoryBytes: 2 ** 30, drivers: 1, security: {} },
};

test("createAgent() closes its socket when what comes after it fails", async () => {
  const directory = mkdtempSync(join(tmpdir(), "luciole-test-"));
  const real = await currentRuntime();
  let open = 0;
  const serve: Runtime["serve"] = async (options) => {
    const server = await real.serve(options);
    open++;
    return {
      ...server,
      stop: async () => {
        open--;
        await server.stop();
      },
    };
  };
  // In the place of the directory of detached drivers.
  const drivers = join(directory, "drivers");
  writeFileSync(drivers, "");
  const own = { command: ["none"], version: "1.0.0", platform: "linux-x64" };
  const programs = await ProgramCache.create({
    ...{ agent: "a1", directory: join(directory, "programs"), maxBytes: 1e6, own },
  });
  const started = createAgent({
    id: "a1",
    directory,
    slots: 1,
    programs,
    runtime: { ...real, serve },
    drivers: { directory: drivers, most: 1, masters: [], cluster: clusterAccess(real, [], {}) },
  });
  await expect(started).rejects.toThrow("ENOTDIR");
  expect({ open, left: readdirSync(directory).sort() }).toEqual({ open: 0, left: ["drivers", "programs"] });
  await programs.close();
  rmSync(directory, { recursive: true });
});

test("an agent that could not start leaves its directory to the next one", async () => {
  const directory = mkdtempSync(join(tmpdir(), "luciole-test-"));
  const config = { ...CONFIG, directory };
  const ignore = (): void => undefined;
  writeFileSync(join(directory, "drivers"), "");
  await expect(RunningAgent.start(config, ignore)).rejects.toThrow("ENOTDIR");
  rmSync(join(directory, "drivers"));
  const agent = await RunningAgent.start(config, ignore);
  await agent.close();
  rmSync(directory, { recursive: true });
}, 60_000);
