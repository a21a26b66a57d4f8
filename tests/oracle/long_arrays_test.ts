/** Long arrays of numbers in all-reduce: as doubles on the way, and equal to what a function makes of them. */
import { expect, test } from "bun:test";
import { worker } from "../../core/program/worker.ts";
import { Cluster } from "./cluster.ts";

const LENGTH = 20_000;
const ODD = [-0, 0, Number.NaN, Infinity, -Infinity, 2 ** 53 + 2, -(2 ** 60), 5e-324, 1.7e308, 0.1, 1e16, -1];

const reducing = worker("la-reducing", async (ctx, p: { length: number; odd: number[] }) => {
  const own = Array.from({ length: p.length }, (_, i) => {
    const odd = p.odd[(i * (ctx.rank + 1)) % p.odd.length];
    return i % 3 === 0 ? odd : odd / (ctx.rank + 1);
  });
  const before = [...own];
  const pairs = {
    sum: (a: number, b: number) => a + b,
    min: (a: number, b: number) => Math.min(a, b),
    max: (a: number, b: number) => Math.max(a, b),
  };
  const wrong: string[] = [];
  for (const name of ["sum", "min", "max"] as const) {
    const named = await ctx.allReduce(own, name);
    const byFunction = await ctx.allReduce(own, (left, right) =>
      left.map((item, i) => pairs[name](item, right[i])),
    );
    if (!Array.isArray(named) || named.length !== p.length) wrong.push(`${name} is no array`);
    if (!named.every((item, i) => Object.is(item, byFunction[i]))) wrong.push(`${name} differs`);
  }
  if (!own.every((item, i) => Object.is(item, before[i]))) wrong.push("what was given was changed");
  return wrong;
});

const mixed = worker("la-mixed", async (ctx, p: { length: number }) => {
  const own = Array.from({ length: p.length }, (_, i): number | bigint =>
    i % 2 === 0 ? 2n ** 70n : ctx.rank + i,
  );
  const sum = await ctx.allReduce(own, "sum");
  return sum.every((item, i) =>
    i % 2 === 0
      ? item === 2n ** 70n * BigInt(ctx.size)
      : item === ctx.size * i + (ctx.size * (ctx.size - 1)) / 2,
  );
});

const unlike = worker("la-unlike", async (ctx, p: { length: number }) => {
  const own = Array.from({ length: p.length }, (_, i): number | bigint => (ctx.rank === 0 ? i : BigInt(i)));
  await ctx.allReduce(own, "sum");
});

test.each([1, 2, 3])(
  "all-reduce of long arrays of numbers on %d workers gives the numbers that a function gives",
  async (slots) => {
    await using cluster = await Cluster.open({ agents: 1, slots });
    const params = { length: LENGTH, odd: ODD };
    expect(await (await cluster.job.execute(reducing, params)).collect()).toEqual(
      Array.from({ length: slots }, () => []),
    );
    expect(await (await cluster.job.execute(mixed, { length: LENGTH })).collect()).toEqual(
      Array.from({ length: slots }, () => true),
    );
  },
  60_000,
);

test("all-reduce of arrays of numbers and of bigints is refused, long ones too, by what each has", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 1 });
  await expect(cluster.job.execute(unlike, { length: LENGTH })).rejects.toThrow(
    `allReduce sum of Array(${LENGTH}) of numbers`,
  );
}, 60_000);
