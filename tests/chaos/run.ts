/** Runs disturbed jobs on real processes, one for each seed; `scripts/chaos` calls it. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bodies } from "./bodies.ts";
import { corruption } from "./corruption.ts";
import { crowd } from "./crowd.ts";
import { disks } from "./disks.ts";
import { runUndisturbed } from "./disturbed.ts";
import { kills } from "./kills.ts";
import { links } from "./links.ts";
import type { Family, Report, Undisturbed } from "./report.ts";
import { AGENTS } from "./scenario.ts";
import { runSiege } from "./siege.ts";
import { largeData, type Workload, workloadNamed } from "./workload.ts";

const FAMILIES: Readonly<Record<string, Family>> = { kills, corruption, bodies, links, disks, crowd };
/** Of the first stage, on large data. */
const TASKS = 120;
/** Most of their time they wait: for agents to be missed, and leases to run out. */
const AT_ONCE = 4;
/** How many seeds of each are in CI's run. */
const QUICK: Readonly<Record<string, number>> = {
  kills: 32,
  corruption: 2,
  bodies: 3,
  links: 4,
  disks: 2,
  crowd: 1,
};

const USAGE = `usage: scripts/chaos [--quick] [--family F] [--seeds N] [--from SEED] [--seed SEED] [--workload words|sort]
  --quick       a few seeds of each family: what continuous integration runs
  --family F    ${Object.keys(FAMILIES).join(", ")} (default kills)
  --seeds N     runs N seeds (default 64)
  --from SEED   beginning with this one (default 1)
  --seed SEED   runs this one alone and tells its story
  --workload W  words or sort; either of them, by the seed, when missing
  --kills N     instead of all that: N random kills in one job on large data, whose output must be the undisturbed one
  --bytes N     of that data (default 500000000)
  --data DIR    where that data is kept (default one for temporary files)
  --agents N    of that cluster, with a slot each (default 12)`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    family: { type: "string", default: "kills" },
    seeds: { type: "string", default: "64" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    workload: { type: "string" },
    kills: { type: "string" },
    bytes: { type: "string", default: "500000000" },
    data: { type: "string", default: join(tmpdir(), "luciole-chaos-data") },
    agents: { type: "string", default: "12" },
    help: { type: "boolean", default: false },
  },
});

const undisturbed = new Map<string, Promise<Undisturbed>>();

function undisturbedOf(workload: Workload, size: number): Promise<Undisturbed> {
  const key = `${workload.name} ${size}`;
  const known = undisturbed.get(key) ?? runUndisturbed(workload, size, AGENTS);
  undisturbed.set(key, known);
  return known;
}

async function run(name: string, seed: number): Promise<Report> {
  const family = FAMILIES[name];
  // Not in step with anything that the seed goes through in turn.
  const workload = workloadNamed(values.workload ?? (((seed >> 6) + seed) % 3 === 0 ? "sort" : "words"));
  return await family.run(seed, workload, await undisturbedOf(workload, family.size));
}

async function runMany(name: string, from: number, count: number): Promise<readonly number[]> {
  const why = FAMILIES[name].why();
  if (why !== undefined) {
    console.log(`chaos: ${name}: not run: ${why}`);
    return [];
  }
  const sum = { done: 0, failed: 0, killed: 0, struck: 0, missed: 0 };
  const wrong: number[] = [];
  const take = (seed: number, report: Report): void => {
    sum[report.end]++;
    sum.struck += report.struck;
    sum.missed += report.missed;
    if (report.wrong === undefined) return;
    wrong.push(seed);
    console.error(`${name}, seed ${seed}: ${report.wrong}\n  ${report.story.join("\n  ")}`);
    const workload = values.workload === undefined ? "" : ` --workload ${values.workload}`;
    console.error(`  repeat it with: scripts/chaos --family ${name} --seed ${seed}${workload}`);
  };
  let next = from;
  const runSome = async (): Promise<void> => {
    while (next < from + count) {
      const seed = next++;
      take(seed, await run(name, seed));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runSome));
  const { done, failed, killed, struck, missed } = sum;
  console.log(
    `chaos: ${name}: ${count} jobs: ${done} done, ${failed} failed, ${killed} killed with their driver; ` +
      `${struck} faults, ${missed} came too late; ${wrong.length} violations`,
  );
  return wrong;
}

/** @returns Whether all is well. */
async function besiege(kills: number): Promise<boolean> {
  const workload = workloadNamed(values.workload ?? "words");
  const bytes = Number(values.bytes);
  const input = largeData(workload, values.data, bytes);
  const seed = Number(values.seed ?? 1);
  const options = {
    workload,
    input,
    kills,
    seed,
    splitBytes: Math.ceil(bytes / TASKS),
    agents: Number(values.agents),
  };
  const calm = await runSiege(options);
  if (calm.wrong !== undefined)
    throw new Error(`The undisturbed run: ${calm.wrong}\n${calm.story.join("\n")}`);
  const { wrong, killed, story, tookMs, attempts, written } = await runSiege(options, calm);
  const count = Object.values(killed).reduce((sum, n) => sum + n, 0);
  const seconds = [calm.tookMs, tookMs].map((ms) => (ms / 1000).toFixed(1));
  if (wrong !== undefined || count < kills) console.error(story.join("\n"));
  console.log(
    `chaos: ${kills} kills in one ${workload.name} of ${bytes} bytes, seed ${seed}: ${JSON.stringify(killed)}; ` +
      `${attempts} attempts instead of ${calm.attempts}, ${seconds[1]} s instead of ${seconds[0]} s; ` +
      `sha256 ${written?.sha256.slice(0, 16)}, undisturbed ${calm.written?.sha256.slice(0, 16)}`,
  );
  if (count < kills) console.log(`only ${count} kills came in time`);
  console.log(wrong ?? "the output is that of the undisturbed run");
  return wrong === undefined && count === kills;
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(USAGE);
    return;
  }
  if (values.kills !== undefined) {
    process.exitCode = (await besiege(Number(values.kills))) ? 0 : 1;
    return;
  }
  if (values.seed !== undefined) {
    const { story, wrong, end } = await run(values.family, Number(values.seed));
    console.log([...story, `the job was ${end}`, wrong ?? "nothing is wrong"].join("\n"));
    process.exitCode = wrong === undefined ? 0 : 1;
    return;
  }
  const plan = values.quick ? QUICK : { [values.family]: Number(values.seeds) };
  let [passed, failed] = [0, 0];
  for (const [name, count] of Object.entries(plan)) {
    const wrong = await runMany(name, Number(values.from), count);
    passed += count - wrong.length;
    failed += wrong.length;
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
