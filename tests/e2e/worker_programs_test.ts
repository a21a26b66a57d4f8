/** Worker programs on real processes, of which some are killed in the midst: the right result, or one clear line, and nothing left. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";

/** Rounds of all-reduce and a barrier; rank 1 does something once, half-way. */
const program = (once: string, options = "") => `
import { existsSync, writeFileSync } from "node:fs";
import { run, worker } from "luciole";
const rounds = worker("rounds", async (ctx, p: { marker: string }) => {
  let sum = 0;
  for (let i = 0; i < 40; i++) {
    if (i === 20 && ctx.rank === 1 && !existsSync(p.marker)) {
      writeFileSync(p.marker, "");
      ${once}
    }
    const vector = await ctx.allReduce(new Float64Array(20_000).fill(ctx.rank + i), "sum");
    sum += vector[i];
    await ctx.barrier();
  }
  return [ctx.rank, ctx.size, sum];
});
await run(async (job) => {
  const rows = await job.execute(rounds, { marker: job.args[0] }${options});
  console.log(JSON.stringify(await rows.collect()));
});
`;
const files = {
  "well.ts": program(""),
  "worker.ts": program('process.kill(process.pid, "SIGKILL");'),
  "agent.ts": program('process.kill(process.ppid, "SIGKILL");'),
  "set.ts": program('process.kill(process.ppid, "SIGKILL");', ", { workers: 2 }"),
  "throws.ts": program('throw new Error("rank 1 gives up");'),
};
const cluster = await Cluster.open({ agents: 3, slots: 1, files });
afterAll(() => cluster[Symbol.asyncDispose]());
afterEach(() => cluster.settled());

const sumOf = (size: number): number => {
  let sum = 0;
  for (let i = 0; i < 40; i++) sum += (size * (size - 1)) / 2 + size * i;
  return sum;
};
const rowsOf = (size: number): string =>
  `${JSON.stringify(Array.from({ length: size }, (_, rank) => [rank, size, sumOf(size)]))}\n`;

describe("C17: a worker program on three agents", () => {
  test("reduces over the network", async () => {
    expect(await cluster.run(["well.ts", "well.marker"])).toMatchObject({ code: 0, stdout: rowsOf(3) });
  }, 60_000);

  test("F1: a worker killed in the midst: all begin again, and the result is right", async () => {
    const ended = await cluster.run(["worker.ts", "worker.marker"]);
    expect(ended).toMatchObject({ code: 0, stdout: rowsOf(3) });
    expect(ended.stderr).toMatch(/Task 1 of worker was lost and is run again: .*SIGKILL/);
  }, 60_000);

  test("fails as a whole with what one of them threw", async () => {
    const { code, stdout, stderr } = await cluster.run(["throws.ts", "throws.marker"]);
    expect(code).not.toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: .*rank 1 gives up/m);
  }, 60_000);

  test("F1: an agent killed in the midst while another worker is free: all begin again there", async () => {
    const { code, stdout, stderr } = await cluster.run(["set.ts", "set.marker"]);
    for (const [name, agent] of cluster.agents) if (!agent.isThere) await cluster.startAgent(name);
    expect({ code, stdout, stderr: code === 0 ? "" : stderr }).toEqual({
      code: 0,
      stdout: rowsOf(2),
      stderr: "",
    });
  }, 60_000);

  test("F1: an agent killed in the midst, of which all workers are needed: all begin again when it is back", async () => {
    const running = cluster.run(["agent.ts", "agent.marker"]);
    await Promise.any([...cluster.agents.values()].map(({ child }) => child.exited));
    for (const [name, agent] of cluster.agents) if (!agent.isThere) await cluster.startAgent(name);
    const { code, stdout, stderr } = await running;
    expect({ code, stdout, stderr: code === 0 ? "" : stderr }).toEqual({
      code: 0,
      stdout: rowsOf(3),
      stderr: "",
    });
  }, 60_000);
});
