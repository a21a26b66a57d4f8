/** X3, X4: random requests to every route of masters and agents crash nothing, fill nothing, and leave nothing. */
import { describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NO_TOTALS } from "../../../core/schedule/report.ts";
import { createMaster } from "../../../net/master/master.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../net/protocol.ts";
import { guarded } from "../../../net/security/authenticate.ts";
import { AgentWorld, COMMITTED, order } from "../agent/agent_world.ts";
import { fuzzRoutes, type Sample, usedBytes } from "./fuzz_routes.ts";

const ROUNDS = 6;
const RUNS = 500;
const MAX_GROWTH_BYTES = 16 * 2 ** 20;

const AGENT_SAMPLES: readonly Sample[] = [
  ["PUT", "/v1/jobs/j1", jobOrder()],
  ["PUT", "/v1/jobs/j2", jobOrder()],
  ["PUT", "/v1/jobs/j1/executions/e0", { id: "e0", flow: "f", params: new Uint8Array(2), plan: {} }],
  ["POST", "/v1/jobs/j1/attempts", { orders: [order("a1"), order("a2")] }],
  ["POST", "/v1/jobs/j1/cancel", { attempts: ["a1"] }],
  ["POST", "/v1/jobs/j1/release", { attempts: ["a1"], executions: ["e0"] }],
  ["POST", "/v1/jobs/j1/messages", { workers: [0], message: { text: "hello" } }],
  ["PUT", "/v1/jobs/j1/channels/c1"],
  ["POST", "/v1/jobs/j1/channels/c1", { any: 1 }],
  ["DELETE", "/v1/jobs/j1/channels/c1"],
  ["GET", "/v1/jobs/j1/shards/a1/0?from=0"],
  ["POST", "/v1/workers/0/next", { job: "j1", ended: { attempt: "a1", result: COMMITTED } }],
  ["POST", "/v1/workers/0/report", { job: "j1", events: reports() }],
  ["POST", "/v1/workers/0/written", { job: "j1", attempt: "a1", sizeBytes: 10 }],
  [
    "POST",
    "/v1/workers/0/held",
    { job: "j1", pieces: [{ attempt: "a1", partition: 0, chunks: { from: 0, to: 1 } }] },
  ],
];

function jobOrder(): object {
  const command = { command: ["none"], environment: { A: "b" }, workingDirectory: "/" };
  return { workers: 2, firstWorker: 0, command, leaseMs: 60_000, peers: { a2: "127.0.0.1:9" } };
}

function reports(): readonly object[] {
  return [
    { kind: "started", attempt: "a1" },
    { kind: "progress", attempt: "a1", totals: NO_TOTALS },
    { kind: "log", level: "info", text: "hello", attempt: "a1" },
    { kind: "message", message: 1 },
    { kind: "returned", attempts: ["a2"] },
  ];
}

const LOAD = { freeSlots: 1, freeMemoryBytes: 2 ** 30, freeDiskBytes: 2 ** 30, jobs: [jobLoad()] };
const MASTER_SAMPLES: readonly Sample[] = [
  ["POST", "/v1/heartbeats", { agent: agentInfo(), load: LOAD, sequence: 1 }],
  ["POST", "/v1/heartbeats", { agent: agentInfo(), load: LOAD, sequence: 9, isLeaving: true }],
  ["POST", "/v1/placements", placement()],
  ["GET", "/v1/cluster"],
];

function placement(): object {
  const near = [{ agent: "a1", bytes: 1000 }];
  const request = {
    job: "j1",
    workers: 2,
    leastWorkers: 1,
    memoryBytes: 2 ** 20,
    near,
    exclude: ["a2"],
    waitMs: 0,
  };
  return { ...request, labels: { gpu: "yes" }, dataCenter: "d", rack: "r" };
}

function jobLoad(): object {
  return { job: "j1", name: "n", program: "p", workers: 1, state: "running", since: 1, driver: "me@here" };
}

function agentInfo(): object {
  const place = { dataCenter: "d", rack: "r", host: "h", labels: { gpu: "yes" } };
  const size = { slots: 4, memoryBytes: 2 ** 30, diskBytes: 2 ** 30 };
  return {
    id: "a1",
    incarnation: "i1",
    address: "h:7401",
    ...place,
    version: "1",
    platform: "linux-x64",
    ...size,
  };
}

describe("X3: random requests", () => {
  test("to a master", async () => {
    const notices: string[] = [];
    const master = createMaster({ id: "m", version: "1", onNotice: (text) => notices.push(text) });
    const used: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const fetch = guarded(master, {});
      await fuzzRoutes({ app: master.app, fetch, samples: MASTER_SAMPLES, runs: RUNS, round });
      notices.length = 0;
      used.push(usedBytes());
    }
    expect(used[ROUNDS - 1] - used[1]).toBeLessThan(MAX_GROWTH_BYTES);
    const answer = await master.fetch(
      new Request("http://m/v1/cluster", { headers: { [PROTOCOL_HEADER]: String(PROTOCOL) } }),
    );
    expect(answer.status).toBe(200);
    master.close();
  }, 120_000);

  test.each(["scripted", "process"] as const)(
    "to an agent with %s workers",
    async (workers) => {
      const home = await mkdtemp(join(tmpdir(), "luciole-test-"));
      const before = process.env.TMPDIR;
      process.env.TMPDIR = home;
      const world = await AgentWorld.open({ workers }).finally(() => {
        if (before === undefined) delete process.env.TMPDIR;
        else process.env.TMPDIR = before;
      });
      const { app } = world.agent;
      const used: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        await world.startJob();
        await fuzzRoutes({ app, fetch: guarded(world.agent, {}), samples: AGENT_SAMPLES, runs: RUNS, round });
        for (const job of ["j1", "j2"]) await world.call("DELETE", `/v1/jobs/${job}`);
        used.push(usedBytes());
      }
      expect(used[ROUNDS - 1] - used[1]).toBeLessThan(MAX_GROWTH_BYTES);
      await world.startJob();
      await world.enqueue(order("a1"));
      if (workers === "scripted") expect((await world.next(0)).kind).toBe("order");
      expect(await world.close()).toEqual([]);
      // X4: nothing was written beside the agent's own directory.
      expect(await readdir(home)).toEqual([]);
      await rm(home, { recursive: true });
    },
    120_000,
  );
});
