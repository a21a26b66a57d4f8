/**
 * Joins two dataflows by a dataset: the first cleans measurements once, the second is run on what it made, several times.
 *
 *   bun examples/two_dataflows.ts [STEP …]
 *
 * The rows of the first flow stay on the workers; a run of the second one sends them nothing but its parameters.
 */
import { type DatasetInput, flow, run } from "luciole";

interface Reading {
  readonly sensor: number;
  readonly value: number;
}

const READINGS = 10_000;
const SENSORS = 7;

const clean = flow("clean", (f, p: { readings: number }) =>
  f
    .range(p.readings)
    .map((i): Reading => ({ sensor: i % SENSORS, value: (i * 7919) % 1000 }))
    .filter(({ value }) => value !== 0)
    .cache(),
);

const histogram = flow("histogram", (f, p: { readings: DatasetInput<Reading>; step: number }) =>
  f
    .from(p.readings)
    .keyBy(({ value }) => Math.floor(value / p.step))
    .countByKey()
    .sortByKey(),
);

await run(async (job) => {
  const steps = job.args.length === 0 ? [500, 250] : job.args.map(Number);
  const readings = await job.execute(clean, { readings: READINGS });
  for (const step of steps) {
    const bars = await job.execute(histogram, { readings, step });
    for (const [bar, count] of await bars.collect()) {
      console.log(`${step}\t${bar * step}\t${count}`);
    }
    bars.release();
  }
  readings.release();
});
