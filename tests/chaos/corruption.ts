/**
 * Shards that lie on the disks of agents, or are on their way, and are not what was written any more: bytes that were
 * turned, files cut short or gone.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { Random } from "../simulation/random.ts";
import { type Disturbed, disturb } from "./disturbed.ts";
import type { DriverProcess } from "./driver_process.ts";
import type { Family } from "./report.ts";
import { AGENTS } from "./scenario.ts";
import { after } from "./strike.ts";

/** Five losses of one task in a row end its execution. */
const MAX_FAULTS = 4;
const HARMS = ["turned", "cut", "gone"] as const;

export const corruption: Family = {
  why: () => undefined,
  // Smaller shards lie in memory.
  size: 40,
  run: (seed, workload, undisturbed) =>
    disturb({ workload, undisturbed, size: 40, agents: AGENTS }, (disturbed) =>
      disturbed.run({
        mark: `seed-${seed}`,
        mustSucceed: true,
        names: /shard|chunk|agent a\d/,
        strike: (driver) => harmAll(new Random(seed), disturbed, driver),
      }),
    ),
};

async function harmAll(random: Random, disturbed: Disturbed, driver: DriverProcess) {
  let [struck, missed] = [0, 0];
  for (let i = 1 + random.below(MAX_FAULTS); i > 0; i--) {
    const isThere = await driver.until(() => shardFiles(disturbed).length > 0);
    await after(random.pick([0, 10, 60]));
    const what = isThere ? harm(random, shardFiles(disturbed)) : undefined;
    if (what === undefined) missed++;
    else {
      struck++;
      disturbed.story.push(what);
    }
  }
  return { struck, missed };
}

function shardFiles({ cluster }: Disturbed): readonly string[] {
  return [...cluster.agents.keys()].flatMap((name) => {
    const jobs = join(cluster.directoryOf(name), "jobs");
    if (!existsSync(jobs)) return [];
    const files = readdirSync(jobs, { recursive: true }).map((file) => join(jobs, String(file)));
    return files.filter((file) => file.endsWith(".index")).toSorted();
  });
}

/** @returns What was done, or undefined where the file went meanwhile. */
function harm(random: Random, indexes: readonly string[]): string | undefined {
  if (indexes.length === 0) return undefined;
  const index = random.pick(indexes);
  const file = random.chance(3) ? index : index.replace(/index$/, "data");
  const harmed = random.pick(HARMS);
  try {
    const size = statSync(file).size;
    const at = random.below(size);
    if (harmed === "turned") turnByte(file, at);
    else if (harmed === "cut") truncateSync(file, at);
    else rmSync(file);
    return `${file.split("/").slice(-4).join("/")} is ${harmed} at byte ${at} of ${size}`;
  } catch {
    return undefined;
  }
}

function turnByte(file: string, at: number): void {
  const fd = openSync(file, "r+");
  const byte = new Uint8Array(1);
  readSync(fd, byte, 0, 1, at);
  byte[0] ^= 1 << (at % 8);
  writeSync(fd, byte, 0, 1, at);
  closeSync(fd);
}
