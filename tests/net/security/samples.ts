/**
 * A request to each route that takes a body, or an id, as agents and masters accept them.
 */
import { NO_TOTALS } from "../../../core/schedule/report.ts";
import { COMMITTED, order } from "../agent/agent_world.ts";
import type { Sample } from "./fuzz_routes.ts";

export const AGENT_SAMPLES: readonly Sample[] = [
  ["PUT", "/v1/jobs/j1", jobOrder()],
  ["PUT", "/v1/jobs/j2", jobOrder()],
  [
    "POST",
    "/v1/jobs/j1/attempts",
    {
      orders: [order("a1"), order("a2")],
      templates: [{ id: "t0", body: new Uint8Array(2) }],
      executions: [{ id: "e0", template: "t0", params: new Uint8Array(2) }],
      release: { attempts: ["a1"], executions: [], templates: ["t0"] },
    },
  ],
  ["POST", "/v1/jobs/j1/cancel", { attempts: ["a1"] }],
  ["POST", "/v1/jobs/j1/release", { attempts: ["a1"], executions: ["e0"], templates: ["t0"] }],
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

const FREE = { freeSlots: 1, freeMemoryBytes: 2 ** 30, freeDiskBytes: 2 ** 30 };
const LOAD = { ...FREE, jobs: [jobLoad()], ended: ["j2"] };
export const MASTER_SAMPLES: readonly Sample[] = [
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
