/** G2: the examples that iterate over handles, as processes, against plain loops. */
import { afterAll, describe, expect, test } from "bun:test";
import { SEED, seededRandom } from "./inputs.ts";
import { Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox[Symbol.dispose]());

const random = seededRandom(SEED);
/** Results are printed with six digits, and sums depend on the order of addition. */
const TOLERANCE = 2e-6;

type Point = [x: number, y: number];

function rank(edges: readonly Point[], iterations: number): Map<number, number> {
  const targets = new Map<number, number[]>();
  for (const [from, to] of edges) {
    targets.set(from, [...(targets.get(from) ?? []), to]);
    targets.set(to, targets.get(to) ?? []);
  }
  let ranks = new Map([...targets.keys()].map((node) => [node, 1]));
  for (let i = 0; i < iterations; i++) {
    const received = new Map([...ranks.keys()].map((node) => [node, 0]));
    for (const [node, own] of targets) {
      const share = (ranks.get(node) ?? 0) / own.length;
      for (const target of own) received.set(target, (received.get(target) ?? 0) + share);
    }
    ranks = new Map([...received].map(([node, sum]) => [node, 0.15 + 0.85 * sum]));
  }
  return ranks;
}

/** Lloyd's algorithm; rows `[x, y, size]` in the order of the first centres. */
function cluster(points: readonly Point[], k: number): number[][] {
  let centres: number[][] = points.slice(0, k).map(([x, y]) => [x, y, 0]);
  for (let moved = 1; moved > 1e-6; ) {
    const members = centres.map((): Point[] => []);
    for (const point of points) {
      const distances = centres.map(([x, y]) => Math.hypot(point[0] - x, point[1] - y));
      members[distances.indexOf(Math.min(...distances))].push(point);
    }
    const next = members.map((own, i) => {
      if (own.length === 0) return [centres[i][0], centres[i][1], 0];
      const sum = own.reduce(([x, y], point) => [x + point[0], y + point[1]], [0, 0]);
      return [sum[0] / own.length, sum[1] / own.length, own.length];
    });
    moved = Math.max(...next.map(([x, y], i) => Math.hypot(x - centres[i][0], y - centres[i][1])));
    centres = next;
  }
  return centres;
}

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs(actual[i] - value)).toBeLessThanOrEqual(TOLERANCE);
  }
}

describe(`G2 iterations, seed ${SEED}`, () => {
  test("page_rank ranks each node, those without links too", async () => {
    const edges = Array.from({ length: 150 }, (): Point => [random(30), random(1 + random(40))]);
    sandbox.write("edges.txt", edges.map(([from, to]) => `n${from} n${to}\n`).join(""));
    const printed = await sandbox.run("page_rank", ["edges.txt", "6"]);
    const expected = rank(edges, 6);
    const actual = new Map(
      printed.map((line) => [Number(line.split("\tn")[1]), Number(line.split("\t")[0])]),
    );
    expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
    const nodes = [...expected.keys()];
    expectNear(
      nodes.map((node) => actual.get(node) ?? Number.NaN),
      nodes.map((node) => expected.get(node) ?? Number.NaN),
    );
    const order = [...actual.values()];
    expect(order).toEqual([...order].sort((a, b) => b - a));
  }, 60_000);

  test("page_rank without an iteration gives every node the same rank", async () => {
    sandbox.write("edge.txt", "a b\n");
    expect(await sandbox.run("page_rank", ["edge.txt", "0"])).toEqual(["1.000000\ta", "1.000000\tb"]);
  }, 60_000);

  test.each([1, 2, 4])(
    "C9: k_means_workers finds the centres of the reference to 1e-9 with %d workers",
    async (workers) => {
      const own = seededRandom(SEED + workers);
      const points = Array.from({ length: 500 }, (_, i): Point => {
        return [(i % 5) * 3 + own(4000) / 1000, (i % 3) * 4 + own(4000) / 1000];
      });
      sandbox.write("many.csv", `x,y\n${points.map((point) => point.join(",")).join("\n")}\n`);
      const printed = await sandbox.run("k_means_workers", ["many.csv", "5"], { workers });
      const expected = cluster(points, 5);
      expect(printed.length).toBe(5);
      for (const [i, line] of printed.entries()) {
        for (const [j, value] of line.split("\t").map(Number).entries()) {
          expect(Math.abs(value - expected[i][j])).toBeLessThanOrEqual(1e-9);
        }
      }
    },
    60_000,
  );

  test.each([1, 4])(
    "k_means finds the centres with %d workers",
    async (workers) => {
      const own = seededRandom(SEED + 1);
      const middles: Point[] = [
        [0, 0],
        [10, 2],
        [-4, 8],
        [3, -9],
      ];
      const points = Array.from({ length: 200 }, (_, i): Point => {
        const [x, y] = middles[i % middles.length];
        return [x + own(4000) / 1000 - 2, y + own(4000) / 1000 - 2];
      });
      sandbox.write("points.csv", `x,y\n${points.map((point) => point.join(",")).join("\n")}\n`);
      const printed = await sandbox.run("k_means", ["points.csv", "4"], { workers });
      const expected = cluster(points, 4);
      expect(printed.length).toBe(4);
      for (const [i, line] of printed.entries()) expectNear(line.split("\t").map(Number), expected[i]);
    },
    60_000,
  );
});
