/** Loops over executions: what a turn sends, how loops end, and what they compute, against plain loops. */
import { heapStats } from "bun:jsc";
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Dataset } from "../../core/graph/dataset.ts";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import type { DatasetHandle } from "../../net/driver/handle.ts";
import type { Job } from "../../net/driver/job.ts";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const folder = mkdtempSync(join(tmpdir(), "luciole-iterations-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SEED = Number(process.env.SEED ?? 7);
/** So many maps make a large graph, and one task. */
const STEPS = 200;

/** The same for the same number everywhere, from 0 up to 1. */
function noise(i: number): number {
  const x = Math.sin((i + 1) * 12.9898 + SEED) * 43_758.5453;
  return x - Math.floor(x);
}

const first = flow("first-numbers", (f) => f.range(8, { shards: 4 }));
const turn = flow("turn", (f, p: { rows: DatasetInput<number>; steps: number; by: number }) => {
  let rows: Dataset<number> = f.from(p.rows);
  for (let i = 0; i < p.steps; i++) rows = rows.map((n) => n + p.by);
  return rows;
});

interface Sent {
  readonly driver: number[];
  readonly worker: number[];
}

/** Bytes of each turn of a loop, after its first ones. */
async function bytesOfTurns(steps: number, turns: number): Promise<Sent> {
  const now = { driver: 0, worker: 0 };
  const cluster = await Cluster.open({
    agents: 2,
    slots: 2,
    onBytes: (who, _, bytes) => {
      now[who] += bytes;
    },
  });
  await using _ = cluster;
  const sent: Sent = { driver: [], worker: [] };
  let rows = await cluster.job.execute(first);
  for (let i = 0; i < turns; i++) {
    const next = await cluster.job.execute(turn, { rows, steps, by: i });
    rows.release();
    rows = next;
    sent.driver.push(now.driver);
    sent.worker.push(now.worker);
    now.driver = 0;
    now.worker = 0;
  }
  const added = (steps * turns * (turns - 1)) / 2;
  expect(await rows.collect()).toEqual(Array.from({ length: 8 }, (_, i) => i + added));
  return sent;
}

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

describe("C7: iterations", () => {
  test("C7: a turn that is collected asks each agent once, and small rows come with the ends of its tasks", async () => {
    const asked: string[] = [];
    await using cluster = await Cluster.open({
      agents: 2,
      slots: 2,
      heldBytes: 2 ** 20,
      lease: { leaseMs: 60_000, lostMs: 60_000 },
      onBytes: (who, path) => {
        if (who === "driver") asked.push(path.split("/")[4]?.split("?")[0] ?? "");
      },
    });
    const turns = 20;
    for (let i = 0; i < turns; i++) {
      const rows = await cluster.job.execute(first);
      expect(await rows.collect()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      rows.release();
    }
    // Releases go with the next orders; a slow turn sends them by themselves.
    const count = (what: string) => asked.filter((path) => path === what).length;
    expect(count("attempts")).toBeLessThanOrEqual(2 * turns);
    expect([count("shards"), count("pieces")]).toEqual([0, 0]);
  });

  test("C7: 100 turns send the plan once to each worker, and then bytes that the graph's size is no part of", async () => {
    const small = await bytesOfTurns(1, 100);
    const large = await bytesOfTurns(STEPS, 100);
    for (const who of ["driver", "worker"] as const) {
      // Plans are told in the first turns, by which all workers have had a task.
      expect(sum(large[who].slice(0, 20))).toBeGreaterThan(sum(small[who].slice(0, 20)) + 2000);
      const ratio = sum(large[who].slice(20)) / sum(small[who].slice(20));
      expect(ratio).toBeLessThan(1.05);
      expect(sum(small[who].slice(20)) / 80).toBeLessThan(8000);
    }
  }, 60_000);

  test("C7: 1,000 turns leave one version on disk, and in memory what computing it again would need", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const { job } = cluster;
    let rows = await job.execute(first);
    const heapOf = async (turns: number): Promise<number> => {
      for (let i = 0; i < turns; i++) {
        const next = await job.execute(turn, { rows, steps: 3, by: 1 });
        rows.release();
        rows = next;
      }
      await until("old versions are gone", () => cluster.files().length <= 8);
      Bun.gc(true);
      return heapStats().heapSize;
    };
    const before = await heapOf(100);
    const after = await heapOf(900);
    expect(await rows.collect()).toEqual(Array.from({ length: 8 }, (_, i) => i + 3000));
    // The steps of a turn, for lineage, in the driver and two agents; a graph or a shard would be more.
    expect((after - before) / 900).toBeLessThan(35e3);
  }, 120_000);
});

const added = flow("added-values", (f, p: { values: readonly number[] }) =>
  f.values(p.values, { shards: 4 }).map((n) => n + 1),
);
const reread = flow("reread-numbers", (f, p: { path: string }) => f.binary<number>(p.path));

/**
 * Bytes that the heap grew by for each turn, after as many turns that fill what is kept for all of them. The least of three
 * parts: a leak grows in each of them, and a buffer that a busy machine needed once does not.
 */
async function growthOf(turns: number, perform: (turn: number) => Promise<void>): Promise<number> {
  const sizes: number[] = [];
  const part = Math.ceil(turns / 2);
  for (let from = 0; from < 4 * part; from += part) {
    for (let i = 0; i < part; i++) await perform(from + i);
    Bun.gc(true);
    sizes.push(heapStats().heapSize);
  }
  return Math.min(...[1, 2, 3].map((i) => (sizes[i] - sizes[i - 1]) / part));
}

describe("C7: memory of long loops", () => {
  test("C7: turns whose parameters are values leave nothing in memory", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    let values: readonly number[] = [1, 2, 3, 4];
    const growth = await growthOf(500, async () => {
      using rows = await cluster.job.execute(added, { values });
      values = await rows.collect();
    });
    expect(values).toEqual([1001, 1002, 1003, 1004]);
    expect(growth).toBeLessThan(4000);
  }, 120_000);

  test("C7: a loop that reads what it has persisted leaves nothing of the turns before", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const { job } = cluster;
    let rows = await job.execute(first);
    const growth = await growthOf(400, async (i) => {
      rows = await replaced(rows, job.execute(turn, { rows, steps: 1, by: 1 }));
      if (i % 50 > 0) return;
      const path = join(folder, String(i));
      await rows.persist(path);
      rows = await replaced(rows, job.execute(reread, { path }));
    });
    expect((await rows.collect()).toSorted((a, b) => a - b)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((n) => n + 800),
    );
    expect(growth).toBeLessThan(5000);
  }, 120_000);
});

