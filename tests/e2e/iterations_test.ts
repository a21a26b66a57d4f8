/** Loops on real processes: what they compute does not depend on where, and by how many workers, they run. */
import { afterAll, describe, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";

const POINTS = 400;
const CENTRES = 4;
const TURNS = 6;

type Point = readonly [number, number];

/** The same points as those of the program. */
const program = `
import { type DatasetInput, flow, run } from "luciole";
type Point = readonly [number, number];
type Sum = readonly [number, number, number];
const noise = (i: number) => { const x = Math.sin((i + 1) * 12.9898) * 43758.5453; return x - Math.floor(x); };
const points = flow("points", (f, p: { shards: number }) =>
  f.range(${POINTS}, { shards: p.shards }).map((i): Point => [noise(2 * i) * 10, noise(2 * i + 1) * 10]));
const nearest = ([x, y]: Point, centres: readonly Point[]) => {
  const distances = centres.map(([cx, cy]) => (cx - x) ** 2 + (cy - y) ** 2);
  return distances.indexOf(Math.min(...distances));
};
const assign = flow("assign", (f, p: { points: DatasetInput<Point>; centres: readonly Point[] }) =>
  f.from(p.points)
    .map((point): [number, Sum] => [nearest(point, p.centres), [...point, 1]])
    .reduceByKey((a, b): Sum => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]));
await run(async (job) => {
  const own = await job.execute(points, { shards: 6 });
  let centres: readonly Point[] = await own.take(${CENTRES});
  for (let i = 0; i < ${TURNS}; i++) {
    using sums = await job.execute(assign, { points: own, centres });
    const found = new Map(await sums.collect());
    centres = centres.map((centre, n): Point => {
      const [x, y, size] = found.get(n) ?? [...centre, 1];
      return [x / size, y / size];
    });
  }
  console.log(JSON.stringify({ workers: job.workers, centres }));
});
`;

function noise(i: number): number {
  const x = Math.sin((i + 1) * 12.9898) * 43_758.5453;
  return x - Math.floor(x);
}

function plainMeans(): readonly Point[] {
  const all = Array.from({ length: POINTS }, (_, i): Point => [noise(2 * i) * 10, noise(2 * i + 1) * 10]);
  let centres = all.slice(0, CENTRES);
  for (let turn = 0; turn < TURNS; turn++) {
    const members = centres.map((): Point[] => []);
    for (const point of all) {
      const distances = centres.map(([x, y]) => (x - point[0]) ** 2 + (y - point[1]) ** 2);
      members[distances.indexOf(Math.min(...distances))].push(point);
    }
    centres = members.map((own): Point => {
      const sum = (axis: 0 | 1) => own.reduce((total, point) => total + point[axis], 0);
      return [sum(0) / own.length, sum(1) / own.length];
    });
  }
  return centres;
}

const cluster = await Cluster.open({ agents: 2, slots: 2, files: { "means.ts": program } });
afterAll(() => cluster[Symbol.asyncDispose]());

function expectMeans(stdout: string, expected: number): void {
  const { workers, centres } = JSON.parse(stdout) as { workers: number; centres: readonly Point[] };
  expect(workers).toBe(expected);
  expect(centres.length).toBe(CENTRES);
  for (const [i, [x, y]] of plainMeans().entries()) {
    expect(Math.abs(centres[i][0] - x)).toBeLessThan(1e-9);
    expect(Math.abs(centres[i][1] - y)).toBeLessThan(1e-9);
  }
}

describe("C9: k-means on real processes equals the plain loop to 1e-9", () => {
  test.each([1, 2, 4])(
    "C9: with %p workers, on this machine and on a cluster",
    async (workers) => {
      const local = await cluster.runLocally(["means.ts"], workers);
      expect(local.stderr).toBe("");
      expectMeans(local.stdout, workers);
      const spread = await cluster.run(["--workers", `${workers}`, "means.ts"]);
      expect(spread.stderr).toBe("");
      expectMeans(spread.stdout, workers);
      await cluster.settled();
    },
    60_000,
  );
});
