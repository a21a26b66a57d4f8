/**
 * What the machine at hand has; of a container, what the container has.
 */
import { availableParallelism, homedir, hostname, totalmem } from "node:os";
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
