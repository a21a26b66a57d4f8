/**
 * Finds the centres of clusters of points, by k-means (Lloyd, 1982).
 *
 *   bun examples/k_means.ts [POINTS] [K] [EPSILON]
 *
 * POINTS is csv with the columns x and y; the first K points are the first centres. Points stay
 * on the workers; the centres are sent to every task anew until none moves further than EPSILON.
 */
import { type DatasetInput, flow, run } from "luciole";

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Cluster extends Point {
  readonly size: number;
}

const load = flow("load", (f, p: { points: string }) =>
  f.csv(p.points, { columns: ["x", "y"], types: { x: "number", y: "number" } }),
);

const move = flow("move", (f, p: { points: DatasetInput<Point>; centres: readonly Point[] }) =>
  f
    .from(p.points)
    .map(
      ({ x, y }, { side: centres }): [number, Cluster] => [nearest({ x, y }, centres), { x, y, size: 1 }],
      { with: f.values(p.centres).broadcast() },
    )
    .reduceByKey((a, b) => ({ x: a.x + b.x, y: a.y + b.y, size: a.size + b.size }))
    .mapValues(({ x, y, size }) => ({ x: x / size, y: y / size, size })),
);

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
  const points = await job.execute(load, { points: path });
  let clusters: Cluster[] = (await points.take(Number(k))).map(({ x, y }) => ({ x, y, size: 0 }));
  for (let moved = Number.POSITIVE_INFINITY; moved > Number(epsilon); ) {
    const found = await job.execute(move, { points, centres: clusters });
    const byNumber = new Map(await found.collect());
    // A centre that no point is nearest to stays where it is.
    const next = clusters.map((cluster, i) => byNumber.get(i) ?? { ...cluster, size: 0 });
    moved = Math.max(...next.map((cluster, i) => distance(cluster, clusters[i])));
    clusters = next;
    found.release();
  }
  for (const { x, y, size } of clusters) console.log(`${x.toFixed(6)}\t${y.toFixed(6)}\t${size}`);
});
