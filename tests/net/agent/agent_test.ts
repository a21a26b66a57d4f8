/**
 * The agent's routes in memory, with scripted workers.
 */

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { WireError } from "../../../core/errors.ts";
import { decode, encode } from "../../../net/cbor.ts";
import { readSequence } from "../../../net/cbor_sequence.ts";
import { type NextReply, PROTOCOL_HEADER, ROUTES } from "../../../net/protocol.ts";
import { AgentWorld, COMMITTED, JOB, order } from "./agent_world.ts";

let world: AgentWorld | undefined;

async function open(options?: Parameters<typeof AgentWorld.open>[0]): Promise<AgentWorld> {
  world = await AgentWorld.open(options);
  return world;
}

afterEach(async () => {
  const left = await world?.close();
  world = undefined;
  expect(left ?? []).toEqual([]);
});

describe("createAgent()", () => {
  test("starts all workers of a job at once and refuses more than its slots", async () => {
    const agent = await open({ slots: 3 });
    await agent.startJob(3);
    expect(agent.workers.map(({ start }) => start.worker)).toEqual([0, 1, 2]);
    const command = { command: ["x"], environment: {}, workingDirectory: "/" };
    const more = agent.call("PUT", ROUTES.job("j2"), { workers: 1, firstWorker: 0, command });
    await expect(more).rejects.toThrow(
      "409 not-enough-resources: Cannot start 1 workers of job j2: agent a1 has 0",
    );
  });

  test("holds next until an order comes and reports its story as events", async () => {
    const agent = await open();
    await agent.startJob();
    const held = agent.next(0);
    await agent.enqueue(order("e0-0-0-0"));
    expect(await held).toMatchObject({ kind: "order", order: { attempt: "e0-0-0-0" } });
    const after = agent.next(0, { attempt: "e0-0-0-0", result: COMMITTED });
    const events = await agent.events();
    await events.until("attemptEnded");
    expect(events.seen.map(({ kind }) => kind)).toEqual(["workerStarted", "attemptStarted", "attemptEnded"]);
    await agent.call("DELETE", ROUTES.job(JOB));
    expect(await after).toEqual({ kind: "stop" });
  });

  test("coalesces events that came before the reader into one chunk", async () => {
    const agent = await open();
    await agent.startJob();
    await agent.enqueue(...Array.from({ length: 50 }, (_, i) => order(`a${i}`)));
    await agent.call("POST", ROUTES.cancel(JOB), { attempts: Array.from({ length: 50 }, (_, i) => `a${i}`) });
    const response = await agent.request("GET", ROUTES.events(JOB));
    const chunk = await response.body?.getReader().read();
    const items: unknown[] = [];
    const body = new Blob([chunk?.value as Uint8Array<ArrayBuffer>]).stream();
    for await (const item of readSequence(body)) items.push(item);
    expect(items.length).toBe(50);
  });

  test("reports the loss with its cause when a worker exits, and hands its number to another", async () => {
    const agent = await open();
    await agent.startJob();
    await agent.enqueue(order("a"));
    await agent.next(0);
    agent.workers[0]?.exit("was ended by signal SIGKILL");
    const events = await agent.events();
    const lost = await events.until("attemptLost");
    expect(lost).toEqual({
      kind: "attemptLost",
      attempt: "a",
      cause: `worker 0 was ended by signal SIGKILL (on agent a1 of host ${hostname()})`,
    });
    await events.until("workerExited");
    expect(agent.workers.length).toBe(2);
  });

  test("C7: tells a worker a plan once, however many executions run by it, and what to forget", async () => {
    const agent = await open();
    await agent.startJob();
    const template = { id: "t0", body: new Uint8Array([1, 2]) };
    const run = async (id: string, more: object) => {
      const executions = [{ id, template: "t0", params: new Uint8Array([3]) }];
      const orders = [order(`${id}-a`, { execution: id })];
      await agent.call("POST", ROUTES.attempts(JOB), { orders, executions, ...more });
      const reply = (await agent.next(0)) as Extract<NextReply, { kind: "order" }>;
      await agent.call("POST", ROUTES.report(0), {
        job: JOB,
        events: [{ kind: "ended", attempt: `${id}-a`, result: COMMITTED }],
      });
      return reply.definitions;
    };
    expect(await run("e0", { templates: [template] })).toEqual({
      templates: [template],
      executions: [{ id: "e0", template: "t0", params: new Uint8Array([3]) }],
      forget: [],
    });
    const release = { attempts: ["e0-a"], executions: ["e0"] };
    expect(await run("e1", { release })).toMatchObject({
      templates: [],
      executions: [{ id: "e1" }],
      forget: ["e0"],
    });
    await agent.call("POST", ROUTES.release(JOB), { attempts: [], executions: ["e1"], templates: ["t0"] });
    expect(await run("e2", {})).toMatchObject({ templates: [], forget: ["e1", "t0"] });
  });

  test("C7: tells the process that took a worker's place all that its orders need", async () => {
    const agent = await open();
    await agent.startJob();
    const templates = [{ id: "t0", body: new Uint8Array([1]) }];
    const executions = [{ id: "e0", template: "t0", params: new Uint8Array([2]) }];
    await agent.call("POST", ROUTES.attempts(JOB), { orders: [order("a")], templates, executions });
    await agent.next(0);
    agent.workers[0]?.exit("was ended by signal SIGKILL");
    const events = await agent.events();
    await events.until("workerExited");
    await agent.enqueue(order("b"));
    expect(await agent.next(0)).toMatchObject({ definitions: { templates, executions, forget: [] } });
  });

  test("hands messages on to the addressed workers, and passes over those that are not there", async () => {
    const agent = await open();
    await agent.startJob(2);
    const [a, b] = ["a", "b"].map((text) => encode(text));
    const frame = (first: number, ...letters: number[]) => ({ base: 0, first, letters });
    await agent.call("POST", ROUTES.messages(JOB), {
      letters: [a, ["allWorkersJoined", b]],
      parcels: [
        { worker: 1, life: "x", frame: frame(0, 0, 1) },
        { worker: 7, life: "y", frame: frame(0, 0) },
        { worker: 1, life: "x", receipt: { life: "x", received: 1, heard: 1 } },
      ],
    });
    const control = await agent.request("GET", ROUTES.control(1, JOB));
    const told = readSequence(control.body as ReadableStream<Uint8Array>);
    const letters = [a, ["allWorkersJoined", b]];
    expect((await told.next()).value).toEqual({
      kind: "parcel",
      parcel: { life: "x", frame: { life: "x", base: 0, first: 0, letters } },
    });
    expect((await told.next()).value).toEqual({
      kind: "parcel",
      parcel: { life: "x", receipt: { life: "x", received: 1, heard: 1 } },
    });
    await told.return(undefined);
  });

  test("refuses messages whose letters are not there or not of a known kind", async () => {
    const agent = await open();
    await agent.startJob();
    const parcels = [{ worker: 0, life: "x", frame: { base: 0, first: 0, letters: [1] } }];
    const refused = [
      { letters: [encode(1)], parcels },
      { letters: [["other", encode(1)], encode(2)], parcels },
      { letters: ["text", encode(2)], parcels },
      { letters: [encode(1), encode(2)], parcels: [{ ...parcels[0], life: "../x" }] },
    ];
    for (const body of refused) {
      await expect(agent.call("POST", ROUTES.messages(JOB), body)).rejects.toThrow("400");
    }
  });

  test("passes reports on as events", async () => {
    const agent = await open();
    await agent.startJob();
    const reports = [
      { kind: "log", level: "info", text: "hello", attempt: "a" },
      { kind: "parcel", parcel: { life: "x" } },
    ];
    await agent.call("POST", ROUTES.report(0), { job: JOB, events: reports });
    const events = await agent.events();
    expect(await events.until("log")).toMatchObject({ worker: 0, text: "hello", attempt: "a" });
    expect(await events.until("parcel")).toMatchObject({ worker: 0, parcel: { life: "x" } });
  });

  test("bounds a flood of output and tells how much was dropped", async () => {
    const agent = await open();
    await agent.startJob();
    const { start } = agent.workers[0];
    for (let i = 0; i < 5000; i++) start.onOutput("stdout", `line ${i}`);
    agent.workers[0].exit("exited with code 0");
    const events = await agent.events();
    await events.until("workerExited");
    const logs = events.seen.filter((event) => event.kind === "log");
    expect(logs.length).toBe(1001);
    expect(logs.at(-1)).toMatchObject({ level: "warn", text: expect.stringContaining("4000 lines") });
  });

  test("ends a job with SIGTERM and leaves no directory when a worker does not stop", async () => {
    const agent = await open();
    await agent.startJob();
    expect(existsSync(join(agent.directory, JOB))).toBe(true);
    await agent.call("DELETE", ROUTES.job(JOB));
    expect(agent.workers[0]?.signals).toEqual(["SIGTERM"]);
    expect(existsSync(join(agent.directory, JOB))).toBe(false);
    await agent.call("DELETE", ROUTES.job(JOB));
  });

  test("refuses to start workers of a job that is being ended", async () => {
    const agent = await open();
    await agent.startJob();
    const ended = agent.call("DELETE", ROUTES.job(JOB));
    await expect(agent.startJob(2)).rejects.toThrow("it is being ended");
    await ended;
  });

  test("refuses another protocol version with 426", async () => {
    const agent = await open();
    const versions: readonly Record<string, string>[] = [{}, { [PROTOCOL_HEADER]: "999" }];
    for (const headers of versions) {
      const response = await agent.agent.fetch(new Request(`http://agent${ROUTES.agent()}`, { headers }));
      expect(response.status).toBe(426);
      expect((decode(new Uint8Array(await response.arrayBuffer())) as WireError).code).toBe("protocol");
    }
  });
});

