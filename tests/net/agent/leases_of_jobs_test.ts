/** Jobs with a lease at an agent: kept while their driver asks for something, ended when it does not. */
import { afterEach, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { decode, encode } from "../../../net/cbor.ts";
import { PROTOCOL, PROTOCOL_HEADER, ROUTES } from "../../../net/protocol.ts";
import { until } from "../../oracle/until.ts";
import { AgentWorld, JOB } from "./agent_world.ts";

let world: AgentWorld | undefined;
afterEach(async () => {
  expect((await world?.close()) ?? []).toEqual([]);
  world = undefined;
});

const jobOrder = (leaseMs?: number) => ({
  workers: 1,
  firstWorker: 0,
  command: { command: ["none"], environment: {}, workingDirectory: "." },
  driver: "me@here",
  name: "program",
  memoryBytes: 100,
  ...(leaseMs === undefined ? {} : { leaseMs }),
});

test("a lease that nobody renews ends the job, its worker and its directory; without one it stays", async () => {
  world = await AgentWorld.open();
  const { agent, directory, workers } = world;
  await world.call("PUT", ROUTES.job(JOB), jobOrder(1));
  await world.call("PUT", ROUTES.job("j2"), jobOrder());
  await until("the job is ended", () => agent.load().jobs.length === 1 || workers[0].signals.length > 0);
  for (const worker of workers.slice(0, 1)) worker.exit("went");
  await until("nothing of it is left", () => agent.load().jobs.length === 1);
  expect(readdirSync(directory)).toEqual(["j2"]);
  await expect(world.call("POST", ROUTES.lease(JOB), { acknowledged: 0 })).rejects.toThrow("404 not-found");
}, 60_000);

test("load() tells of slots and jobs, and renewals are checked", async () => {
  world = await AgentWorld.open({ slots: 3 });
  await world.call("PUT", ROUTES.job(JOB), jobOrder(60_000));
  const { freeSlots, jobs } = world.agent.load();
  expect(freeSlots).toBe(2);
  expect(jobs).toMatchObject([
    { job: JOB, name: "program", driver: "me@here", workers: 1, state: "starting" },
  ]);
  await world.call("POST", ROUTES.lease(JOB), { acknowledged: 0 });
  await expect(world.call("POST", ROUTES.lease(JOB), {})).rejects.toThrow("400 protocol");
});

test("over the network a job must have a lease", async () => {
  world = await AgentWorld.open();
  const start = async (leaseMs?: number) => {
    const body = encode(jobOrder(leaseMs)) as Uint8Array<ArrayBuffer>;
    const init = { method: "PUT", body, headers: { [PROTOCOL_HEADER]: String(PROTOCOL) } };
    return await world?.agent.remote.fetch(new Request(`http://agent${ROUTES.job(JOB)}`, init));
  };
  const refused = await start();
  expect(refused?.status).toBe(400);
  expect(decode(new Uint8Array((await refused?.arrayBuffer()) ?? []))).toMatchObject({
    message: expect.stringContaining("leaseMs"),
  });
  expect((await start(60_000))?.status).toBe(204);
});
