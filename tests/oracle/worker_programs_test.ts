/** C17: worker programs on every worker of a set: collectives, messages between workers, and shards as local input. */
import { describe, expect, test } from "bun:test";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import { worker } from "../../core/program/worker.ts";
import { Cluster } from "./cluster.ts";

const everything = worker("wp-everything", async (ctx, p: { root: number; length: number }) => {
  const root = p.root % ctx.size;
  await ctx.barrier();
  const vector = Float64Array.from({ length: p.length }, (_, i) => 1 / (ctx.rank + i + 1));
  return {
    rank: ctx.rank,
    broadcast: await ctx.broadcast(ctx.rank === root ? { from: root } : undefined, root),
    gather: (await ctx.gather(`g${ctx.rank}`, root)) ?? null,
    allGather: await ctx.allGather([ctx.rank, ctx.worker]),
    reduce: (await ctx.reduce(ctx.rank, "max", root)) ?? null,
    text: await ctx.allReduce(`${ctx.rank}.`, (a, b) => a + b),
    sum: Array.from(await ctx.allReduce(vector, "sum")),
    allToAll: await ctx.allToAll(ctx.workers.map((_, to) => `${ctx.rank}>${to}`)),
  };
});

const counted = flow("wp-counted", (f, p: { rows: number; shards: number }) =>
  f.range(p.rows, { shards: p.shards }),
);

interface Inputs {
  readonly inputs: [DatasetInput<number>, { more: DatasetInput<number> }];
}

const reading = worker("wp-reading", async (ctx, p: Inputs) => {
  const [numbers, { more }] = p.inputs;
  const rows: number[] = [];
  for await (const n of ctx.read(numbers)) rows.push(n);
  const outside = { ref: Object.assign(Object.create(Object.getPrototypeOf(numbers.ref)), { id: "x.1" }) };
  let isRefused = false;
  try {
    ctx.read(outside);
  } catch (error) {
    isRefused = String(error).includes("Cannot read dataset x.1: its handle is not among the parameters");
  }
  return {
    numbers: rows,
    again: await ctx.read(numbers).collect(),
    more: await ctx.read(more).collect(),
    outside: isRefused,
  };
});

const numbered = worker("wp-numbered", async ({ rank, worker, size, epoch, workers }) => {
  return { rank, worker, size, epoch, others: workers.map((other) => other.worker) };
});

const everyRank = worker("wp-every-rank", (ctx) => ctx.rank);
const summed = flow("wp-summed", (f, p: { ranks: DatasetInput<number> }) => f.from(p.ranks).sum());

const chatting = worker("wp-chatting", async (ctx, p: { count: number; bytes: number }) => {
  const ranks = ctx.workers.map((_, rank) => rank);
  for (let i = 0; i < p.count; i++) {
    for (const to of ranks) await ctx.send(to, { i, filler: new Uint8Array(p.bytes) });
    if (i % 100 === ctx.rank) await ctx.barrier();
  }
  let [inOrder, sum] = [true, 0];
  for (const from of ranks) {
    for (let i = 0; i < p.count; i++) {
      const value = await ctx.receive<{ i: number }>(from);
      inOrder &&= value.i === i;
      sum += value.i;
    }
  }
  return { inOrder, sum };
});

const flooding = worker("wp-flooding", async (ctx, p: { count: number; bytes: number }) => {
  let sent = 0;
  const all = (async () => {
    for (; ctx.rank === 0 && sent < p.count; sent++) await ctx.send(1, new Uint8Array(p.bytes));
  })();
  // What was sent and not received is in nobody's way.
  for (let i = 0; i < 20; i++) await ctx.barrier();
  if (ctx.rank === 0) {
    const sentAhead = sent;
    await all;
    return sentAhead;
  }
  let received = 0;
  for (; received < p.count; received++) await ctx.receive(0);
  return received;
});

/** Each sends itself more than may wait there. */
const musing = worker("wp-musing", async (ctx, p: { count: number; bytes: number }) => {
  let sent = 0;
  const all = (async () => {
    for (; sent < p.count; sent++) await ctx.send(ctx.rank, new Uint8Array(p.bytes).fill(sent));
  })();
  await ctx.barrier();
  const sentAhead = sent;
  let inOrder = true;
  for (let i = 0; i < p.count; i++) {
    const [first] = await ctx.receive<Uint8Array>(ctx.rank);
    inOrder &&= first === i;
  }
  await all;
  return { sentAhead, inOrder };
});

/** As core/collectives/reductions.ts says: neighbours first. */
function inOrder(vectors: number[][]): number[] {
  const add = (a: number[], b: number[]) => a.map((x, i) => x + b[i]);
  const power = 2 ** Math.floor(Math.log2(vectors.length));
  const pairs = vectors.length - power;
  let held = Array.from({ length: power }, (_, i) =>
    i < pairs ? add(vectors[2 * i], vectors[2 * i + 1]) : vectors[i + pairs],
  );
  while (held.length > 1) {
    held = Array.from({ length: held.length / 2 }, (_, i) => add(held[2 * i], held[2 * i + 1]));
  }
  return held[0];
}

