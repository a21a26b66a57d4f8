/**
 * Loops in a warm job: empty iterations, k-means and PageRank. Arguments are how many empty iterations, points and edges;
 * prints the milliseconds as one line of JSON.
 */
import { type DatasetHandle, type DatasetInput, flow, type Job, run } from "luciole";

const DIMENSIONS = 8;
const CENTRES = 16;
const MEANS = 20;

/** A row for each worker, so that each of them has a task. */
const empty = flow("empty-iteration", (f, p: { turns: readonly number[] }) =>
  f.values(p.turns, { shards: p.turns.length }),
);

const points = flow("random-points", (f, p: { points: number; shards: number }) =>
  f
    .range(p.points, { shards: p.shards })
    .map((i) => Array.from({ length: DIMENSIONS }, (_, d) => noise(i * DIMENSIONS + d))),
);

interface Part {
  readonly sums: number[];
  readonly worker: number;
  /** Of the loop over the points, and of that with what brings them into memory as rows. */
  readonly ms: number;
  readonly withReadingMs: number;
}

/** For each centre the sums of its points and their number; and how long the task's own loop took. */
const assign = flow("nearest-centres", (f, p: { points: DatasetInput<number[]>; centres: number[][] }) =>
  f.from(p.points).mapShards(async function* (rows, ctx): AsyncGenerator<Part> {
    const sums = new Array<number>(CENTRES * (DIMENSIONS + 1)).fill(0);
    const own: number[][] = [];
    const begun = performance.now();
    for await (const row of rows) own.push(row);
    const start = performance.now();
    for (const point of own) addTo(sums, nearest(p.centres, point), point);
    const end = performance.now();
    yield { sums, worker: ctx.worker, ms: end - start, withReadingMs: end - begun };
  }),
);

const links = flow("random-links", (f, p: { edges: number; nodes: number; shards: number }) => {
  const targets = f
    .range(p.edges, { shards: p.shards })
    .map((i): [number, number] => [
      Math.floor(noise(2 * i) * p.nodes),
      Math.floor(noise(2 * i + 1) * p.nodes),
    ])
    .groupByKey();
  return { targets, ranks: targets.mapValues(() => 1) };
});

type Rank = [number, number];

const spread = flow(
  "spread-ranks",
  (f, p: { targets: DatasetInput<[number, number[]]>; ranks: DatasetInput<Rank> }) =>
    f
      .from(p.targets)
      .leftJoin(
        f
          .from(p.targets)
          .join(f.from(p.ranks))
          .flatMap(([, [targets, rank]]) => targets.map((target): Rank => [target, rank / targets.length]))
          .sumByKey(),
      )
      .mapValues(([, sum]) => 0.15 + 0.85 * (sum ?? 0)),
);

/** The same for the same number everywhere, from 0 up to 1. */
function noise(seed: number): number {
  const x = Math.sin(seed + 1) * 43_758.5453;
  return x - Math.floor(x);
}

function nearest(centres: readonly (readonly number[])[], point: readonly number[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < centres.length; k++) {
    let distance = 0;
    for (let d = 0; d < DIMENSIONS; d++) distance += (point[d] - centres[k][d]) ** 2;
    if (distance < least) [best, least] = [k, distance];
  }
  return best;
}

function addTo(sums: number[], centre: number, point: readonly number[]): void {
  const at = centre * (DIMENSIONS + 1);
  for (let d = 0; d < DIMENSIONS; d++) sums[at + d] += point[d];
  sums[at + DIMENSIONS]++;
}

async function emptyIterations(job: Job, times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let turn = 0; turn < times; turn++) {
    const turns = new Array<number>(job.workers).fill(turn);
    const start = performance.now();
    const handle = await job.execute(empty, { turns });
    const rows = await handle.collect();
    handle.release();
    taken.push(performance.now() - start);
    if (!Bun.deepEquals(rows, turns)) throw new Error(`turn ${turn} gave ${rows}`);
  }
  return taken;
}

interface Turn {
  readonly ms: number;
  /** Of the worker that computed longest, and of the one that read and computed longest. */
  readonly computeMs: number;
  readonly taskMs: number;
}

async function means(job: Job, count: number): Promise<Turn[]> {
  const own = await job.execute(points, { points: count, shards: job.workers });
  let centres = await own.take(CENTRES);
  const turns: Turn[] = [];
  for (let i = 0; i < MEANS; i++) {
    const start = performance.now();
    const handle = await job.execute(assign, { points: own, centres });
    const parts = await handle.collect();
    handle.release();
    centres = moved(centres, parts);
    const ms = performance.now() - start;
    const [computeMs, taskMs] = [
      longest(parts, (part) => part.ms),
      longest(parts, (part) => part.withReadingMs),
    ];
    turns.push({ ms, computeMs, taskMs });
  }
  own.release();
  return turns;
}

/** Of all workers, what one of them did. */
function longest(parts: readonly Part[], msOf: (part: Part) => number): number {
  const busy = new Map<number, number>();
  for (const part of parts) busy.set(part.worker, (busy.get(part.worker) ?? 0) + msOf(part));
  return Math.max(...busy.values());
}

function moved(centres: readonly number[][], parts: readonly Part[]): number[][] {
  return centres.map((centre, k) => {
    const sum = (d: number) => parts.reduce((all, { sums }) => all + sums[k * (DIMENSIONS + 1) + d], 0);
    const count = sum(DIMENSIONS);
    return count === 0 ? centre : centre.map((_, d) => sum(d) / count);
  });
}

async function ranking(job: Job, edges: number, turns: number): Promise<number> {
  const shards = job.workers;
  const { targets, ranks: first } = await job.execute(links, { edges, nodes: Math.ceil(edges / 8), shards });
  let ranks: DatasetHandle<Rank> = first;
  const start = performance.now();
  for (let turn = 0; turn < turns; turn++) {
    const next = await job.execute(spread, { targets, ranks });
    ranks.release();
    ranks = next;
  }
  const ms = performance.now() - start;
  ranks.release();
  targets.release();
  return ms;
}

await run(async (job) => {
  const [turns, count, edges] = job.args.map(Number);
  await emptyIterations(job, 20);
  const emptyMs = await emptyIterations(job, turns);
  const kMeans = await means(job, count);
  await ranking(job, edges, 10);
  const ten = [await ranking(job, edges, 10)];
  const hundred = await ranking(job, edges, 100);
  ten.push(await ranking(job, edges, 10), await ranking(job, edges, 10));
  console.log(JSON.stringify({ empty: emptyMs, means: kMeans.slice(2), ten, hundred }));
});