const halve = flow("halve-all", (f, p: { rows: DatasetInput<number> }) =>
  f.from(p.rows).map((n) => (n % 2 === 0 ? n / 2 : 3 * n + 1)),
);
const largest = flow("largest", (f, p: { rows: DatasetInput<number> }) => f.from(p.rows).max());
/** The graph depends on what the last one gave. */
const shaped = flow("shaped", (f, p: { rows: DatasetInput<number>; depth: number }) => {
  let rows: Dataset<number> = f.from(p.rows);
  for (let i = 0; i < p.depth; i++) rows = rows.map((n) => n + 1).union(f.values([i]));
  return rows.repartition(1 + (p.depth % 3)).distinct();
});

async function replaced(
  rows: DatasetHandle<number>,
  next: Promise<DatasetHandle<number>>,
): Promise<DatasetHandle<number>> {
  const handle = await next;
  rows.release();
  return handle;
}

/** Turns until all rows are at most 4: Collatz, so that nobody knows beforehand how many. */
async function untilSmall(job: Job, given: DatasetHandle<number>): Promise<number> {
  let rows = given;
  let turns = 0;
  for (;;) {
    using found = await job.execute(largest, { rows });
    const [most = 0] = await found.collect();
    if (most <= 4) break;
    rows = await replaced(rows, job.execute(halve, { rows }));
    turns += 1;
  }
  rows.release();
  return turns;
}

describe("C8: loops", () => {
  test("C8: a loop ends by a predicate over what it computed", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const turns = await untilSmall(cluster.job, await cluster.job.execute(first));
    const step = (n: number) => (n % 2 === 0 ? n / 2 : 3 * n + 1);
    let expected = 0;
    for (let rows = [0, 1, 2, 3, 4, 5, 6, 7]; Math.max(...rows) > 4; rows = rows.map(step)) expected += 1;
    expect(turns).toBe(expected);
  }, 60_000);

  test("C8: loops nest, and inner ones have lengths of their own", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    const { job } = cluster;
    const lengths: number[] = [];
    for (let outer = 0; outer < 3; outer++) {
      using base = await job.execute(first);
      const rows = await job.execute(turn, { rows: base, steps: 1, by: outer });
      lengths.push(await untilSmall(job, rows));
    }
    const step = (n: number) => (n % 2 === 0 ? n / 2 : 3 * n + 1);
    const expected = [0, 1, 2].map((outer) => {
      let length = 0;
      let rows = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => n + outer);
      for (; Math.max(...rows) > 4; length++) rows = rows.map(step);
      return length;
    });
    expect(lengths).toEqual(expected);
  }, 60_000);

  test("C8: the shape of a graph depends on the last result", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    const { job } = cluster;
    let rows = await job.execute(first);
    let expected = new Set([0, 1, 2, 3, 4, 5, 6, 7]);
    for (let i = 0; i < 6; i++) {
      const depth = (await rows.count()) % 5;
      rows = await replaced(rows, job.execute(shaped, { rows, depth }));
      for (let d = 0; d < depth; d++) expected = new Set([...[...expected].map((n) => n + 1), d]);
      const sorted = (all: Iterable<number>) => [...all].sort((a, b) => a - b);
      expect(sorted(await rows.collect())).toEqual(sorted(expected));
    }
  }, 60_000);
});

const POINTS = 600;
const CENTRES = 5;
type Point = readonly [number, number];

/** Of x and y, and how many. */
type Sums = [number, number, number];