const GRID = [1, 2, 5].flatMap((agents) => [1, 3].map((slots) => ({ agents, slots })));

describe("worker()", () => {
  for (const { agents, slots } of GRID) {
    test(`C17: every collective equals the oracle on ${agents} agents with ${slots} slots`, async () => {
      await using cluster = await Cluster.open({ agents, slots });
      const size = agents * slots;
      for (const length of [0, 10, 40_000]) {
        const root = (length + 3) % size;
        const rows = await (await cluster.job.execute(everything, { root, length })).collect();
        const ranks = Array.from({ length: size }, (_, rank) => rank);
        const sum = inOrder(ranks.map((rank) => Array.from({ length }, (_, i) => 1 / (rank + i + 1))));
        const expected = ranks.map((rank) => ({
          rank,
          broadcast: { from: root },
          gather: rank === root ? ranks.map((one) => `g${one}`) : null,
          allGather: ranks.map((one) => [one, one]),
          reduce: rank === root ? size - 1 : null,
          text: ranks.map((one) => `${one}.`).join(""),
          sum,
          allToAll: ranks.map((from) => `${from}>${rank}`),
        }));
        expect(rows).toEqual(expected);
      }
    });
  }

  test("C17: each shard of a dataset is local input of one worker, on its own agent where it can be", async () => {
    await using cluster = await Cluster.open({ agents: 3, slots: 2 });
    const numbers = await cluster.job.execute(counted, { rows: 1000, shards: 17 });
    const more = await cluster.job.execute(counted, { rows: 10, shards: 1 });
    const parts = await (await cluster.job.execute(reading, { inputs: [numbers, { more }] })).collect();
    const rows = parts.flatMap((part) => part.numbers).sort((a, b) => a - b);
    expect(rows).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(parts.map((part) => part.again)).toEqual(parts.map((part) => part.numbers));
    expect(parts.flatMap((part) => part.more)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(parts.every((part) => part.numbers.length > 0)).toBe(true);
    expect(parts.map((part) => part.outside)).toEqual(new Array(6).fill(true));
  });

  test("C17: runs on the workers of a set alone, and on several sets at the same time", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 3 });
    const on = async (workers: number | readonly number[]) =>
      await (await cluster.job.execute(numbered, undefined, { workers })).collect();
    const pair = { size: 2, epoch: 1, others: [4, 1].toSorted() };
    expect(await on([4, 1])).toEqual([
      { ...pair, rank: 0, worker: 1 },
      { ...pair, rank: 1, worker: 4 },
    ]);
    const [two, three] = await Promise.all([on(2), on(3)]);
    expect(two.map(({ size }) => size)).toEqual([2, 2]);
    expect(three.map(({ rank }) => rank)).toEqual([0, 1, 2]);
    expect(new Set([...two, ...three].map(({ worker }) => worker)).size).toBe(5);
  });

  test("several at the same time on the same workers take turns", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    const sets = [undefined, [0, 1], [1, 2, 3], [0, 1], undefined, 2, [3]];
    const run = async (workers: number | readonly number[] | undefined): Promise<readonly unknown[]> =>
      await (
        await cluster.job.execute(everyRank, undefined, workers === undefined ? {} : { workers })
      ).collect();
    const rows = await Promise.all([...sets, ...sets].map(run));
    const sizes = [4, 2, 3, 2, 4, 2, 1];
    expect(rows).toEqual([...sizes, ...sizes].map((size) => Array.from({ length: size }, (_, rank) => rank)));
  });

  test("C17: the result is a dataset like any other, in the order of ranks", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    const ranks = await cluster.job.execute(everyRank);
    expect(ranks.shards).toBe(4);
    expect(await (await cluster.job.execute(summed, { ranks })).collect()).toEqual([6]);
  });

  test("values that members send each other come in order, and are kept until they are received", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    const rows = await (await cluster.job.execute(chatting, { count: 500, bytes: 1000 })).collect();
    for (const row of rows) expect(row).toEqual({ inOrder: true, sum: (4 * 500 * 499) / 2 });
  });

  test("who sends much to one that does not receive waits, and goes on when it does", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const rows = await (await cluster.job.execute(flooding, { count: 200, bytes: 2 ** 20 })).collect();
    // What is on its way is bounded by the window of the pair and one value more.
    expect(rows[0]).toBeLessThanOrEqual(34);
    expect(rows[1]).toBe(200);
  });

  test("what a worker sends to itself comes in order, and is bounded, too", async () => {
    for (const slots of [1, 2]) {
      await using cluster = await Cluster.open({ agents: 1, slots });
      const rows = await (await cluster.job.execute(musing, { count: 200, bytes: 2 ** 20 })).collect();
      for (const { sentAhead, inOrder } of rows) {
        expect(sentAhead).toBeLessThanOrEqual(64 / slots + 1);
        expect(inOrder).toBe(true);
      }
    }
  });
});
