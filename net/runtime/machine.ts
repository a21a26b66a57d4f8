/**
 * What the machine at hand has; of a container, what the container has.
 */
import { availableParallelism, homedir, hostname, totalmem, userInfo } from "node:os";
import process from "node:process";
import type { Machine } from "../../core/cluster/config.ts";

export function thisMachine(): Machine {
  return {
    hostname: hostname(),
    home: homedir(),
    cores: availableParallelism(),
    memoryBytes: machineMemory(),
  };
}

/** Of the machine, or of the container where that is less. */
export function machineMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}

/** "user@host", for people. */
export function userAtHost(): string {
  return `${userName()}@${hostname()}`;
}

function userName(): string | number {
  const { USER, LOGNAME } = process.env;
  const told = USER || LOGNAME;
  if (told) return told;
  try {
    const { username, uid } = userInfo();
    // Bun knows no names but those of the environment.
    if (username !== "unknown") return username;
    return uid === 0 ? "root" : uid;
  } catch {
    // A container may run as a user that its system does not know.
    return "unknown";
  }
}
