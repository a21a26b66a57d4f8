/** W5: ten iterations of k-means over points that stay where they were read. */
import { type DatasetHandle, flow, run } from "luciole";

const ITERATIONS = 10;
const CENTRES = 16;

type Point = [number, number, number, number, number, number, number, number];

const names = ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"] as const;
const numbers = {
  x0: "number",
  x1: "number",
  x2: "number",
  x3: "number",
  x4: "number",
  x5: "number",
  x6: "number",
  x7: "number",
} as const;

const load = flow("w5-load", (f, p: { input: string }) =>
  f
    .csv(p.input, { columns: names, types: numbers })
    .map(({ x0, x1, x2, x3, x4, x5, x6, x7 }): Point => [x0, x1, x2, x3, x4, x5, x6, x7]),
);

/** For each centre the sums of its points, and behind them their number. */
const assign = flow("w5-assign", (f, p: { points: DatasetHandle<Point>; centres: number[][] }) => {
  const width = names.length + 1;
  return f.from(p.points).aggregate({
    zero: () => new Array<number>(CENTRES * width).fill(0),
    add: (sums, point) => {
      const at = nearest(p.centres, point) * width;
      for (let d = 0; d < width - 1; d++) sums[at + d] += point[d];
      sums[at + width - 1]++;
      return sums;
    },
    merge: (a, b) => a.map((sum, i) => sum + b[i]),
  });
});

function nearest(centres: readonly (readonly number[])[], point: readonly number[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < centres.length; k++) {
    const centre = centres[k];
    let distance = 0;
    for (let d = 0; d < centre.length; d++) {
      const difference = point[d] - centre[d];
      distance += difference * difference;
    }
    if (distance < least) {
      least = distance;
      best = k;
    }
  }
  return best;
}

await run(async (job) => {
  const [input = "", output = ""] = job.args;
  const points = await job.execute(load, { input });
  let centres: number[][] = await points.take(CENTRES);
  for (let i = 0; i < ITERATIONS; i++) {
    const [sums] = await (await job.execute(assign, { points, centres })).collect();
    centres = centres.map((centre, k) => {
      const at = k * (names.length + 1);
      const count = sums[at + names.length];
      return count === 0 ? centre : centre.map((_, d) => sums[at + d] / count);
    });
  }
  await Bun.write(output, centres.map((centre) => `${centre.join(",")}\n`).join(""));
});
