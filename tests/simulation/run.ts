/** Runs many simulated clusters, one for each seed; `scripts/simulate` calls it. */
import { parseArgs } from "node:util";
import { type RunSummary, Simulation } from "./simulation.ts";

const USAGE = `usage: scripts/simulate [--seeds N] [--from SEED] [--seed SEED]
  --seeds N     runs N seeds (default 10000)
  --from SEED   beginning with this one (default 1)
  --seed SEED   runs this one alone and tells its story`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function run(seed: number): RunSummary | undefined {
  try {
    return new Simulation(seed).run();
  } catch (error) {
    console.error(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
    return undefined;
  }
}

function runMany(from: number, count: number): void {
  const sum = { done: 0, failed: 0, cancelled: 0, killed: 0, faults: 0, steps: 0 };
  const wrong: number[] = [];
  const start = process.cpuUsage();
  for (let seed = from; seed < from + count; seed += 1) {
    const summary = run(seed);
    if (summary === undefined) wrong.push(seed);
    else for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += summary[name];
  }
  const { user, system } = process.cpuUsage(start);
  const { done, failed, cancelled, killed, faults, steps } = sum;
  console.log(
    `${count} seeds, ${wrong.length} violations; executions: ${done} done, ${failed} failed, ${cancelled} cancelled; ` +
      `${killed} drivers killed, ${faults} faults, ${steps} steps; ${((user + system) / 1000 / count).toFixed(2)} ms of CPU each`,
  );
  if (wrong.length > 0) console.log(`keep them in tests/simulation/regressions.ts: ${wrong.join(" ")}`);
}

if (values.help) console.log(USAGE);
else if (values.seed !== undefined) console.log(run(Number(values.seed))?.story.join("\n") ?? "");
else runMany(Number(values.from), Number(values.seeds));
