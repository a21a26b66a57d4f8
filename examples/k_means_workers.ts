/**
 * Finds the centres of clusters of points as k_means.ts does, by a worker program.
 *
 *   bun examples/k_means_workers.ts [POINTS] [K] [EPSILON]
 *
 * POINTS is csv with the columns x and y; the first K points are the first centres. Each worker keeps its part of the
 * points, and in each iteration all of them add up what they have found: the driver hears of the end only.
 */
import { type DatasetInput, flow, run, worker } from "luciole";

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Search {
  readonly points: DatasetInput<Point>;
  readonly centres: readonly Point[];
  readonly epsilon: number;
}

/** In as many shards as make a part for each worker, also of a small file. */
const load = flow("load-points", (f, p: { points: string; shards: number }) =>
  f.csv(p.points, { columns: ["x", "y"], types: { x: "number", y: "number" }, shards: p.shards }),
);

const search = worker("search", async (ctx, p: Search) => {
  const points = await ctx.read(p.points).collect();
  let clusters = p.centres.map(({ x, y }) => ({ x, y, size: 0 }));
  for (let moved = Number.POSITIVE_INFINITY; moved > p.epsilon; ) {
    // Of each cluster the sum of x, that of y, and the number of points.
    const sums = new Float64Array(3 * clusters.length);
    for (const point of points) {
      const i = 3 * nearest(point, clusters);
      sums[i] += point.x;
      sums[i + 1] += point.y;
      sums[i + 2] += 1;
    }
    const all = await ctx.allReduce(sums, "sum");
    const next = clusters.map((cluster, i) => {
      const size = all[3 * i + 2];
      // A centre that no point is nearest to stays where it is.
      return size === 0 ? { ...cluster, size } : { x: all[3 * i] / size, y: all[3 * i + 1] / size, size };
    });
    moved = Math.max(...next.map((cluster, i) => distance(cluster, clusters[i])));
    clusters = next;
  }
  return clusters;
});

function nearest(point: Point, centres: readonly Point[]): number {
  let best = 0;
  for (let i = 1; i < centres.length; i++) {
    if (distance(point, centres[i]) < distance(point, centres[best])) best = i;
  }
  return best;
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

await run(async (job) => {
  const [path = "examples/data/points.csv", k = "3", epsilon = "1e-6"] = job.args;
  const points = await job.execute(load, { points: path, shards: job.workers });
  const centres = await points.take(Number(k));
  const found = await job.execute(search, { points, centres, epsilon: Number(epsilon) });
  // All workers have found the same.
  const [clusters] = await found.take(1);
  for (const { x, y, size } of clusters) console.log(`${x}\t${y}\t${size}`);
});
