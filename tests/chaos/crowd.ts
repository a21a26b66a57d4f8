/**
 * Ten jobs at once on one cluster, while its agents come and go.
 */
import { Random } from "../simulation/random.ts";
import { type Disturbed, disturb } from "./disturbed.ts";
import type { DriverProcess } from "./driver_process.ts";
import type { Family, Report } from "./report.ts";
import { AGENTS } from "./scenario.ts";
import { after } from "./strike.ts";

const JOBS = 10;
const GO_ON_MS = 120_000;

export const crowd: Family = {
  why: () => undefined,
  size: 1,
  run: (seed, workload, undisturbed) =>
    disturb({ workload, undisturbed, size: 1, agents: AGENTS, slots: 2 }, async (disturbed) => {
      const random = new Random(seed);
      const drivers: DriverProcess[] = [];
      // One agent is always there. A job that has no worker there fails when its last agent goes.
      const going = { isOver: false };
      const coming = comeAndGo(random, disturbed, drivers, going);
      const reports = await Promise.all(
        Array.from({ length: JOBS }, (_, i) =>
          disturbed.run({
            mark: `seed-${seed}-${i}`,
            flags: ["--workers", `${1 + random.below(3)}`],
            mustSucceed: false,
            names: /agent a\d/,
            strike: async (driver) => {
              drivers.push(driver);
              await driver.ended;
              return { struck: 0, missed: 0 };
            },
          }),
        ),
      );
      going.isOver = true;
      const struck = await coming;
      const wrong = reports.flatMap((report, i) =>
        report.wrong === undefined ? [] : [`job ${i}: ${report.wrong}`],
      );
      const done = reports.filter(({ end }) => end === "done").length;
      disturbed.story.push(`${done} of ${JOBS} jobs were done`);
      return { ...summary(done, struck), ...(wrong.length === 0 ? {} : { wrong: wrong.join("\n") }) };
    }),
};

function summary(done: number, struck: number): Omit<Report, "story" | "wrong"> {
  return { end: done > 0 ? "done" : "failed", struck, missed: 0 };
}

/** Resolves when so many attempts more have committed in all jobs, or none are left. */
async function commits(
  drivers: readonly DriverProcess[],
  count: number,
  going: { readonly isOver: boolean },
): Promise<void> {
  const seen = (): number => {
    for (const driver of drivers) driver.look();
    return drivers.reduce((sum, { attempts }) => sum + attempts.length, 0);
  };
  for (const wanted = seen() + count; seen() < wanted && !going.isOver; ) await after(10);
}

/** Agents end one after the other, in either way, and come back. @returns How many. */
async function comeAndGo(
  random: Random,
  { cluster, story }: Disturbed,
  drivers: readonly DriverProcess[],
  going: { readonly isOver: boolean },
): Promise<number> {
  let count = 0;
  for (const until = performance.now() + GO_ON_MS; !going.isOver && performance.now() < until; count++) {
    // While something runs.
    await commits(drivers, random.pick([10, 25, 40]), going);
    if (going.isOver) break;
    const name = `a${1 + random.below(AGENTS - 1)}`;
    const signal = random.pick(["SIGKILL", "SIGTERM"] as const);
    story.push(`${signal} of agent ${name}`);
    await cluster.agent(name).end(signal);
    await after(random.pick([0, 300]));
    await cluster.startAgent(name);
  }
  return count;
}
