/**
 * Opens the job of a driver: on this machine, or on a cluster when a master is named; with its checkpoint, if it has one.
 *
 * The program is the same either way. Loads only what the one at hand needs.
 */
import type { RunFlags } from "../../core/program/run_flags.ts";
import type { JobCheckpoint } from "../checkpoint/job_checkpoint.ts";
import { enterDetached } from "./detached/detached.ts";
import type { DriverJob } from "./driver_job.ts";

/** @param signal Ends the wait for room on a cluster. */
export async function openDriverJob(
  flags: RunFlags,
  args: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<DriverJob> {
  // What its program is to agents is known from then on.
  await enterDetached();
  const open = async (checkpoint?: JobCheckpoint): Promise<DriverJob> => {
    const job = await openOn(flags, args, signal, checkpoint);
    if (flags.mostWorkers !== undefined) {
      job.scaler.adaptive({ min: flags.workers ?? 1, max: flags.mostWorkers });
    }
    return job;
  };
  if (flags.checkpoint === undefined) return open();
  const { withCheckpoint } = await import("../checkpoint/open_checkpoint.ts");
  return withCheckpoint({ ...flags, checkpoint: flags.checkpoint }, args, signal, open);
}

async function openOn(
  flags: RunFlags,
  args: readonly string[],
  signal: AbortSignal,
  checkpoint?: JobCheckpoint,
): Promise<DriverJob> {
  const { cluster } = flags;
  if (cluster === undefined) {
    const { openLocalJob } = await import("./local.ts");
    return openLocalJob(flags, args, checkpoint);
  }
  const { openClusterJob } = await import("./cluster/cluster.ts");
  return openClusterJob({ ...flags, cluster }, args, signal, checkpoint);
}
