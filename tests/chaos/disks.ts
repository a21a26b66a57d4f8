/**
 * Disks that are full: that of an agent, or that of the output, which are small file systems of their own.
 */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../simulation/random.ts";
import { hasReached } from "./course.ts";
import { type Disturbed, disturb } from "./disturbed.ts";
import type { DriverProcess } from "./driver_process.ts";
import type { Family, Report, Undisturbed } from "./report.ts";
import { AGENTS, type Phase } from "./scenario.ts";
import { after } from "./strike.ts";

const SIZE = 40;
const PHASES: readonly Phase[] = ["shipping", "starting", "first", "shuffle", "last"];
const FILLER = "filler";
const MIB = 1024 * 1024;

interface Plan {
  readonly where: "agent" | "output";
  readonly phase: Phase;
  readonly afterMs: number;
  /** Until there is room again; the job is over by then when it is long. */
  readonly forMs: number;
}

export const disks: Family = {
  why: whyNoMounts,
  size: SIZE,
  run: async (seed, workload, undisturbed) => {
    const random = new Random(seed);
    const plan: Plan = {
      where: random.chance(2) ? "agent" : "output",
      phase: random.pick(PHASES),
      afterMs: random.pick([0, 20, 100]),
      forMs: random.pick([100, 1_000, 60_000]),
    };
    const mounted: string[] = [];
    try {
      return await disturb({ workload, undisturbed, size: SIZE, agents: AGENTS - 1 }, async (disturbed) => {
        const full = await smallDisk(disturbed, plan, mounted);
        try {
          return await runOn(full, plan, disturbed, undisturbed, seed);
        } finally {
          // What the agent keeps there goes with it, before its file system does.
          if (plan.where === "agent") await disturbed.cluster.agent(LAST).end("SIGTERM");
          unmount(mounted);
        }
      });
    } finally {
      unmount(mounted);
    }
  },
};

const LAST = `a${AGENTS - 1}`;

/** Where the small file system is. The last agent comes once it has one, or an ordinary directory. */
async function smallDisk(
  { cluster, results }: Disturbed,
  { where }: Plan,
  mounted: string[],
): Promise<string> {
  const directory = where === "agent" ? cluster.directoryOf(LAST) : results;
  mkdirSync(directory, { recursive: true });
  const size = where === "agent" ? "48m" : "24m";
  const { exitCode, stderr } = Bun.spawnSync([
    "mount",
    "-t",
    "tmpfs",
    "-o",
    `size=${size},mode=700`,
    "none",
    directory,
  ]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  mounted.push(directory);
  await cluster.startAgent(LAST);
  return directory;
}

async function runOn(
  directory: string,
  plan: Plan,
  disturbed: Disturbed,
  { course }: Undisturbed,
  seed: number,
): Promise<Omit<Report, "story">> {
  const { cluster, story } = disturbed;
  const filler = join(directory, FILLER);
  const strike = async (driver: DriverProcess) => {
    const isThere = await driver.until(() => hasReached(plan.phase, driver, cluster, course));
    await after(plan.afterMs);
    if (!isThere || !driver.isThere) return { struck: 0, missed: 1 };
    story.push(`${JSON.stringify(plan)}: ${fill(filler)} MiB were free`);
    await after(plan.forMs, [driver.ended]);
    rmSync(filler);
    return { struck: 1, missed: 0 };
  };
  const report = await disturbed.run({
    mark: `seed-${seed}`,
    mustSucceed: false,
    names: /disk|space|agent a2/,
    strike,
  });
  if (report.wrong !== undefined) return report;
  // With room again all is well.
  const next = await disturbed.run({
    mark: `seed-${seed}-again`,
    mustSucceed: true,
    names: /./,
    strike: () => Promise.resolve({ struck: 0, missed: 0 }),
  });
  return next.wrong === undefined ? report : { ...report, wrong: `the run after that: ${next.wrong}` };
}

/** @returns How many MiB it took. */
function fill(path: string): number {
  const file = openSync(path, "w");
  let written = 0;
  try {
    for (const bytes = new Uint8Array(64 * 1024); ; ) written += writeSync(file, bytes);
  } catch {
    // There is no room any more.
  } finally {
    closeSync(file);
  }
  return Math.round(written / MIB);
}

function unmount(mounted: string[]): void {
  for (const directory of mounted.splice(0)) Bun.spawnSync(["umount", "--lazy", directory]);
}

function whyNoMounts(): string | undefined {
  if (process.platform !== "linux") return "small file systems are mounted on Linux only";
  if (process.getuid?.() !== 0) return "mounting small file systems wants root";
  return undefined;
}
