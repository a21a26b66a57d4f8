/** X3, X4: random requests to every route of masters and agents crash nothing, fill nothing, and leave nothing. */
import { describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMaster } from "../../../net/master/master.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../net/protocol.ts";
import { guarded } from "../../../net/security/authenticate.ts";
import { AgentWorld, order } from "../agent/agent_world.ts";
import { fuzzRoutes, usedBytes } from "./fuzz_routes.ts";
import { AGENT_SAMPLES, MASTER_SAMPLES } from "./samples.ts";

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
});
