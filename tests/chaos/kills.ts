/**
 * Processes that are killed and stopped while a job runs: the plan comes from the seed.
 */
import type { Cluster } from "../e2e/cluster.ts";
import { hasReached } from "./course.ts";
import { type Disturbed, disturb } from "./disturbed.ts";
import type { DriverProcess } from "./driver_process.ts";
import type { Family, Undisturbed } from "./report.ts";
import { AGENTS, describeFault, drawScenario, type Fault, type Scenario } from "./scenario.ts";
import { after, strike } from "./strike.ts";

export const kills: Family = {
  why: () => undefined,
  size: 1,
  run: (seed, workload, undisturbed) => {
    const scenario = drawScenario(seed);
    const { leaseMs, mustSucceed } = scenario;
    // There is something to wait for when an agent comes late.
    const isWaiting = scenario.faults.some(({ phase }) => phase === "waiting");
    const agents = isWaiting ? AGENTS - 1 : AGENTS;
    return disturb({ workload, undisturbed, size: 1, agents }, (disturbed) =>
      disturbed.run({
        mark: `seed-${seed}`,
        env: { LUCIOLE_LEASE: `${leaseMs}ms` },
        flags: isWaiting ? ["--workers", `${AGENTS}`] : [],
        mustSucceed,
        names: /agent a\d|worker \d|master|signal (9|SIGKILL)/,
        strike: async (driver) => {
          const coming = isWaiting ? joinLate(driver, disturbed.cluster) : Promise.resolve();
          const struck = await strikeAll(scenario, disturbed, driver, undisturbed);
          await coming;
          return struck;
        },
      }),
    );
  },
};

async function strikeAll(
  { faults }: Scenario,
  { cluster, story }: Disturbed,
  driver: DriverProcess,
  { course }: Undisturbed,
) {
  let isKilled = false;
  const perform = async (fault: Fault): Promise<boolean> => {
    if (!(await driver.until(() => hasReached(fault.phase, driver, cluster, course)))) return false;
    await after(fault.afterMs);
    const struck = strike(fault, cluster, driver);
    if (struck === undefined) return false;
    story.push(`${describeFault(fault)}: ${struck.what}`);
    isKilled ||= fault.role === "driver" && fault.act === "kill";
    await struck.over;
    return true;
  };
  const struck = (await Promise.all(faults.map(perform))).filter(Boolean).length;
  return { struck, missed: faults.length - struck, isKilled };
}

/** The agent for which the job waits comes after a while. */
async function joinLate(driver: DriverProcess, cluster: Cluster): Promise<void> {
  await driver.until(() => driver.stderr.includes("waiting: "));
  await after(500);
  await cluster.startAgent(`a${AGENTS - 1}`);
}
