/**
 * A job on this machine: the real agent in the driver's process, workers as child processes.
 *
 * Wires the agent's app to the driver by an in-memory transport; nothing here decides.
 */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { RunFlags } from "../../core/program/run_flags.ts";
import { type Agent, createAgent } from "../agent/agent.ts";
import type { JobCheckpoint } from "../checkpoint/job_checkpoint.ts";
import { LOCAL_AGENT, type WorkerCommand } from "../protocol.ts";
import { applyCodeSetting } from "../runtime/code_setting.ts";
import { currentRuntime } from "../runtime/current_runtime.ts";
import { machineMemory } from "../runtime/machine.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { AgentClient } from "./agents/agent_client.ts";
import { ownEnvironment } from "./agents/worker_environment.ts";
import { makeLocalDirectory, removeDirectory } from "./directories.ts";
import { DriverJob } from "./driver_job.ts";
import { Executor } from "./executor/executor.ts";
import { createJobOutput } from "./job_output.ts";
import { LocalFleet, localWorkers, mostLocalWorkers } from "./members/local_fleet.ts";

/** Share of the machine's memory that operators may use, all workers together. */
const MEMORY_SHARE = 0.5;

/** Opens a job on this machine with its own workers. */
export async function openLocalJob(
  flags: RunFlags,
  args: readonly string[],
  checkpoint?: JobCheckpoint,
): Promise<DriverJob> {
  applyCodeSetting();
  const runtime = await currentRuntime();
  const suffix = randomBytes(6).toString("hex");
  const directory = makeLocalDirectory(suffix);
  let agent: Agent | undefined;
  let job: DriverJob | undefined;
  const onExit = (): void => {
    agent?.abandon();
    job?.sweep();
    removeDirectory(directory);
  };
  process.once("exit", onExit);
  const close = async (): Promise<void> => {
    try {
      await agent?.close();
    } finally {
      process.off("exit", onExit);
      removeDirectory(directory);
    }
  };
  try {
    const cores = availableParallelism();
    const workers = flags.workers ?? cores;
    const slots = mostLocalWorkers(cores, flags.mostWorkers ?? workers);
    agent = await createAgent({ id: LOCAL_AGENT, directory, slots, runtime });
    job = await openOn({
      agent,
      workers,
      slots,
      id: `j${suffix}`,
      directory,
      flags,
      args,
      runtime,
      close,
      checkpoint,
    });
    return job;
  } catch (error) {
    await close();
    throw error;
  }
}

interface LocalParts {
  readonly agent: Agent;
  readonly workers: number;
  /** That the job may have after scaling up. */
  readonly slots: number;
  readonly id: string;
  readonly directory: string;
  readonly flags: RunFlags;
  readonly args: readonly string[];
  readonly runtime: Runtime;
  readonly close: () => Promise<void>;
  readonly checkpoint: JobCheckpoint | undefined;
}

async function openOn(parts: LocalParts): Promise<DriverJob> {
  const { agent, checkpoint, workers, slots, id, flags, runtime } = parts;
  const memoryBytes = flags.memoryBytes ?? Math.floor(machineMemory() * MEMORY_SHARE);
  const client = new AgentClient({
    id: LOCAL_AGENT,
    job: id,
    transport: { fetch: async (path, init) => agent.fetch(new Request(`http://agent${path}`, init)) },
  });
  // They run this very program, in this directory and environment.
  const commandFor = (count: number): WorkerCommand => ({
    command: runtime.scriptCommand(),
    environment: ownEnvironment(Math.floor(memoryBytes / count)),
    workingDirectory: process.cwd(),
  });
  await client.startJob({ workers, firstWorker: 0, command: commandFor(workers) });
  const output = createJobOutput(flags);
  const executor = new Executor({
    job: id,
    memoryBytesPerWorker: memoryBytes,
    memoryBytes,
    listener: output.listener,
    keeper: checkpoint,
  });
  executor.addWorkers(localWorkers(0, workers), [client]);
  return new DriverJob({
    id,
    args: parts.args,
    fleet: new LocalFleet({ client, commandFor, members: executor.members, mostWorkers: slots }),
    isScalable: flags.isFixed !== true,
    memoryBytes: () => memoryBytes,
    executor,
    checkpoint,
    local: {
      agent: LOCAL_AGENT,
      directory: join(parts.directory, id),
      heldItems: (attempt, partition) => agent.heldItems(id, attempt, partition),
    },
    ...output.parts,
    close: async () => {
      // Each of them whatever becomes of the others, which ends the job all the same.
      await parts.close().finally(() => executor.stop());
      output.close();
    },
  });
}
