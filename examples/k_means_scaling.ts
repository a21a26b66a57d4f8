/**
 * Finds centres of clusters as k_means.ts does, and changes the number of its workers between the iterations.
 *
 *   bun examples/k_means_scaling.ts [POINTS] [K] [ITERATIONS]
 *
 * One worker joins after the first third of the iterations and leaves after the second. The points stay where they were
 * loaded, and every iteration finds the same centres as it would with any number of workers.
 */
import { type DatasetInput, flow, run } from "luciole";

type Point = readonly [x: number, y: number];
/** Sums of the points of a cluster, and their number. */
type Sum = readonly [x: number, y: number, size: number];

const load = flow("load-points", (f, p: { points: string }) =>
  f
    .csv(p.points, { columns: ["x", "y"], types: { x: "number", y: "number" } })
    .map(({ x, y }): Point => [x, y]),
);

const assign = flow("assign-points", (f, p: { points: DatasetInput<Point>; centres: readonly Point[] }) =>
  f
    .from(p.points)
    .map(([x, y]): [number, Sum] => [nearest([x, y], p.centres), [x, y, 1]])
    .reduceByKey((a, b): Sum => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]),
);

function nearest([x, y]: Point, centres: readonly Point[]): number {
  const distances = centres.map(([cx, cy]) => (x - cx) ** 2 + (y - cy) ** 2);
  return distances.indexOf(Math.min(...distances));
}

await run(async (job) => {
  const [path = "examples/data/points.csv", k = "3", times = "9"] = job.args;
  const iterations = Number(times);
  const points = await job.execute(load, { points: path });
  let centres: readonly Point[] = await points.take(Number(k));
  job.on("allWorkersJoined", (workers, epoch) => console.log(`epoch ${epoch}: ${workers.length} workers`));
  for (let i = 0; i < iterations; i++) {
    if (i === Math.floor(iterations / 3)) await job.scaler.scaleUp(1);
    if (i === Math.floor((2 * iterations) / 3)) await job.scaler.scaleDown(1);
    const sums = await job.execute(assign, { points, centres });
    const found = new Map(await sums.collect());
    sums.release();
    // A centre that no point is nearest to stays where it is.
    centres = centres.map((centre, n) => {
      const [x, y, size] = found.get(n) ?? [...centre, 1];
      return [x / size, y / size];
    });
  }
  for (const [x, y] of centres) console.log(`${x.toFixed(6)}\t${y.toFixed(6)}`);
});
