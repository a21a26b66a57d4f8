/** C17: random collective operations of processes on several agents, some of which are killed, against plain arrays. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";

const SEED = Number(process.env.LUCIOLE_SEED ?? 1);

/** Every rank knows what all others give, and computes by itself what must come. Arguments: seed, workers, rank to kill. */
const fuzz = `
import { existsSync, writeFileSync } from "node:fs";
import { Buffer } from "node:buffer";
import { deepStrictEqual } from "node:assert";
import { run, worker, type WorkerContext } from "luciole";

const TYPES = [Float64Array, Float32Array, Int32Array, Uint8Array, Int16Array] as const;
const LENGTHS = [0, 1, 3, 1000, 20_000, 100_000, 300_000];
const ADD: Record<string, (a: number, b: number) => number> = {
  sum: (a, b) => a + b, min: Math.min, max: Math.max,
};

function seeded(seed: number) {
  let state = seed | 0;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) % below;
  };
}

function inOrder<T>(values: T[], combine: (a: T, b: T) => T): T {
  const power = 2 ** Math.floor(Math.log2(values.length));
  const pairs = values.length - power;
  let held = Array.from({ length: power }, (_, i) =>
    i < pairs ? combine(values[2 * i], values[2 * i + 1]) : values[i + pairs]);
  while (held.length > 1) held = held.filter((_, i) => i % 2 === 0).map((left, i) => combine(left, held[2 * i + 1]));
  return held[0];
}

type Numbers = InstanceType<(typeof TYPES)[number]>;

function same(seen: Numbers | undefined, expected: Numbers | undefined): void {
  deepStrictEqual(seen?.constructor, expected?.constructor);
  const [a, b] = [seen, expected].map((v) => Buffer.from(v?.buffer ?? [], v?.byteOffset, v?.byteLength));
  if (!a.equals(b)) throw new Error("other elements than expected");
}

async function step(ctx: WorkerContext, seed: number): Promise<void> {
  const random = seeded(seed);
  const what = random(7);
  const root = random(ctx.size);
  const type = TYPES[random(TYPES.length)];
  const by = (["sum", "min", "max"] as const)[random(3)];
  const length = LENGTHS[random(LENGTHS.length)];
  const of = (rank: number) => type.from({ length }, (_, i) => ((i * 7 + rank * 131 + seed) % 1009) / 7);
  const all = ctx.workers.map((_, rank) => rank);
  const reduced = () => inOrder(all.map(of), (a, b) => a.map((x, i) => ADD[by](x, b[i])) as typeof a);
  const own = of(ctx.rank);
  if (what === 0) await ctx.barrier();
  if (what === 1) same(await ctx.broadcast(ctx.rank === root ? own : undefined, root), of(root));
  if (what === 2 || what === 3) same(await ctx.allReduce(own, by), reduced());
  if (what === 4) same(await ctx.reduce(own, by, root), ctx.rank === root ? reduced() : undefined);
  if (what === 5) {
    const short = (rank: number, to: number) => "x".repeat((rank * 31 + to * 7 + seed) % 50);
    deepStrictEqual(await ctx.allToAll(all.map((to) => short(ctx.rank, to))), all.map((from) => short(from, ctx.rank)));
    deepStrictEqual(await ctx.allGather({ rank: ctx.rank, own: own.slice(0, 100) }),
      all.map((rank) => ({ rank, own: of(rank).slice(0, 100) })));
  }
  if (what === 6) {
    // Round a ring, several ahead: no more than may be under way.
    const few = (rank: number) => [rank, of(rank).subarray(0, 10_000)];
    for (let i = 0; i < 5; i++) await ctx.send((ctx.rank + 1) % ctx.size, [i, few(ctx.rank)]);
    const before = (ctx.rank + ctx.size - 1) % ctx.size;
    for (let i = 0; i < 5; i++) deepStrictEqual(await ctx.receive(before), [i, few(before)]);
  }
  // What was given is as it was.
  same(own, of(ctx.rank));
}

const steps = worker("steps", async (ctx, p: { seed: number; killed: number; marker: string }) => {
  const random = seeded(p.seed);
  const at = random(14);
  for (let i = 0; i < 14; i++) {
    if (i === at && ctx.rank === p.killed && !existsSync(p.marker)) {
      writeFileSync(p.marker, "");
      process.kill(process.pid, "SIGKILL");
    }
    await step(ctx, p.seed * 1000 + i);
  }
  return ctx.rank;
});

await run(async (job) => {
  const [seed, workers, killed] = job.args.map(Number);
  const marker = \`\${job.args[0]}.marker\`;
  console.log(JSON.stringify(await (await job.execute(steps, { seed, killed, marker }, { workers })).collect()));
});
`;

const cluster = await Cluster.open({ agents: 3, slots: 3, files: { "fuzz.ts": fuzz } });
afterAll(() => cluster[Symbol.asyncDispose]());
afterEach(() => cluster.settled());

for (const [i, [workers, killed]] of [
  [1, -1],
  [9, -1],
  [4, 2],
  [7, 6],
].entries()) {
  const seed = SEED + i;
  const fate = killed < 0 ? "" : `, of which number ${killed} is killed`;
  test(`seed ${seed}: random operations of ${workers} workers${fate}`, async () => {
    const { code, stdout, stderr } = await cluster.run(["fuzz.ts", ...[seed, workers, killed].map(String)]);
    expect({ code, stdout, stderr: code === 0 ? "" : stderr }).toEqual({
      code: 0,
      stdout: `${JSON.stringify(Array.from({ length: workers }, (_, rank) => rank))}\n`,
      stderr: "",
    });
    if (killed >= 0) expect(stderr).toMatch(/was lost and is run again: .*SIGKILL/);
  }, 120_000);
}