describe("createAgent() with bad input", () => {
  const ROUTE_LIST: readonly (readonly [string, string])[] = [
    ["PUT", "/v1/jobs/$"],
    ["DELETE", "/v1/jobs/$"],
    ["GET", "/v1/jobs/$/events"],
    ["POST", "/v1/jobs/$/attempts"],
    ["POST", "/v1/jobs/$/cancel"],
    ["POST", "/v1/jobs/$/release"],
    ["POST", "/v1/jobs/$/messages"],
    ["GET", "/v1/jobs/$/shards/a/0"],
    ["GET", "/v1/jobs/j1/shards/$/0"],
    ["GET", "/v1/jobs/j1/shards/a/$"],
    ["PUT", "/v1/jobs/j1/channels/$"],
    ["POST", "/v1/jobs/j1/channels/$"],
    ["DELETE", "/v1/jobs/j1/channels/$"],
    ["POST", "/v1/workers/$/next"],
    ["POST", "/v1/workers/$/report"],
    ["POST", "/v1/workers/$/written"],
    ["GET", "/v1/workers/$/control?job=j1"],
    ["GET", "/v1/workers/0/control?job=$"],
  ];
  const ODD_IDS = [
    "..%2Fx",
    "%2e%2e%2f%2e%2e%2fetc",
    "%2Fetc%2Fpasswd",
    "a%00b",
    "x".repeat(101),
    "-1e9",
    "a%20b",
  ];

  test("answers 400 with a WireError when an id is odd, on every route", async () => {
    const agent = await open();
    await agent.startJob();
    const body = encode({ job: JOB, id: "e0", flow: "f", params: new Uint8Array(), plan: {} });
    for (const [method, template] of ROUTE_LIST) {
      for (const id of ODD_IDS) {
        const path = template.replace("$", id);
        const response = await agent.request(method, path, undefined, method === "GET" ? undefined : body);
        const error = decode(new Uint8Array(await response.arrayBuffer())) as WireError;
        expect([method, path, response.status, error.code]).toEqual([method, path, 400, "protocol"]);
      }
    }
    expect(await agent.call("GET", ROUTES.agent())).toMatchObject({ id: "a1", free: 3 });
  });

  test("answers 400 when a body is malformed, on every route that takes one", async () => {
    const agent = await open();
    await agent.startJob();
    await agent.call("PUT", ROUTES.channel(JOB, "c1"));
    const paths: readonly (readonly [string, string])[] = [
      ["PUT", ROUTES.job("j2")],
      ["POST", ROUTES.attempts(JOB)],
      ["POST", ROUTES.cancel(JOB)],
      ["POST", ROUTES.release(JOB)],
      ["POST", ROUTES.messages(JOB)],
      ["POST", ROUTES.channel(JOB, "c1")],
      ["POST", ROUTES.next(0)],
      ["POST", ROUTES.report(0)],
      ["POST", ROUTES.written(0)],
    ];
    const deep = new Uint8Array(100_000).fill(0x81);
    const bodies = [
      new Uint8Array([0xff, 0xff, 0xff]),
      new Uint8Array([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
      deep,
      encode(null),
      encode([1, 2]),
      encode({ job: "../x", orders: 7, attempts: "a", executions: 1, workers: -1, events: {} }),
      encode({
        job: JOB,
        orders: [{ attempt: "../x" }],
        attempts: ["../x"],
        workers: ["1"],
        events: [{ kind: "x" }],
      }),
      encode({
        job: JOB,
        ended: { attempt: "../x", result: {} },
        attempt: "/etc",
        sizeBytes: 1,
        events: [1],
      }),
    ];
    for (const [method, path] of paths) {
      for (const [i, raw] of bodies.entries()) {
        // A request without `ended` is a good one, and would be held.
        if (path === ROUTES.next(0) && i === 6) continue;
        const response = await agent.request(method, path, undefined, raw);
        const error = decode(new Uint8Array(await response.arrayBuffer())) as WireError;
        expect([path, i, response.status, error.code]).toEqual([path, i, 400, "protocol"]);
      }
    }
  });

  test("answers 404 when a job, worker, shard or route is unknown", async () => {
    const agent = await open();
    await agent.startJob();
    await expect(agent.call("GET", ROUTES.events("j9"))).rejects.toThrow("404 not-found");
    await expect(agent.next(9)).rejects.toThrow("404 not-found");
    await expect(agent.call("GET", ROUTES.shard(JOB, "a", 0))).rejects.toThrow("404 shard-lost");
    await expect(agent.call("DELETE", ROUTES.channel(JOB, "c9"))).rejects.toThrow("404 not-found");
    await expect(agent.call("GET", "/v1/nothing")).rejects.toThrow("404 not-found");
  });
});
