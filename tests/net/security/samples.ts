/**
 * A request to each route that takes a body, or an id, as agents and masters accept them.
 */
import { NO_TOTALS } from "../../../core/schedule/report.ts";
import { COMMITTED, order } from "../agent/agent_world.ts";
import type { Sample } from "./fuzz_routes.ts";

const BYTES = new Uint8Array(3);
/** Of a program, whose only block has the same hash. */
const CONTENT = new Uint8Array(10);
const END = { outcome: "failed", cause: "no start", details: ["at x.ts:1"] };

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
  ["POST", "/v1/jobs/j1/messages", { letters: [BYTES, ["driverMessage", BYTES]], parcels: [workerParcel()] }],
  ["POST", "/v1/jobs/j1/lease", { acknowledged: 0 }],
  ["POST", "/v1/jobs/j1/retire", { workers: [7], graceMs: 1000 }],
  ["PUT", "/v1/jobs/j1/peers", { version: 1, peers: { a2: "127.0.0.1:9" } }],
  ["DELETE", "/v1/jobs/j1/peers/a2?version=1"],
  ["GET", "/v1/jobs/j1/logs?from=0&worker=0"],
  ["POST", "/v1/jobs/j1/pieces", { pieces: [{ attempt: "a1", partition: -1, chunks: { from: 0, to: 1 } }] }],
  ["POST", "/v1/jobs/j1/mail", { from: "a2", line: "l1", first: 0, items: [mail()] }],
  ["PUT", "/v1/jobs/j1/channels/c1"],
  ["POST", "/v1/jobs/j1/channels/c1?at=0", { any: 1 }],
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
  ["POST", "/v1/workers/0/mail", { job: "j1", mail: [mail()] }],
  ["GET", "/v1/workers/0/peers?job=j1"],
  ["DELETE", "/v1/jobs/j2", { ...END, allWorkers: 2, isGuess: true }],
];

/** What an agent that runs drivers takes beside these. */
export const DRIVER_SAMPLES: readonly Sample[] = [
  ["POST", "/v1/programs", { program: program(), hashes: Buffer.from(program().sha256, "hex") }],
  ["POST", `/v1/programs/${program().sha256}/blocks`, { blocks: [{ block: 0, bytes: CONTENT }] }],
  ["POST", `/v1/programs/${program().sha256}/commit`],
  ["PUT", "/v1/drivers/j1", driverOrder()],
  ["PUT", "/v1/drivers/j2", { ...driverOrder(), guards: { agent: "a2", address: "127.0.0.1:9" } }],
  ["GET", "/v1/drivers/j1?guard=a2"],
  ["DELETE", "/v1/drivers/j1?by=me"],
  ["GET", "/v1/drivers/j1/output?from=0&follow=1"],
];

export function driverOrder() {
  return {
    program: program(),
    script: "/home/ann/wc.ts",
    args: ["one"],
    flags: { workers: "2", checkpoint: "/shared/kept" },
    environment: { TZ: "UTC" },
    workingDirectory: "/",
    name: "wc",
    driver: "ann@laptop",
    run: 1,
  };
}

function program() {
  return {
    kind: "bundle",
    sha256: new Bun.CryptoHasher("sha256").update(CONTENT).digest("hex"),
    sizeBytes: CONTENT.length,
  };
}

function workerParcel(): object {
  const receipt = { life: "l1", received: 0, heard: 0 };
  return { worker: 0, life: "l1", frame: { base: 0, first: 0, letters: [0, 1] }, receipt };
}

function mail(): object {
  const to = { agent: "a1", worker: 0 };
  return { gang: "g1", from: 0, ...to, sequence: 0, label: "reduce", kind: "collective", payload: BYTES };
}

function jobOrder(): object {
  const command = { command: ["none"], environment: { A: "b" }, workingDirectory: "/" };
  return { workers: 2, firstWorker: 0, command, leaseMs: 60_000, peers: { a2: "127.0.0.1:9" } };
}

function reports(): readonly object[] {
  return [
    { kind: "started", attempt: "a1" },
    { kind: "progress", attempt: "a1", totals: NO_TOTALS },
    { kind: "log", level: "info", text: "hello", attempt: "a1" },
    { kind: "parcel", parcel: { life: "l1", frame: { life: "l1", base: 0, first: 0, letters: [BYTES] } } },
    { kind: "returned", attempts: ["a2"] },
  ];
}

const FREE = { freeSlots: 1, freeMemoryBytes: 2 ** 30, freeDiskBytes: 2 ** 30 };
const LOAD = {
  ...FREE,
  jobs: [jobLoad()],
  ended: ["j2"],
  history: [endedJob()],
  drivers: [driver()],
  freeDrivers: 1,
};
export const MASTER_SAMPLES: readonly Sample[] = [
  ["POST", "/v1/heartbeats", { agent: agentInfo(), load: LOAD, sequence: 1 }],
  ["POST", "/v1/heartbeats", { agent: agentInfo(), load: LOAD, sequence: 9, isLeaving: true }],
  ["POST", "/v1/placements", placement()],
  ["GET", "/v1/cluster"],
  ["GET", "/v1/jobs"],
];

function endedJob(): object {
  return { ...END, job: "j3", name: "n", driver: "me@here", workers: 2, since: 1, endedAt: 2 };
}

function driver(): object {
  const ended = { endedAt: 2, exitCode: 1, cause: "no start" };
  return { job: "j4", name: "n", driver: "me@here", run: 1, state: "failed", since: 1, ...ended };
}

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
