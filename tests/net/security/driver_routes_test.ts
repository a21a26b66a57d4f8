/** The routes of detached drivers before strangers: tokens (X1), odd names (X4), and what a driver's own token opens. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Agent, createAgent } from "../../../net/agent/agent.ts";
import { ProgramCache } from "../../../net/agent/programs/program_cache.ts";
import { decode, encode } from "../../../net/cbor.ts";
import { clusterAccess } from "../../../net/driver/cluster/cluster_access.ts";
import { createMaster } from "../../../net/master/master.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../net/protocol.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import type { Handler } from "../../../net/runtime/runtime.ts";
import { guarded } from "../../../net/security/authenticate.ts";
import {
  authHeaders,
  clusterToken,
  driverToken,
  jobToken,
  leaseToken,
} from "../../../net/security/client_auth.ts";
import { driverOrder } from "./samples.ts";
import { NOW, otherSecret, secret } from "./served_agent.ts";

const home = mkdtempSync(join(tmpdir(), "luciole-test-"));
const runtime = await currentRuntime();
const master = createMaster({ id: "m1", version: "1.0.0" });
let agent: Agent;
let programs: ProgramCache;

beforeAll(async () => {
  const own = { command: ["/bin/false"], version: "1.0.0", platform: "linux-x64" };
  programs = await ProgramCache.create({
    agent: "a1",
    directory: join(home, "programs"),
    maxBytes: 1e6,
    own,
  });
  const drivers = {
    directory: join(home, "drivers"),
    most: 2,
    masters: [],
    cluster: clusterAccess(runtime, [], {}),
  };
  agent = await createAgent({
    id: "a1",
    directory: join(home, "jobs"),
    slots: 1,
    runtime,
    programs,
    drivers,
  });
});
afterAll(async () => {
  master.close();
  await agent.close();
  rmSync(home, { recursive: true, force: true });
});

const ORDER = driverOrder();
const ROUTES = [
  ["PUT", "/v1/drivers/j1"],
  ["GET", "/v1/drivers/j1"],
  ["DELETE", "/v1/drivers/j1"],
  ["GET", "/v1/drivers/j1/output"],
] as const;
const PROGRAM_ROUTES = [
  ["POST", "/v1/programs"],
  ["POST", "/v1/programs/a1/blocks"],
  ["POST", "/v1/programs/a1/commit"],
] as const;

async function send(handler: Handler, method: string, path: string, token?: string, body?: unknown) {
  const headers = { [PROTOCOL_HEADER]: String(PROTOCOL), ...(token === undefined ? {} : authHeaders(token)) };
  const init = body === undefined ? { method, headers } : { method, headers, body: encode(body) as never };
  const answer = await handler(new Request(`http://a1${path}`, init), () => undefined);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return {
    status: answer.status,
    code: bytes.length === 0 ? undefined : (decode(bytes) as { code: unknown }).code,
  };
}

const guard = (app: Parameters<typeof guarded>[0]): Handler => guarded(app, { secret, clock: () => NOW });

describe("X1: the routes of detached drivers", () => {
  test("and of programs are all known to these tests", () => {
    const known = [...ROUTES, ...PROGRAM_ROUTES].map((route) => route.join(" "));
    const own = agent.remote.routes.filter(
      ({ method, path }) => method !== "ALL" && !/^.v1.(jobs|agent)/.test(path),
    );
    expect(
      own.map(({ method, path }) => `${method} ${path.replace(":driver", "j1").replace(":sha256", "a1")}`),
    ).toEqual(expect.arrayContaining(known));
    expect(own.length).toBe(known.length);
  });

  test.each(PROGRAM_ROUTES)("%s %s is refused to strangers and to workers", async (method, path) => {
    const old = NOW - 3_600_000;
    const bad = [undefined, "hello", clusterToken(otherSecret, NOW), clusterToken(secret, old)];
    const ofJobs = [
      jobToken(secret, "j1", NOW),
      driverToken(otherSecret, "j1", NOW),
      driverToken(secret, "j1", old),
    ];
    for (const token of [...bad, ...ofJobs])
      expect((await send(guard(agent.remote), method, path, token)).status).toBe(401);
    expect((await send(guard(agent.remote), method, path, clusterToken(secret, NOW))).status).not.toBe(401);
  });

  test.each(ROUTES)("%s %s is refused without a token of the cluster", async (method, path) => {
    const bad = [
      undefined,
      "hello",
      clusterToken(otherSecret, NOW),
      clusterToken(secret, NOW - 3_600_000),
      jobToken(secret, "j1", NOW),
      driverToken(secret, "j1", NOW),
    ];
    for (const token of bad) {
      const body = method === "PUT" ? ORDER : undefined;
      expect((await send(guard(agent.remote), method, path, token, body)).status).toBe(401);
    }
    expect(
      (
        await send(
          guard(agent.remote),
          method,
          path,
          clusterToken(secret, NOW),
          method === "PUT" ? ORDER : undefined,
        )
      ).status,
    ).not.toBe(401);
  });

  test("what a driver may show to others is not told to the network", async () => {
    const { status } = await send(
      guard(agent.remote),
      "GET",
      "/v1/drivers/j1/access",
      clusterToken(secret, NOW),
    );
    expect(status).toBe(404);
  });

  test.each([
    ["POST", "/v1/programs", true],
    ["POST", `/v1/programs/${"a".repeat(64)}/blocks`, true],
    ["GET", "/v1/agent", true],
    ["PUT", "/v1/jobs/j1", true],
    ["DELETE", "/v1/jobs/j1", true],
    ["GET", "/v1/jobs/j1-2/shards/a1/0", true],
    ["POST", "/v1/jobs/j1-xab/attempts", true],
    ["PUT", "/v1/jobs/j2", false],
    ["PUT", "/v1/jobs/j12", false],
    ["DELETE", "/v1/jobs/j%31-x%2e", false],
    ["GET", "/v1/jobs/j2/shards/a1/0", false],
    ["GET", "/v1/programs2", false],
    ["GET", "/", false],
  ])("the token of driver j1 for %s %s of an agent: %s", async (method, path, isAllowed) => {
    const { status } = await send(guard(agent.remote), method, path, driverToken(secret, "j1", NOW));
    expect(status !== 401).toBe(isAllowed);
  });

  test.each([
    ["POST", "/v1/placements", true],
    ["POST", "/v1/heartbeats", false],
    ["GET", "/v1/jobs", false],
    ["GET", "/v1/cluster", false],
    ["GET", "/v1/health", false],
  ])("the token of driver j1 for %s %s of a master: %s", async (method, path, isAllowed) => {
    const { status } = await send(guard(master.app), method, path, driverToken(secret, "j1", NOW));
    expect(status !== 401).toBe(isAllowed);
  });

  test.each([
    ["POST", "/v1/jobs/j1/lease", true],
    ["POST", "/v1/jobs/j1-xab/lease", true],
    ["POST", "/v1/jobs/j2/lease", false],
    ["POST", "/v1/jobs/j12/lease", false],
    ["POST", "/v1/jobs/j1/lease/x", false],
    ["PUT", "/v1/jobs/j1", false],
    ["DELETE", "/v1/jobs/j1", false],
    ["GET", "/v1/jobs/j1/events", false],
    ["GET", "/v1/jobs/j1/shards/a1/0", false],
    ["POST", "/v1/programs", false],
    ["GET", "/v1/agent", false],
  ])("the token that keeps the leases of job j1 for %s %s: %s", async (method, path, isAllowed) => {
    const { status } = await send(guard(agent.remote), method, path, leaseToken(secret, "j1", NOW));
    expect(status !== 401).toBe(isAllowed);
  });

  test("the token of a driver is good for minutes only", async () => {
    const late = guarded(agent.remote, { secret, clock: () => NOW + 420_000 });
    expect((await send(late, "GET", "/v1/agent", driverToken(secret, "j1", NOW))).status).toBe(401);
  });
});

describe("X4: the order of a driver", () => {
  const put = (body: unknown, job = "j1") =>
    send(agent.remote.fetch as Handler, "PUT", `/v1/drivers/${job}`, undefined, body);

  test("is taken as it is meant", async () => {
    expect(await put(ORDER, "j3")).toEqual({ status: 404, code: "program-missing" });
    const guards = { agent: "a2", address: "h:7401" };
    expect(await put({ ...ORDER, guards }, "j3")).toEqual({ status: 404, code: "program-missing" });
  });

  test.each([
    ...["..", "%2e%2e%2fx", "a.b", "-x", "x".repeat(101), "a%00b", "%7e"].map((job) => [job, ORDER] as const),
    ["j1", { ...ORDER, script: 7 }],
    ["j1", { ...ORDER, args: ["a\u0000b"] }],
    ["j1", { ...ORDER, args: Array.from({ length: 10_001 }, () => "") }],
    ["j1", { ...ORDER, flags: { master: "evil:1" } }],
    ["j1", { ...ORDER, flags: { "token-file": "/etc/shadow" } }],
    ["j1", { ...ORDER, flags: { "tls-ca": "x" } }],
    ["j1", { ...ORDER, flags: { socket: "/tmp/x" } }],
    ["j1", { ...ORDER, flags: { detach: "true" } }],
    ["j1", { ...ORDER, flags: { "A=B": "x" } }],
    ["j1", { ...ORDER, flags: { "../x": "x" } }],
    ["j1", { ...ORDER, environment: { LUCIOLE_MASTER: "evil:1" } }],
    ["j1", { ...ORDER, environment: { LUCIOLE_ROLE: "task" } }],
    ["j1", { ...ORDER, environment: { "A=B": "x" } }],
    ["j1", { ...ORDER, environment: { A: "x\u0000" } }],
    ["j1", { ...ORDER, workingDirectory: null }],
    ["j1", { ...ORDER, run: -1 }],
    ["j1", { ...ORDER, guards: { agent: "../a", address: "h:1" } }],
    ["j1", { ...ORDER, guards: { agent: "a2", address: "http://x" } }],
    ["j1", { ...ORDER, program: { ...ORDER.program, sha256: "../../x" } }],
  ] as const)("of %s with odd names or texts is refused, %#", async (job, body) => {
    const { status, code } = await put(body, job);
    expect({ isRefused: status === 400 || status === 404, code }).not.toMatchObject({
      code: "program-missing",
    });
    expect(status === 400 || (status === 404 && job === "..")).toBe(true);
  });

  test("leaves nothing on disk when it is refused", () => {
    expect(readdirSync(home).sort()).toEqual(["jobs", "programs"]);
  });

  test.each([
    ["GET", "/v1/drivers/j1/output?from=-1"],
    ["GET", "/v1/drivers/j1/output?from=x"],
    ["GET", "/v1/drivers/..%2f/output"],
    ["GET", "/v1/drivers/j1?guard=../x"],
    ["DELETE", "/v1/drivers/a.b"],
  ])("%s %s is refused", async (method, path) => {
    const { status } = await send(agent.remote.fetch as Handler, method, path);
    expect(status >= 400 && status < 500).toBe(true);
  });
});
