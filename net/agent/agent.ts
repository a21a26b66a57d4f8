/**
 * The agent as a hono app: jobs of one host, their workers and shards.
 *
 * Drivers and workers use the same app; who may use which route is the business of
 * whoever serves it. Knows no runtime beyond the port that it is given.
 */
import { Buffer } from "node:buffer";
import { rmSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Hono } from "hono";
import { LucioleError } from "../../core/errors.ts";
import { createApp } from "../app.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { AgentJobs } from "./agent_jobs.ts";
import { addDriverRoutes } from "./driver_routes.ts";
import { processWorkers } from "./worker_process.ts";
import { addWorkerRoutes } from "./worker_routes.ts";
import type { WorkerStarter } from "./worker_starter.ts";

export interface AgentOptions {
  readonly id: string;
  /** Holds a directory for each job. */
  readonly directory: string;
  /** Workers that it may run at once, over all jobs. */
  readonly slots: number;
  readonly runtime: Runtime;
  /** How workers are started; by default as child processes that dial a Unix socket. */
  readonly startWorker?: WorkerStarter;
  /** How long a writer is held for readers that stand still. */
  readonly stallMs?: number;
  /** Bytes of small shards that each job may keep in memory here; the rest is written to files. */
  readonly heldBytes?: number;
}

export interface Agent {
  readonly app: Hono;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** For readers in this process: the batches of a small shard that lies in memory; -1 for all partitions. */
  heldItems(job: string, attempt: string, partition: number): Uint8Array | undefined;
  /** Ends every job: no process, file or socket of it is left. Safe to call twice. */
  close(): Promise<void>;
  /** For a process that is about to end: kills the workers and deletes the socket, without waiting. */
  abandon(): void;
}

export async function createAgent(options: AgentOptions): Promise<Agent> {
  const app = createApp("agent");
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const socket = options.startWorker === undefined ? await openSocket(options, app) : undefined;
  const startWorker = options.startWorker ?? socket?.startWorker;
  if (startWorker === undefined) throw new LucioleError("internal", "Cannot start workers: no way is known");
  const jobs = new AgentJobs({ ...options, startWorker });
  addDriverRoutes(app, jobs);
  addWorkerRoutes(app, jobs);
  const close = async () => {
    try {
      await jobs.close();
    } finally {
      await socket?.close();
    }
  };
  const abandon = () => {
    jobs.abandon();
    socket?.abandon();
  };
  const heldItems: Agent["heldItems"] = (job, attempt, partition) => jobs.heldItems(job, attempt, partition);
  return { app, fetch: (request) => app.fetch(request), heldItems, close, abandon };
}

/** The kernel takes 107, macOS 103. */
const MAX_SOCKET_PATH_BYTES = 100;

interface WorkerSocket {
  readonly startWorker: WorkerStarter;
  close(): Promise<void>;
  abandon(): void;
}

/** Opens the Unix socket that workers dial. */
async function openSocket({ directory, runtime }: AgentOptions, app: Hono): Promise<WorkerSocket> {
  const name = `agent-${process.pid}.sock`;
  const isShort = Buffer.byteLength(join(directory, name)) <= MAX_SOCKET_PATH_BYTES;
  const home = isShort ? directory : await mkdtemp(join(tmpdir(), "luciole-"));
  const socketPath = join(home, name);
  const server = await runtime.serve({
    listen: { unixPath: socketPath },
    fetch: (request) => app.fetch(request),
  });
  // Whoever can open it is taken for a worker, whatever the mask of this process lets through.
  if (process.platform !== "win32") await chmod(socketPath, 0o600);
  return {
    startWorker: processWorkers({ runtime, socketPath, environment: process.env }),
    close: async () => {
      await server.stop();
      if (!isShort) await rm(home, { recursive: true, force: true });
    },
    abandon: () => rmSync(isShort ? socketPath : home, { recursive: true, force: true }),
  };
}
