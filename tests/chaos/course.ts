/**
 * In which phase a job is, by what can be seen of it from outside.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cluster } from "../e2e/cluster.ts";
import type { DriverProcess } from "./driver_process.ts";
import type { Phase } from "./scenario.ts";

/** How many tasks each group has when nobody disturbs it. */
export type Course = readonly number[];

/** The course that a driver took. */
export function courseOf(driver: DriverProcess): Course {
  driver.look();
  const groups = Math.max(...driver.attempts.map(({ group }) => group)) + 1;
  return Array.from({ length: groups }, (_, group) => driver.committed(group));
}

/** Whether a job has come as far as a phase. */
export function hasReached(phase: Phase, driver: DriverProcess, cluster: Cluster, course: Course): boolean {
  const last = course.length - 1;
  switch (phase) {
    case "waiting":
      return driver.stderr.includes("waiting: ");
    case "shipping":
      return [...cluster.agents.keys()].some((name) => hasProgram(cluster.directoryOf(name)));
    case "starting":
      return workersOf(cluster).length > 0;
    case "first":
      return driver.committed(0) > 0;
    case "shuffle":
      return driver.committed(0) >= course[0];
    case "last":
      return driver.committed(last) > 0;
    case "publishing":
      return driver.committed(last) >= course[last];
    case "closing":
      return driver.stdout.includes("written: ");
  }
}

function hasProgram(directory: string): boolean {
  const programs = join(directory, "programs");
  return existsSync(programs) && readdirSync(programs).some((name) => name !== "hashes");
}

/** Processes that agents have started. */
export function workersOf(cluster: Cluster): readonly number[] {
  return [...cluster.agents.values()].flatMap(({ isThere, child }) => (isThere ? childrenOf(child.pid) : []));
}

function childrenOf(pid: number): readonly number[] {
  const tasks = `/proc/${pid}/task`;
  try {
    return readdirSync(tasks).flatMap((task) =>
      readFileSync(join(tasks, task, "children"), "utf8")
        .trim()
        .split(" ")
        .filter(Boolean)
        .map(Number),
    );
  } catch {
    // It ended meanwhile.
    return [];
  }
}
