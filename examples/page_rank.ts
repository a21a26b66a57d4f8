/**
 * Ranks the nodes of a graph by PageRank (Brin and Page, 1998).
 *
 *   bun examples/page_rank.ts [EDGES] [ITERATIONS]
 *
 * Each line of EDGES is an edge, `FROM TO`. The loop is the driver's own: each turn runs a flow
 * on the handles of the last one, and links and ranks stay on the workers all the time.
 */
import { type DatasetInput, flow, run } from "luciole";

const DAMPING = 0.85;

type Links = [node: string, targets: string[]];
type Rank = [node: string, rank: number];

const load = flow("load", (f, p: { edges: string }) => {
  const links = f
    .text(p.edges)
    .filter((line) => line.trim() !== "")
    .flatMap((line): Links[] => {
      const [from, to] = line.trim().split(/\s+/);
      // The target too, so that nodes without links of their own are there.
      return [
        [from, [to]],
        [to, []],
      ];
    })
    .reduceByKey((a, b) => [...a, ...b]);
  return { links, ranks: links.mapValues(() => 1) };
});

const spread = flow("spread", (f, p: { links: DatasetInput<Links>; ranks: DatasetInput<Rank> }) =>
  f
    .from(p.links)
    .join(f.from(p.ranks))
    .flatMap(([node, [targets, rank]]): Rank[] => [
      [node, 0],
      ...targets.map((target): Rank => [target, rank / targets.length]),
    ])
    .reduceByKey((a, b) => a + b)
    .mapValues((received) => 1 - DAMPING + DAMPING * received),
);

const order = flow("order", (f, p: { ranks: DatasetInput<Rank> }) =>
  f.from(p.ranks).sortBy(([node, rank]) => [-rank, node]),
);

await run(async (job) => {
  const [edges = "examples/data/edges.txt", iterations = "10"] = job.args;
  let { links, ranks } = await job.execute(load, { edges });
  for (let i = 0; i < Number(iterations); i++) {
    const next = await job.execute(spread, { links, ranks });
    // Frees the disk space of what no turn will read again.
    ranks.release();
    ranks = next;
  }
  const ordered = await job.execute(order, { ranks });
  for await (const [node, rank] of ordered) console.log(`${rank.toFixed(6)}\t${node}`);
});
