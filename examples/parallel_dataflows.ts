/**
 * Runs two dataflows at the same time on workers of their own, then a third one on what both made.
 *
 *   bun examples/parallel_dataflows.ts [ROWS]
 *
 * Each of the two is given half of the workers, which nothing else uses meanwhile; with a single worker they take turns.
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
  const [square, cube] = await Promise.all([
    job.execute(squares, { rows }, { workers }),
    job.execute(cubes, { rows }, { workers }),
  ]);
  const [sum] = await (await job.execute(sums, { squares: square, cubes: cube })).collect();
  console.log(`squares and cubes of the numbers below ${rows} are ${sum} together`);
});
