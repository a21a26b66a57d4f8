/**
 * Who owns what is left on a disk: processes, and where their numbers mean the same.
 *
 * Hosts and containers may share a directory, and each of them has processes of the same numbers.
 */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";

/** Name of the host and its process namespace. */
export function processSpace(): string {
  let namespace = "";
  try {
    namespace = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Only Linux has several on one host.
  }
  return createHash("sha256").update(`${hostname()} ${namespace}`).digest("hex").slice(0, 8);
}

/** Whether a process of this space is there, anybody's; one that has ended and that nobody has waited for is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return statOf(pid)[0] !== "Z";
  } catch (error) {
    // EPERM: there is such a process, but it is somebody else's.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** What tells a process from a later one of the same number; empty where the system does not tell. */
export function startOf(pid: number): string {
  // In clock ticks.
  return statOf(pid)[19] ?? "";
}

/** State, parent and so on, see proc(5); nothing where the system does not tell. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before may hold anything, the last parenthesis ends it.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}
