/**
 * Whether the system has killed processes for want of memory: it tells nobody but its counters.
 *
 * Linux only; elsewhere it is never known.
 */
import { readFileSync } from "node:fs";

/** Of this control group, and of the machine; those of a container count in both. */
const COUNTERS = ["/sys/fs/cgroup/memory.events", "/proc/vmstat"] as const;
const LINE = /^oom_kill (\d+)$/m;

/** How many processes it has killed so far. */
export function memoryKills(read: (path: string) => string = readText): number {
  let kills = 0;
  for (const path of COUNTERS) kills = Math.max(kills, Number(LINE.exec(read(path))?.[1] ?? 0));
  return kills;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
