/**
 * A job on this machine: the real agent in the driver's process, workers as child processes.
 *
 * Wires the agent's app to the driver by an in-memory transport; nothing here decides.
 */
import { randomBytes } from "node:crypto";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import { LOG_LEVELS } from "../../core/program/limits.ts";
import type { RunFlags } from "../../core/program/run_flags.ts";
import type { AgentEvent } from "../../core/schedule/order.ts";
import { type Agent, createAgent } from "../agent/agent.ts";
import { createProgress } from "../program/progress.ts";
import { WORKER_ENV, type WorkerCommand } from "../protocol.ts";
import { applyCodeSetting, CODE_VARIABLE } from "../runtime/code_setting.ts";
import { currentRuntime } from "../runtime/current_runtime.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { AgentClient } from "./agent_client.ts";
import { makeLocalDirectory, removeDirectory } from "./directories.ts";
import { DriverJob } from "./driver_job.ts";
import { Executor } from "./executor.ts";

const AGENT = "local";
/** Share of the machine's memory that operators may use, all workers together. */
const MEMORY_SHARE = 0.5;

/** Opens a job on this machine with its own workers. */
export async function openLocalJob(flags: RunFlags, args: readonly string[]): Promise<DriverJob> {
  if (flags.cluster !== undefined) {
    throw new LucioleError(
      "usage",
      `Cannot use --master ${flags.cluster.masters.join(",")}: this version runs on one machine only`,
    );
  }
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
    const slots = flags.workers ?? availableParallelism();
    agent = await createAgent({ id: AGENT, directory, slots, runtime });
    job = await openOn({ agent, slots, id: `j${suffix}`, directory, flags, args, runtime, close });
    return job;
  } catch (error) {
    await close();
    throw error;
  }
}

interface LocalParts {
  readonly agent: Agent;
  readonly slots: number;
  readonly id: string;
  readonly directory: string;
  readonly flags: RunFlags;
  readonly args: readonly string[];
  readonly runtime: Runtime;
  readonly close: () => Promise<void>;
}

async function openOn(parts: LocalParts): Promise<DriverJob> {
  const { agent, slots: workers, id, flags, runtime } = parts;
  const memoryBytes = flags.memoryBytes ?? Math.floor(machineMemory() * MEMORY_SHARE);
  const client = new AgentClient({
    id: AGENT,
    job: id,
    transport: { fetch: async (path, init) => agent.fetch(new Request(`http://agent${path}`, init)) },
  });
  const memoryBytesPerWorker = Math.floor(memoryBytes / workers);
  const command = workerCommand(runtime.scriptCommand(), memoryBytesPerWorker);
  await client.startJob({ workers, firstWorker: 0, command });
  const messages: ((message: unknown, worker: number) => void)[] = [];
  const progress = createProgress({ isJson: flags.isJson, isQuiet: flags.isQuiet });
  const log = (text: string): void => progress.print(text);
  const executor = new Executor({
    job: id,
    memoryBytesPerWorker,
    listener: {
      onLog: (event) => {
        if (LOG_LEVELS.indexOf(event.level) >= LOG_LEVELS.indexOf(flags.logLevel)) log(logLine(event));
      },
      onWarning: (text) => log(`warning: ${text}`),
      onWorkerMessage: (worker, message) => {
        for (const listener of messages) listener(message, worker);
      },
    },
  });
  executor.addAgent(client, workers);
  return new DriverJob({
    id,
    args: parts.args,
    workers,
    memoryBytes,
    executor,
    local: {
      agent: AGENT,
      directory: join(parts.directory, id),
      heldItems: (attempt, partition) => agent.heldItems(id, attempt, partition),
    },
    log,
    onProgress: (snapshot) => progress.show(snapshot?.groups),
    onWorkerMessage: (listener) => messages.push(listener),
    close: async () => {
      // Each of them whatever becomes of the others, which ends the job all the same.
      await parts.close().finally(() => executor.stop());
      progress.close();
    },
  });
}

/** Of the machine, or of the container where that is less. */
function machineMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}

/** A worker with a budget below this gives memory back to the system as soon as it is free. */
const PLENTY_BYTES = 512 * 2 ** 20;
/**
 * Bun's allocator gives free memory back at once and gets it again page by page, which took a fifth of the time of
 * loops over large columns. The user's own setting counts before it.
 */
const KEEPS_MEMORY = { MIMALLOC_PURGE_DELAY: "-1" };

/** Workers run this very program, in this directory and environment. */
function workerCommand(command: readonly string[], memoryBytes: number): WorkerCommand {
  const environment: Record<string, string> = memoryBytes < PLENTY_BYTES ? {} : { ...KEEPS_MEMORY };
  for (const [name, value] of Object.entries(process.env)) {
    const isPassed = name === CODE_VARIABLE || !name.startsWith("LUCIOLE_");
    if (value !== undefined && isPassed) environment[name] = value;
  }
  const program = process.env[WORKER_ENV.program];
  if (program !== undefined) environment[WORKER_ENV.program] = program;
  return { command, environment, workingDirectory: process.cwd() };
}

function logLine(event: Extract<AgentEvent, { kind: "log" }>): string {
  return `[worker ${event.worker}] ${event.text}`;
}
