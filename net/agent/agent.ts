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
import type { AgentLoad } from "../../core/cluster/agent_info.ts";
import { LucioleError } from "../../core/errors.ts";
import { createApp } from "../app.ts";
import type { OnFailure } from "../request_id.ts";
import type { RunningServer, Runtime } from "../runtime/runtime.ts";
import type { TransportTo } from "../worker/attempt_host.ts";
import { AgentJobs } from "./agent_jobs.ts";
import { DetachedDrivers, type DetachedDriversOptions } from "./detached/detached_drivers.ts";
import { addDetachedRoutes, addDriverAccess } from "./detached/detached_routes.ts";
import { addDriverRoutes } from "./driver_routes.ts";
import { type PeerAccess, transportsOf } from "./peer_access.ts";
import type { ProgramCache } from "./programs/program_cache.ts";
import { addProgramRoutes } from "./programs/program_routes.ts";
import { processWorkers } from "./workers/worker_process.ts";
import { addWorkerRoutes } from "./workers/worker_routes.ts";
import type { WorkerStarter } from "./workers/worker_starter.ts";

export interface AgentOptions {
  readonly id: string;
  /** Holds a directory for each job. */
  readonly directory: string;
  /** Workers that it may run at once, over all jobs. */
  readonly slots: number;
  /** What all of its workers may use together. */
  readonly memoryBytes?: number;
  /** What shards and spilled data of all jobs may take; without it nobody looks. */
  readonly diskBytes?: number;
  readonly runtime: Runtime;
  /** How workers are started; by default as child processes that dial a Unix socket. */
  readonly startWorker?: WorkerStarter;
  /** How long a writer is held for readers that stand still. */
  readonly stallMs?: number;
  /** Bytes of small shards that each job may keep in memory here; the rest is written to files. */
  readonly heldBytes?: number;
  /** Those that drivers sent. */
  readonly programs?: ProgramCache;
  /** Told what an operator of the agent may want to know. */
  readonly onNotice?: (text: string) => void;
  /** Told of requests of the network that are refused or fail. */
  readonly onFailure?: OnFailure;
  /** What its workers show to other agents. */
  readonly access?: PeerAccess;
  /** Reaches other agents; by default over TCP, where the order of the job says. */
  readonly transportTo?: TransportTo;
  /** Those that it may run; none when missing. */
  readonly drivers?: Pick<DetachedDriversOptions, "directory" | "most" | "masters" | "cluster" | "keepMs">;
}

export interface Agent {
  /** Every route: for the agent's own workers, and for a driver in its process. */
  readonly app: Hono;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** The routes of drivers and other agents, to be served to the network. */
  readonly remote: Hono;
  /** What masters are told. */
  load(): AgentLoad;
  /** The listener is told when the load is other than before. */
  onChange(listener: () => void): void;
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
  try {
    return assemble(options, app, socket);
  } catch (error) {
    await socket?.close();
    throw error;
  }
}

function assemble(options: AgentOptions, app: Hono, socket: WorkerSocket | undefined): Agent {
  const startWorker = options.startWorker ?? socket?.startWorker;
  if (startWorker === undefined) throw new LucioleError("internal", "Cannot start workers: no way is known");
  let changed = (): void => undefined;
  const jobs = new AgentJobs({
    ...options,
    startWorker,
    transportsOf: transportsOf(options),
    onChange: () => changed(),
  });
  addDriverRoutes(app, jobs);
  addWorkerRoutes(app, jobs, options.access);
  const remote = createApp("agent", options.onFailure);
  addDriverRoutes(remote, jobs, true);
  if (options.programs !== undefined) addProgramRoutes(remote, options.programs);
  const drivers = openDrivers(options, socket?.path, () => changed());
  if (drivers !== undefined) {
    addDetachedRoutes(remote, drivers);
    addDetachedRoutes(app, drivers);
    addDriverAccess(app, drivers);
  }
  const close = async () => {
    try {
      // They end their jobs themselves.
      await drivers?.close();
      await jobs.close();
    } finally {
      await Promise.all([socket?.close(), options.programs?.close()]);
    }
  };
  const abandon = () => {
    drivers?.abandon();
    jobs.abandon();
    socket?.abandon();
  };
  const heldItems: Agent["heldItems"] = (job, attempt, partition) => jobs.heldItems(job, attempt, partition);
  const fetch: Agent["fetch"] = (request) => app.fetch(request);
  const onChange = (listener: () => void): void => {
    changed = listener;
  };
  const load = (): AgentLoad =>
    drivers === undefined ? jobs.load : { ...jobs.load, drivers: drivers.loads, freeDrivers: drivers.free };
  return { app, fetch, remote, load, onChange, heldItems, close, abandon };
}

function openDrivers(
  { id, drivers, programs, runtime, access, onNotice = () => undefined }: AgentOptions,
  socketPath: string | undefined,
  onChange: () => void,
): DetachedDrivers | undefined {
  if (drivers === undefined || programs === undefined || socketPath === undefined) return undefined;
  const environment = process.env;
  return new DetachedDrivers({
    ...{ ...drivers, ...access, id, programs, runtime, socketPath, environment },
    ...{ onChange, onNotice },
  });
}

/** The kernel takes 107, macOS 103. */
const MAX_SOCKET_PATH_BYTES = 100;

interface WorkerSocket {
  readonly path: string;
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
  const removeHome = async (): Promise<void> => {
    if (!isShort) await rm(home, { recursive: true, force: true });
  };
  let server: RunningServer | undefined;
  try {
    const listen = { unixPath: socketPath };
    server = await runtime.serve({ listen, fetch: (request) => app.fetch(request) });
    // Whoever can open it is taken for a worker, whatever the mask of this process lets through.
    if (process.platform !== "win32") await chmod(socketPath, 0o600);
  } catch (error) {
    await server?.stop();
    await removeHome();
    throw error;
  }
  const { stop } = server;
  return {
    path: socketPath,
    startWorker: processWorkers({ runtime, socketPath, environment: process.env }),
    close: async () => {
      await stop();
      await removeHome();
    },
    abandon: () => rmSync(isShort ? socketPath : home, { recursive: true, force: true }),
  };
}
