/**
 * Clusters of all sizes that a test file shares, and running a property at every point of
 * the grid {1, 2, 5} agents × {1, 3} slots × {1, 2, 7, 16} shards.
 *
 * Each point gets random data of its own, from a seed that is printed when it fails.
 */
import fc from "fast-check";
import { Cluster } from "./cluster.ts";

/** Set ORACLE_SEED to run the data of another day. */
export const SEED = Number(process.env.ORACLE_SEED ?? 1);

const SIZES = [1, 2, 5].flatMap((agents) => [1, 3].map((slots) => ({ agents, slots })));
const SHARDS = [1, 2, 7, 16];

export interface Point<D> {
  readonly cluster: Cluster;
  readonly shards: number;
  readonly data: D;
}

export interface PropertyOptions {
  /** Only every n-th point, for what is slow; the clusters and the shards still take turns. */
  readonly every?: number;
}

/** Half of the points: each cluster with two of the numbers of shards. */
export const HALF: PropertyOptions = { every: 2 };

export class Grid implements AsyncDisposable {
  readonly #clusters: Cluster[] = [];

  static async open(): Promise<Grid> {
    const grid = new Grid();
    for (const size of SIZES) grid.#clusters.push(await Cluster.open(size));
    return grid;
  }

  /** Checks a property with random data at the points of the grid. */
  async holds<D>(
    dataOf: (shards: number) => fc.Arbitrary<D>,
    check: (point: Point<D>) => Promise<void>,
    { every = 1 }: PropertyOptions = {},
  ): Promise<void> {
    const points = this.#clusters.flatMap((cluster, i) =>
      // The shards are turned round by cluster, so that a part of the points has all of both.
      SHARDS.map((_, j) => ({ cluster, size: SIZES[i], shards: SHARDS[(i + (i >> 1) + j) % SHARDS.length] })),
    );
    for (const [i, { cluster, size, shards }] of points.entries()) {
      if (i % every !== 0) continue;
      const property = fc.asyncProperty(dataOf(shards), (data) => check({ cluster, shards, data }));
      try {
        await fc.assert(property, { seed: SEED * 1000 + i, numRuns: 1, interruptAfterTimeLimit: 20_000 });
      } catch (cause) {
        const place = `${size.agents} agents × ${size.slots} slots, ${shards} shards`;
        throw new Error(`The property does not hold on ${place}`, { cause });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cluster of this.#clusters) await cluster[Symbol.asyncDispose]();
  }
}
