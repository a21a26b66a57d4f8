/** How many detached drivers an agent takes, and those that are ended before they have come. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DRIVER_SAMPLES, driverOrder } from "../../security/samples.ts";
import { AgentWorld } from "../agent_world.ts";

const MOST = 2;
let world: AgentWorld;
let silent: ReturnType<typeof Bun.serve>;

beforeEach(async () => {
  // A master that never answers: nobody guards a driver for some seconds.
  silent = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise(() => undefined) });
  const masters = [`127.0.0.1:${silent.port}`];
  const drivers = { most: MOST, command: ["/bin/sh", "-c", "echo > own; sleep 60"], masters, keepMs: 300 };
  world = await AgentWorld.open({ workers: "process", drivers });
  for (const sample of DRIVER_SAMPLES.filter(([, path]) => path.startsWith("/v1/programs"))) {
    expect((await world.remotely(...sample)).status).toBeLessThan(300);
  }
});
afterEach(async () => {
  await silent.stop(true);
  await world.close();
});

const {
  flags: { checkpoint: _, ...flags },
  ...order
} = driverOrder();
const put = async (job: string, more: object = {}): Promise<number> =>
  (await world.remotely("PUT", `/v1/drivers/${job}`, { ...order, flags, ...more })).status;

describe("the detached drivers of an agent", () => {
  test("start not when their client has ended them before they came", async () => {
    expect((await world.remotely("DELETE", "/v1/drivers/j1?by=me")).status).toBe(204);
    expect(await put("j1")).toBe(409);
    expect(world.agent.load().drivers).toEqual([]);
    expect(await put("j2")).toBe(204);
  });

  test("count once each while they look for who guards them", async () => {
    const first = put("j1", { flags: { ...flags, checkpoint: "/shared/kept" } });
    while (world.agent.load().drivers?.length !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(world.agent.load().freeDrivers).toBe(1);
    expect(await put("j2")).toBe(204);
    expect(await put("j3")).toBe(409);
    expect((await world.remotely("DELETE", "/v1/drivers/j2")).status).toBe(204);
    expect(await first).toBe(204);
  }, 60_000);

  test("leave nothing on disk when they are forgotten, not even what they wrote in the directory given to them", async () => {
    expect(await put("j1", { workingDirectory: "/not/here" })).toBe(204);
    const own = join(world.directory, "drivers", "j1-1");
    while (!existsSync(join(own, "own"))) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await world.remotely("DELETE", "/v1/drivers/j1")).status).toBe(204);
    while (world.agent.load().drivers?.length !== 0) await new Promise((resolve) => setTimeout(resolve, 5));
    while (existsSync(own)) await new Promise((resolve) => setTimeout(resolve, 5));
  }, 60_000);

  test("end not their agent when they cannot be deleted", async () => {
    expect(await put("j1", { workingDirectory: "/not/here" })).toBe(204);
    const drivers = join(world.directory, "drivers");
    while (!existsSync(join(drivers, "j1-1", "own"))) await new Promise((resolve) => setTimeout(resolve, 5));
    renameSync(drivers, `${drivers}.away`);
    // Not even the system's superuser deletes what is below a file.
    writeFileSync(drivers, "");
    expect((await world.remotely("DELETE", "/v1/drivers/j1")).status).toBe(204);
    while (world.agent.load().drivers?.length !== 0) await new Promise((resolve) => setTimeout(resolve, 5));
    rmSync(drivers);
    renameSync(`${drivers}.away`, drivers);
    expect(await put("j2")).toBe(204);
    await world.agent.close();
    // It may be asked to once more.
    await world.agent.close();
  }, 60_000);

  test("are guarded here in a bounded number", async () => {
    const guards = { agent: "a2", address: "127.0.0.1:9" };
    for (let i = 0; i < 200; i++) expect(await put(`g${i}`, { guards })).toBe(204);
    expect(await put("g200", { guards })).toBe(409);
    expect(await put("g7", { guards })).toBe(204);
    expect(world.agent.load().drivers?.length).toBe(200);
  }, 60_000);
});
