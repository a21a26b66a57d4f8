/** X3, X4: random requests to every route of masters and agents crash nothing, fill nothing, and leave nothing. */
import { describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { decode, encode } from "../../../net/cbor.ts";
import { createMaster } from "../../../net/master/master.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../net/protocol.ts";
import { guarded } from "../../../net/security/authenticate.ts";
import { AgentWorld, order } from "../agent/agent_world.ts";
import { fuzzRoutes, type Sample, usedBytes } from "./fuzz_routes.ts";
import { AGENT_SAMPLES, DRIVER_SAMPLES, MASTER_SAMPLES } from "./samples.ts";

const ROUNDS = 6;
const RUNS = 500;
const MAX_GROWTH_BYTES = 16 * 2 ** 20;

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
  }, 300_000);

  test.each(["scripted", "process"] as const)(
    "to an agent with %s workers",
    async (workers) => {
      const home = await mkdtemp(join(tmpdir(), "luciole-test-"));
      const world = await AgentWorld.open({ workers, home });
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

  test("to what an agent that runs drivers serves to the network", async () => {
    const home = await mkdtemp(join(tmpdir(), "luciole-test-"));
    const drivers = { most: 2, command: ["/bin/true"] };
    const world = await AgentWorld.open({ workers: "process", home, drivers });
    const app = world.agent.remote;
    const samples = [
      ...AGENT_SAMPLES.filter(([, path]) => !path.startsWith("/v1/workers/")),
      ...DRIVER_SAMPLES,
    ];
    for (let round = 0; round < ROUNDS; round++) {
      await fuzzRoutes({ app, fetch: guarded(app, { isInsecure: true }), samples, runs: RUNS, round });
    }
    expect(await world.call("GET", "/v1/agent")).toMatchObject({ id: "a1" });
    await world.close();
    expect(await readdir(home)).toEqual([]);
    await rm(home, { recursive: true });
  }, 120_000);
});

describe("the samples of random requests", () => {
  /** Asks for something that is not there, perhaps: but in the form that it must have. */
  const isTaken = (status: number): boolean => status < 400 || status === 404;

  test("are requests as an agent takes them, one for every route that has a body", async () => {
    const world = await AgentWorld.open({ workers: "process", drivers: { most: 2, command: ["/bin/true"] } });
    const samples = [...AGENT_SAMPLES, ...DRIVER_SAMPLES];
    const refused: unknown[] = [];
    for (const [method, path, body] of samples) {
      // One is held for ever, and the other has batches of rows for a body.
      if (path.endsWith("/next") || path.includes("/channels/c1?")) continue;
      await world.startJob();
      const app = path.startsWith("/v1/programs") ? world.agent.remote : world.agent.app;
      const init = { method, headers: { [PROTOCOL_HEADER]: String(PROTOCOL) } };
      const sent = body === undefined ? init : { ...init, body: encode(body) as Uint8Array<ArrayBuffer> };
      const answer = await app.fetch(new Request(`http://a1${path}`, sent));
      if (!isTaken(answer.status)) refused.push([method, path, answer.status, decode(await answer.bytes())]);
      else await answer.body?.cancel();
    }
    expect(refused).toEqual([]);
    const apps = [world.agent.app, world.agent.remote];
    expect(apps.flatMap((app) => withoutSample(app, samples))).toEqual([]);
    await world.close();
  });

  test("are requests as a master takes them", async () => {
    const master = createMaster({ id: "m", version: "1" });
    for (const [method, path, body] of MASTER_SAMPLES) {
      const init = { method, headers: { [PROTOCOL_HEADER]: String(PROTOCOL) } };
      const sent = body === undefined ? init : { ...init, body: encode(body) as Uint8Array<ArrayBuffer> };
      const { status } = await master.fetch(new Request(`http://m${path}`, sent));
      expect({ path, isTaken: isTaken(status) }).toEqual({ path, isTaken: true });
    }
    expect(withoutSample(master.app, MASTER_SAMPLES)).toEqual([]);
    master.close();
  });
});

/** Routes that take a body, and that no sample is for. */
function withoutSample({ routes }: Pick<Hono, "routes">, samples: readonly Sample[]): readonly string[] {
  return routes
    .filter(({ method }) => method === "POST" || method === "PUT")
    .filter((route) => {
      const pattern = new RegExp(`^${route.path.replace(/:\w+/g, "[^/]+")}(?:\\?|$)`);
      return !samples.some(([method, path]) => method === route.method && pattern.test(path));
    })
    .map(({ method, path }) => `${method} ${path}`);
}
