/** W4: ten iterations of PageRank over edges that stay where they were read. */
import { type DatasetHandle, flow, run } from "luciole";

const ITERATIONS = 10;

type Pairs = DatasetHandle<[number, number]>;

const load = flow("w4-load", (f, p: { input: string }) => {
  const edges = f
    .csv(p.input, {
      header: false,
      delimiter: " ",
      columns: ["from", "to"],
      types: { from: "number", to: "number" },
    })
    .keyBy("from")
    .mapValues("to")
    .partitionByKey(8);
  return { edges, degrees: edges.countByKey() };
});

/** Ranks over degrees of the nodes, as what each edge hands on. */
const start = flow("w4-start", (f, p: { degrees: Pairs }) =>
  f.from(p.degrees).map(([node, degree]): [number, number] => [node, 1 / degree]),
);

const iterate = flow("w4-iterate", (f, p: { edges: Pairs; degrees: Pairs; shares: Pairs }) =>
  f
    .from(p.degrees)
    .leftJoin(f.from(p.edges).join(f.from(p.shares)).values().sumByKey())
    .mapValues(([degree, sum]) => (0.15 + 0.85 * (sum ?? 0)) / degree),
);

const write = flow("w4-write", (f, p: { degrees: Pairs; shares: Pairs; output: string }) =>
  f
    .from(p.degrees)
    .join(f.from(p.shares))
    .writeText(p.output, ([node, [degree, share]]) => `${node},${degree * share}`),
);

await run(async (job) => {
  const [input = "", output = ""] = job.args;
  const { edges, degrees } = await job.execute(load, { input });
  let shares = await job.execute(start, { degrees });
  for (let i = 0; i < ITERATIONS; i++) {
    const next = await job.execute(iterate, { edges, degrees, shares });
    await shares.release();
    shares = next;
  }
  await job.execute(write, { degrees, shares, output });
});
