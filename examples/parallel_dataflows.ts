/**
 * Runs two dataflows at the same time on workers of their own, then a third one on what both made.
 *
 *   bun examples/parallel_dataflows.ts [ROWS]
 *
 * The three are declared as one metagraph, which is checked before anything runs. Each of the two is given half of the
 * workers, which nothing else uses meanwhile; with a single worker they take turns.
 */
import { type DatasetInput, flow, run } from "luciole";

const squares = flow("squares", (f, p: { rows: number }) =>
  f.range(p.rows).map((n): [number, number] => [n, n * n]),
);

const cubes = flow("cubes", (f, p: { rows: number }) =>
  f.range(p.rows).map((n): [number, number] => [n, n ** 3]),
);

interface Powers {
  readonly squares: DatasetInput<[number, number]>;
  readonly cubes: DatasetInput<[number, number]>;
}

const sums = flow("sums", (f, p: Powers) =>
  f
    .from(p.squares)
    .join(f.from(p.cubes))
    .map(([, [square, cube]]) => square + cube)
    .sum(),
);

await run(async (job) => {
  const rows = Number(job.args[0] ?? 1000);
  const workers = Math.max(1, Math.floor(job.workers / 2));
  const powers = job.metagraph({
    squares: { flow: squares, params: { rows }, workers },
    cubes: { flow: cubes, params: { rows }, workers },
    sums: { flow: sums, inputs: { squares: "squares", cubes: "cubes" } },
  });
  const { sums: made } = await powers.run();
  const [sum] = await made.collect();
  console.log(`squares and cubes of the numbers below ${rows} are ${sum} together`);
});
