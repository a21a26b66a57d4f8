/**
 * Estimates pi: the share of random points of a square that lie in its circle.
 *
 *   bun examples/pi.ts [POINTS] [SHARDS]
 *
 * Each shard has a generator of random numbers of its own, seeded by the shard's number, so
 * the same arguments always give the same estimate.
 */
import { flow, run } from "luciole";

const countHits = flow("count-hits", (f, p: { points: number; shards: number }) =>
  f
    .generate(p.shards, function* (shard) {
      const begin = Math.floor((shard * p.points) / p.shards);
      const end = Math.floor(((shard + 1) * p.points) / p.shards);
      yield hitsOf(end - begin, shard);
    })
    .sum(),
);

function hitsOf(points: number, seed: number): number {
  const random = seededRandom(seed);
  let hits = 0;
  for (let i = 0; i < points; i++) {
    const x = random();
    const y = random();
    if (x * x + y * y < 1) hits++;
  }
  return hits;
}

/** Tommy Ettinger's mulberry32: numbers from 0 to below 1. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

await run(async (job) => {
  const [points = "10000000", shards = "16"] = job.args;
  const params = { points: Number(points), shards: Number(shards) };
  const [hits] = await (await job.execute(countHits, params)).collect();
  console.log(`pi is about ${((4 * hits) / params.points).toFixed(6)}`);
});
