/**
 * One job on large data under many kills, one after the other as it gets on: its output is that of the undisturbed run,
 * byte for byte.
 *
 * Kills come with progress and not with time, so that no task is lost five times in a row. Agents that were killed come
 * again under their names; some are never struck, since a job may have to go on with those that it began with.
 */
import { join } from "node:path";
import { Cluster } from "../e2e/cluster.ts";
import { Random } from "../simulation/random.ts";
import { workersOf } from "./course.ts";
import { DriverProcess } from "./driver_process.ts";
import type { Role } from "./scenario.ts";
import { after, strike } from "./strike.ts";
import { judge } from "./verdict.ts";
import { readWritten, type Workload, type Written } from "./workload.ts";

export interface SiegeOptions {
  readonly workload: Workload;
  readonly input: string;
  readonly kills: number;
  readonly seed: number;
  readonly splitBytes: number;
  /** Each has one slot. */
  readonly agents: number;
}

export interface SiegeReport {
  /** How often each role was killed. */
  readonly killed: Readonly<Record<string, number>>;
  readonly written: Written | undefined;
  /** What is wrong, or undefined. */
  readonly wrong: string | undefined;
  readonly story: readonly string[];
  readonly tookMs: number;
  /** Attempts that ended. */
  readonly attempts: number;
}

const DEADLINE_MS = 1_800_000;
/** At least so many attempts end between two kills. */
const PACE = 2;
/** Of the attempts of the undisturbed run: the last kill is to come before the end. */
const SHARE = 0.8;
const SAFE_AGENTS = 2;
const NOTHING: Written = { sha256: "", files: 0 };
const ROLES: readonly Role[] = ["worker", "worker", "worker", "agent", "master"];

/** @param undisturbed What the same job came to without kills. */
export async function runSiege(options: SiegeOptions, undisturbed?: SiegeReport): Promise<SiegeReport> {
  const { workload, input, splitBytes, agents } = options;
  await using cluster = await Cluster.open({ agents, slots: 1, files: { "job.ts": workload.source } });
  const { folder, address } = cluster;
  const output = join(folder.path, "out");
  const driver = new DriverProcess({
    cwd: folder.path,
    env: {
      LUCIOLE_MASTER: address,
      LUCIOLE_QUIET: "1",
      TMPDIR: folder.scratch,
      XDG_CACHE_HOME: folder.scratch,
    },
    args: ["job.ts", input, output, `${splitBytes}`],
    deadlineMs: DEADLINE_MS,
  });
  const killing = undisturbed && besiege(options, cluster, driver, undisturbed.attempts);
  const end = await driver.ended;
  const { killed = {}, story = [] } = (await killing) ?? {};
  driver.look();
  const written = readWritten(output);
  const outcome = { end, written, isKilled: false, mustSucceed: true, names: /./ };
  const wrong = judge(outcome, undisturbed?.written ?? written ?? NOTHING);
  const { tookMs, stderr } = end;
  return {
    killed,
    written,
    wrong,
    story: [...story, ...stderr.trimEnd().split("\n")],
    tookMs,
    attempts: driver.attempts.length,
  };
}

/** Kills evenly over as many attempts as the undisturbed run has. */
async function besiege(
  { kills, seed, agents }: SiegeOptions,
  cluster: Cluster,
  driver: DriverProcess,
  attempts: number,
) {
  const random = new Random(seed);
  const killed: Record<string, number> = {};
  const story: string[] = [];
  const coming: Promise<void>[] = [];
  const targets = Array.from({ length: agents - SAFE_AGENTS }, (_, i) => `a${i}`);
  for (let i = 0; i < kills; i++) {
    const wanted = Math.max(
      driver.attempts.length + PACE,
      Math.floor(((i + 0.5) / kills) * SHARE * attempts),
    );
    if (!(await driver.until(() => driver.attempts.length >= wanted && workersOf(cluster).length > 0))) break;
    await after(random.below(50));
    let role = random.pick(ROLES);
    const agent = targets[0];
    if (role === "agent" && agent === undefined) role = "worker";
    if (role === "agent" && agent !== undefined) {
      targets.shift();
      coming.push(killAgent(agent, cluster));
    } else {
      const fault = {
        phase: "first",
        afterMs: 0,
        act: "kill",
        role,
        which: random.below(100),
        forMs: 200,
      } as const;
      const struck = strike(fault, cluster, driver);
      if (struck === undefined) continue;
      await struck.over;
    }
    killed[role] = (killed[role] ?? 0) + 1;
    story.push(`${role} killed when ${driver.attempts.length} attempts had ended`);
  }
  await Promise.all(coming);
  return { killed, story };
}

async function killAgent(name: string, cluster: Cluster): Promise<void> {
  await cluster.agent(name).end("SIGKILL");
  await cluster.startAgent(name);
}
