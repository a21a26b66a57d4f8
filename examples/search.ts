/**
 * Has workers and driver talk while a flow runs: a search in which each find narrows what the others look at.
 *
 *   bun examples/search.ts [BITS] [TEXT]
 *
 * Finds the least number that, written behind TEXT, has an FNV-1a hash that ends in BITS zero bits. Workers try
 * interleaved numbers; the first that finds one tells the driver, which tells all the bound; a worker ends when it is
 * beyond. So the result is the least one, whoever is first.
 */
import { flow, run } from "luciole";

/** How many numbers are tried between two looks at what the driver says. */
const STRIDE = 4096;

const search = flow("search", (f, p: { text: string; bits: number; shards: number }) =>
  f.generate(p.shards, async function* (shard, ctx) {
    let bound = Number.POSITIVE_INFINITY;
    ctx.on("driverMessage", (message) => {
      bound = Math.min(bound, Number(message));
    });
    for (let from = shard; from < bound; from += STRIDE * p.shards) {
      const found = first(p.text, p.bits, from, p.shards);
      if (found !== undefined && found < bound) {
        ctx.sendToDriver(found);
        yield found;
        return;
      }
      // Messages come in between.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }),
);

/** Among `from`, `from + step`, …, STRIDE of them. */
function first(text: string, bits: number, from: number, step: number): number | undefined {
  const mask = 2 ** bits - 1;
  for (let i = 0; i < STRIDE; i++) {
    if ((hash(`${text}${from + i * step}`) & mask) === 0) return from + i * step;
  }
  return undefined;
}

/** FNV-1a, 32 bits (Fowler, Noll, Vo). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

await run(async (job) => {
  const [bits = "16", text = "luciole"] = job.args;
  let best = Number.POSITIVE_INFINITY;
  job.on("workerMessage", async (message) => {
    best = Math.min(best, Number(message));
    await job.messenger.broadcast(best);
  });
  const found = await job.execute(search, { text, bits: Number(bits), shards: job.workers });
  console.log(Math.min(...(await found.collect())));
});
