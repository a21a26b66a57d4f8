/** The master's routes in memory. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { ClusterJob, ClusterView } from "../../../core/cluster/agent_info.ts";
import type { Placement } from "../../../core/cluster/placement.ts";
import type { WireError } from "../../../core/errors.ts";
import { decode } from "../../../net/cbor.ts";
import { MASTER_ROUTES } from "../../../net/cluster_protocol.ts";
import { PROTOCOL_HEADER, REQUEST_HEADER } from "../../../net/protocol.ts";
import { agentInfo, heartbeat, jobLoad, request } from "../../core/cluster/agents.ts";
import { MasterWorld } from "./master_world.ts";

let world: MasterWorld;

beforeEach(() => {
  world = new MasterWorld();
});
afterEach(() => world.close());

const beat = (id: string, sequence = 0, jobs = [] as ReturnType<typeof jobLoad>[]) =>
  world.call("POST", MASTER_ROUTES.heartbeats(), heartbeat(agentInfo(id), sequence, jobs));
const place = (job: string, workers: number, changes: object = {}) =>
  world.call<Placement>("POST", MASTER_ROUTES.placements(), { ...request(job, workers), ...changes });

describe("createMaster()", () => {
  test("answers heartbeats with its name and their interval, and tells of what changes", async () => {
    expect(await beat("a")).toEqual({ master: "m1", intervalMs: 2_000 });
    await beat("a", 1);
    world.now += 10_000;
    await beat("b");
    await world.call("POST", MASTER_ROUTES.heartbeats(), {
      ...heartbeat(agentInfo("b"), 1),
      isLeaving: true,
    });
    expect(world.notices).toEqual([
      "agent a of host a.example (a.example:7401) has come, with 4 slots",
      "agent a of host a.example (a.example:7401) is lost: nothing was heard of it for 10000 ms",
      "agent b of host b.example (b.example:7401) has come, with 4 slots",
      "agent b of host b.example (b.example:7401) has left",
    ]);
  });

  test("loses no agent because it stood still itself", async () => {
    await beat("a");
    await beat("b");
    world.now += 3_600_000;
    await beat("b", 1);
    const { agents } = await world.call<ClusterView>("GET", MASTER_ROUTES.cluster());
    expect(agents.map(({ state }) => state)).toEqual(["alive", "alive"]);
    world.now += 6_000;
    await beat("b", 2);
    expect(world.notices.at(-1)).toMatch(/^agent a .* is lost/);
  });

  test("refuses a name that another host has", async () => {
    await beat("a");
    const twin = agentInfo("a", { incarnation: "x", host: "other", address: "other:7401" });
    const refused = world.call("POST", MASTER_ROUTES.heartbeats(), heartbeat(twin, 0));
    await expect(refused).rejects.toThrow(
      "409 name-taken: Cannot take agent a of host other (other:7401) in:",
    );
  });

  test("shows the cluster, its jobs and its own health", async () => {
    await beat("b", 0, [jobLoad("j", 1)]);
    await beat("a", 0, [jobLoad("j", 2)]);
    world.now += 500;
    const { master, agents } = await world.call<ClusterView>("GET", MASTER_ROUTES.cluster());
    expect(master).toEqual({ id: "m1", version: "1.2.3", uptimeMs: 500 });
    expect(agents.map(({ agent, state, silentMs }) => [agent.id, state, silentMs])).toEqual([
      ["a", "alive", 500],
      ["b", "alive", 500],
    ]);
    const jobs = await world.call<ClusterJob[]>("GET", MASTER_ROUTES.jobs());
    expect(jobs.map(({ job, workers }) => [job, workers])).toEqual([["j", 3]]);
    expect(await world.call<object>("GET", MASTER_ROUTES.health())).toEqual({
      role: "master",
      id: "m1",
      version: "1.2.3",
      uptimeMs: 500,
      agents: 2,
    });
  });

  test("answers a request for workers at once when it is not to wait", async () => {
    expect(await place("j", 1)).toEqual({
      grants: [],
      missing: 1,
      room: { agents: 0, suitable: 0, free: 0, total: 0 },
    });
    await beat("a");
    expect(await place("j", 2)).toMatchObject({ grants: [{ agent: { id: "a" }, workers: 2 }], missing: 0 });
  });

  test("holds a request until an agent has come", async () => {
    const held = place("j", 2, { waitMs: 60_000 });
    await beat("a");
    expect(await held).toMatchObject({ grants: [{ agent: { id: "a" }, workers: 2 }], missing: 0 });
  });

  test("holds a request until slots are free, and no longer than it asks for", async () => {
    await beat("a", 0, [jobLoad("other", 4)]);
    const short = place("short", 1, { waitMs: 1 });
    const long = place("long", 1, { waitMs: 60_000 });
    const running = setInterval(() => {
      world.now += 5;
    }, 1);
    expect(await short).toMatchObject({ grants: [], missing: 1, room: { free: 0, total: 4 } });
    clearInterval(running);
    await beat("a", 1);
    expect(await long).toMatchObject({ missing: 0 });
  });

  test("gives the place of a driver that has gone to the next", async () => {
    await beat("a", 0, [jobLoad("other", 2)]);
    const gone = new AbortController();
    const body = { ...request("gone", 4), leastWorkers: 4, waitMs: 60_000 };
    const first = world.request("POST", MASTER_ROUTES.placements(), body, { signal: gone.signal });
    const second = place("next", 1, { waitMs: 60_000 });
    await beat("a", 1, [jobLoad("other", 2)]);
    gone.abort();
    expect(await second).toMatchObject({ missing: 0 });
    await first;
    expect(world.failures).toEqual([]);
  });

  test("sends those that wait away when it ends", async () => {
    const held = place("j", 2, { waitMs: 60_000 });
    await world.call("GET", MASTER_ROUTES.health());
    world.close();
    expect(await held).toMatchObject({ grants: [], missing: 2 });
    expect(await place("j", 2, { waitMs: 60_000 })).toMatchObject({ missing: 2 });
  });

  test("knows after a restart what it knew before, one heartbeat later", async () => {
    await beat("a", 7, [jobLoad("j", 2)]);
    const before = await world.call<ClusterView>("GET", MASTER_ROUTES.cluster());
    world.close();
    world = new MasterWorld();
    await beat("a", 8, [jobLoad("j", 2)]);
    const after = await world.call<ClusterView>("GET", MASTER_ROUTES.cluster());
    expect(after.agents).toEqual(before.agents);
    expect(await place("k", 3)).toMatchObject({ missing: 1 });
  });
});

describe("the master's answers to bad requests", () => {
  const bad: readonly (readonly [string, string, unknown, string])[] = [
    ["a body that is no CBOR", "heartbeats", new Uint8Array([0x1c]), "400 protocol"],
    ["a body that is no map", "heartbeats", [1], "body must be a map"],
    ["no agent", "heartbeats", { load: {}, sequence: 0 }, "agent must be a map"],
    [
      "an id that is a path",
      "heartbeats",
      heartbeat({ ...agentInfo("a"), id: "../a" }, 0),
      'agent.id must be an id, and is "../a"',
    ],
    [
      "an address without a port",
      "heartbeats",
      heartbeat(agentInfo("a", { address: "a" }), 0),
      "must be host:port",
    ],
    [
      "a label that is no name",
      "heartbeats",
      heartbeat(agentInfo("a", { labels: { "": "x" } }), 0),
      "labels must be names of labels",
    ],
    [
      "a long text",
      "heartbeats",
      heartbeat(agentInfo("a", { rack: "r".repeat(201) }), 0),
      "agent.rack must be at most 200 characters",
    ],
    [
      "negative slots",
      "heartbeats",
      heartbeat(agentInfo("a", { slots: -1 }), 0),
      "agent.slots must be a natural",
    ],
    ["too many workers", "placements", request("j", 5_000), "workers must be at most 4096, and is 5000"],
    ["half a worker", "placements", request("j", 0.5), "workers must be a natural number, and is 0.5"],
    ["a job that is no id", "placements", request("a b", 1), "job must be an id"],
    [
      "names of agents that are none",
      "placements",
      request("j", 1, { exclude: ["/"] }),
      "exclude must be an id",
    ],
  ];
  for (const [what, route, body, message] of bad) {
    test(`refuse ${what}`, async () => {
      await expect(world.call("POST", `/v1/${route}`, body)).rejects.toThrow(message);
      expect(world.notices).toEqual([]);
    });
  }

  test("refuse a body that is too long before it is read", async () => {
    const long = new Uint8Array(4 * 1024 * 1024 + 1);
    await expect(world.call("POST", MASTER_ROUTES.heartbeats(), long)).rejects.toThrow("400 protocol");
  });

  test("refuse another version, and what is not there, and carry the request's id", async () => {
    const other = await world.request("GET", MASTER_ROUTES.health(), undefined, {
      headers: { [PROTOCOL_HEADER]: "99", [REQUEST_HEADER]: "r-1" },
    });
    expect([other.status, other.headers.get(REQUEST_HEADER)]).toEqual([426, "r-1"]);
    const none = await world.request("GET", "/v1/nothing", undefined, {
      headers: { [REQUEST_HEADER]: "r-2" },
    });
    expect(none.status).toBe(404);
    const error = decode(new Uint8Array(await none.arrayBuffer())) as WireError;
    expect(error.fields).toEqual({ role: "master", request: "r-2" });
    expect(world.failures).toEqual([
      'request r-1 (GET /v1/health) failed: Cannot take the request: it speaks protocol "99", this master 1',
      "request r-2 (GET /v1/nothing) failed: Cannot find /v1/nothing: this master has no such route",
    ]);
  });

  test("name requests that have no id, or none that is one", async () => {
    const headers = { [REQUEST_HEADER]: "no id" };
    const response = await world.request("GET", "/v1/nothing", undefined, { headers });
    const { fields } = decode(new Uint8Array(await response.arrayBuffer())) as WireError;
    expect(String(fields.request)).toMatch(/^[0-9a-f]{8}$/);
    expect(world.failures[0]).toStartWith(`request ${fields.request} `);
    expect(response.headers.get(REQUEST_HEADER)).toBeNull();
    const fine = await world.request("GET", MASTER_ROUTES.health(), undefined, {
      headers: { [REQUEST_HEADER]: "x" },
    });
    expect(fine.headers.get(REQUEST_HEADER)).toBe("x");
  });
});
