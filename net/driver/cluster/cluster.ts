/**
 * A job on a cluster: a master says where there is room, agents run its workers, and the driver dials all of them.
 *
 * Nobody dials the driver, so it may be anywhere. What its death leaves on the agents goes when its lease has run out.
 */
import process from "node:process";
import type { PlacementRequest } from "../../../core/cluster/placement.ts";
import { MAX_WORKERS } from "../../../core/program/limits.ts";
import type { ClusterFlags, RunFlags } from "../../../core/program/run_flags.ts";
import type { JobCheckpoint } from "../../checkpoint/job_checkpoint.ts";
import { localProgram } from "../../program/local_program.ts";
import { applyCodeSetting } from "../../runtime/code_setting.ts";
import { toleratesFaults } from "../../runtime/fault_setting.ts";
import { userAtHost } from "../../runtime/machine.ts";
import { enterDetached } from "../detached/detached.ts";
import { DriverJob } from "../driver_job.ts";
import { Executor } from "../executor/executor.ts";
import { newJobId } from "../job_name.ts";
import { createJobOutput } from "../job_output.ts";
import { ClusterFleet } from "../members/cluster_fleet.ts";
import { openClusterAccess } from "./cluster_access.ts";
import { JobSeats } from "./job_seats.ts";
import { takeSeats } from "./seats.ts";

/** An agent that is silent for so long has lost its part of the job. */
const LOST_MS = 10_000;
type ClusterRunFlags = RunFlags & { readonly cluster: ClusterFlags };

/**
 * Opens a job with workers of a cluster.
 *
 * @param signal Gives up while it waits for room.
 */
export async function openClusterJob(
  flags: ClusterRunFlags,
  args: readonly string[],
  signal: AbortSignal,
  checkpoint?: JobCheckpoint,
): Promise<DriverJob> {
  applyCodeSetting();
  const detached = await enterDetached();
  const access = detached?.access ?? (await openClusterAccess(flags.cluster));
  // Without a program no room is asked for, which would be kept for nothing.
  await localProgram();
  const id = detached?.nextJobId() ?? newJobId();
  const output = createJobOutput(flags);
  const seats = new JobSeats({ job: id, flags, access, signal, driver: detached?.sender ?? userAtHost() });
  const request = requestOf(id, flags);
  const grants = await takeSeats({
    request,
    place: (request, waitMs) => access.master.place(request, { waitMs, signal }),
    start: (grants) => seats.start(grants),
    isPatient: flags.cluster.isPatient,
    isMasterKnown: detached !== undefined,
    onNotice: (text) => output.parts.log(text),
    signal,
  });
  const { memoryBytesPerWorker, leaseMs } = seats;
  const lease = { leaseMs, lostMs: LOST_MS };
  const { speculates } = flags;
  const { listener } = output;
  const executor = new Executor({
    job: id,
    memoryBytesPerWorker,
    listener,
    lease,
    speculates,
    keeper: checkpoint,
  });
  const { workers, clients } = seats.enlisted(grants, 0);
  executor.addWorkers(workers, clients);
  const onExit = (): void => job.sweep();
  process.once("exit", onExit);
  const job = new DriverJob({
    id,
    args,
    fleet: new ClusterFleet({ access, executor, seats, request, log: output.parts.log }),
    isScalable: flags.isFixed !== true,
    replacesLost: toleratesFaults && flags.symmetric === undefined,
    memoryBytes: () => executor.members.size * memoryBytesPerWorker,
    executor,
    checkpoint,
    ...output.parts,
    close: async (end) => {
      process.off("exit", onExit);
      const untold = (agent: string): void => {
        // Of those that were lost it is told already.
        if (!executor.agents.some(({ id: there }) => there === agent)) return;
        const seconds = Math.round(leaseMs / 1000);
        const text = `agent ${agent} cannot be told that the job is over, and ends it within ${seconds} s`;
        output.parts.log(`warning: ${text}`);
      };
      await seats.end(end, untold).finally(() => executor.stop());
      output.close();
    },
  });
  return job;
}

function requestOf(
  job: string,
  { workers, mostWorkers, memoryBytes, cluster }: ClusterRunFlags,
): PlacementRequest {
  const { dataCenter, rack, labels } = cluster;
  return {
    job,
    // Without a number it takes what there is.
    workers: workers ?? MAX_WORKERS,
    leastWorkers: workers ?? 1,
    // 0: what the agents have for each slot.
    memoryBytes:
      workers === undefined || memoryBytes === undefined
        ? 0
        : Math.floor(memoryBytes / (mostWorkers ?? workers)),
    ...(dataCenter === undefined ? {} : { dataCenter }),
    ...(rack === undefined ? {} : { rack }),
    ...(labels === undefined ? {} : { labels }),
  };
}