const points = flow("noisy-points", (f, p: { shards: number }) =>
  f.range(POINTS, { shards: p.shards }).map((i): Point => [noise(2 * i) * 10, noise(2 * i + 1) * 10]),
);
const assign = flow("assign-points", (f, p: { points: DatasetInput<Point>; centres: DatasetInput<Point> }) =>
  f
    .from(p.points)
    .map(([x, y], { side }): [number, Sums] => [nearest([x, y], side), [x, y, 1]], {
      with: f.from(p.centres).broadcast(),
    })
    .reduceByKey((a, b): Sums => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]),
);
const move = flow("move-centres", (f, p: { sums: DatasetInput<[number, Sums]> }) =>
  f
    .from(p.sums)
    .sortByKey()
    .map(([, [x, y, n]]): Point => [x / n, y / n])
    .coalesce(1),
);

function nearest([x, y]: Point, centres: readonly Point[]): number {
  const distances = centres.map(([cx, cy]) => (cx - x) ** 2 + (cy - y) ** 2);
  return distances.indexOf(Math.min(...distances));
}

function plainMeans(turns: number): Point[] {
  const all = Array.from({ length: POINTS }, (_, i): Point => [noise(2 * i) * 10, noise(2 * i + 1) * 10]);
  let centres = all.slice(0, CENTRES);
  for (let i = 0; i < turns; i++) {
    const members = centres.map((): Point[] => []);
    for (const point of all) members[nearest(point, centres)].push(point);
    centres = members.map(
      (own): Point => [sum(own.map(([x]) => x)) / own.length, sum(own.map(([, y]) => y)) / own.length],
    );
  }
  return centres;
}

const NODES = 60;
const links = flow("noisy-links", (f, p: { shards: number }) => {
  const targets = f
    .range(NODES * 4, { shards: p.shards })
    .map((i): [number, number] => [i % NODES, Math.floor(noise(i) * NODES)])
    .groupByKey();
  return { targets, ranks: targets.mapValues(() => 1) };
});
const spread = flow(
  "spread-noisy",
  (f, p: { targets: DatasetInput<[number, number[]]>; ranks: DatasetInput<[number, number]> }) =>
    f
      .from(p.targets)
      .leftJoin(
        f
          .from(p.targets)
          .join(f.from(p.ranks))
          .flatMap(([, [targets, rank]]) =>
            targets.map((target): [number, number] => [target, rank / targets.length]),
          )
          .sumByKey(),
      )
      .mapValues(([, received]) => 0.15 + 0.85 * (received ?? 0)),
);

function plainRanks(turns: number): Map<number, number> {
  const targets = Array.from({ length: NODES }, (_, node) =>
    [0, 1, 2, 3].map((k) => Math.floor(noise(node + k * NODES) * NODES)),
  );
  let ranks = targets.map(() => 1);
  for (let i = 0; i < turns; i++) {
    const received = ranks.map(() => 0);
    for (const [node, own] of targets.entries())
      for (const to of own) received[to] += ranks[node] / own.length;
    ranks = received.map((value) => 0.15 + 0.85 * value);
  }
  return new Map(ranks.entries());
}

/** 1, 2 and 4 workers. */
const SHAPES = [
  { agents: 1, slots: 1 },
  { agents: 2, slots: 1 },
  { agents: 2, slots: 2 },
];

describe(`C9: algorithms that iterate, seed ${SEED}`, () => {
  test.each(SHAPES)(
    "C9: k-means equals the plain loop to 1e-9 on %p",
    async (shape) => {
      await using cluster = await Cluster.open(shape);
      const { job } = cluster;
      const own = await job.execute(points, { shards: 4 });
      const sums = await own.take(CENTRES);
      let centres = await job.execute(start, { centres: sums });
      for (let i = 0; i < 8; i++) {
        using found = await job.execute(assign, { points: own, centres });
        const next = await job.execute(move, { sums: found });
        centres.release();
        centres = next;
      }
      const actual = await centres.collect();
      const expected = plainMeans(8);
      expect(actual.length).toBe(CENTRES);
      for (const [i, [x, y]] of expected.entries()) {
        expect(Math.abs(actual[i][0] - x)).toBeLessThan(1e-9);
        expect(Math.abs(actual[i][1] - y)).toBeLessThan(1e-9);
      }
    },
    60_000,
  );

  test.each(SHAPES)(
    "C9: PageRank equals the plain loop to 1e-9 on %p",
    async (shape) => {
      await using cluster = await Cluster.open(shape);
      const { job } = cluster;
      let { targets, ranks } = await job.execute(links, { shards: 3 });
      for (let i = 0; i < 12; i++) {
        const next = await job.execute(spread, { targets, ranks });
        ranks.release();
        ranks = next;
      }
      const expected = plainRanks(12);
      const actual = new Map(await ranks.collect());
      expect(actual.size).toBe(expected.size);
      for (const [node, rank] of expected)
        expect(Math.abs((actual.get(node) ?? 0) - rank)).toBeLessThan(1e-9);
    },
    60_000,
  );
});

const start = flow("first-centres", (f, p: { centres: readonly Point[] }) =>
  f.values(p.centres, { shards: 1 }),
);
