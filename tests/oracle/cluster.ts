/**
 * A whole cluster in one process: a driver's job over several real agents, each with its
 * own directory and workers, which reach each other by transports in memory.
 *
 * Nothing here knows what flows compute. Closing a cluster checks that nothing is left.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FlowBuilder } from "../../core/graph/builder.ts";
import type { Dataset, Sink } from "../../core/graph/dataset.ts";
import { flow } from "../../core/program/flow.ts";
import { type Agent, createAgent } from "../../net/agent/agent.ts";
import { workersInProcess } from "../../net/agent/workers/worker_in_process.ts";
import { openCheckpointDirectory } from "../../net/checkpoint/checkpoint_directory.ts";
import { JobCheckpoint } from "../../net/checkpoint/job_checkpoint.ts";
import type { LeaseTimes } from "../../net/driver/agents/agent_watch.ts";
import { DriverJob } from "../../net/driver/driver_job.ts";
import { Executor } from "../../net/driver/executor/executor.ts";
import type { SinkResult } from "../../net/driver/executor/sink_results.ts";
import type { Job } from "../../net/driver/job.ts";
import type { Transport } from "../../net/protocol.ts";
import { applyCodeSetting } from "../../net/runtime/code_setting.ts";
import { currentRuntime } from "../../net/runtime/current_runtime.ts";
import { InProcessFleet } from "./in_process_fleet.ts";

export interface ClusterOptions {
  readonly agents: number;
  /** Slots of each agent; each gets a worker. */
  readonly slots: number;
  /** Of all workers of a job together. */
  readonly memoryBytes?: number;
  /** See the option of the scheduler; so little by default that shards of these tests are divided. */
  readonly minShareBytes?: number;
  /** The driver's way to each agent, which may be made worse; it then needs a lease to break and go on. */
  readonly way?: (transport: Transport) => Transport;
  readonly lease?: LeaseTimes;
  /** Slots of each agent for workers that come later. Default 0. */
  readonly spareSlots?: number;
  /** How many of the agents have no worker at first. Default 0. */
  readonly idleAgents?: number;
  readonly isScalable?: boolean;
  /** Jobs that share the agents, each with workers of its own. Default 1. */
  readonly jobs?: number;
  /** Of small shards that each agent keeps in memory. */
  readonly heldBytes?: number;
  /** Told of what the driver asks of agents, and of what agents answer their workers. */
  readonly onBytes?: (who: "driver" | "worker", path: string, bytes: number) => void;
  readonly checkpoint?: { readonly path: string; readonly isResumed: boolean; readonly program?: string };
}

applyCodeSetting();

const MEMORY_BYTES = 2 ** 30;
/** These tests make tens of thousands of tiny files, which some disks take a millisecond for. */
const SCRATCH = process.env.TMPDIR ?? (existsSync("/dev/shm") ? "/dev/shm" : tmpdir());

/** Builders of the tests by number: workers in this process find the very closures. */
const builders: ((f: FlowBuilder) => Record<string, Dataset<unknown>>)[] = [];
const built = flow("oracle", (f, p: { builder: number }) => builders[p.builder](f));
const sinks: ((f: FlowBuilder) => Sink)[] = [];
const written = flow("oracle-sink", (f, p: { builder: number }) => sinks[p.builder](f));

type RowOf<D> = D extends Dataset<infer T> ? T : never;

export class Cluster implements AsyncDisposable {
  readonly jobs: readonly Job[];
  /** Lines of the job's log, warnings included. */
  readonly logged: string[];
  readonly #agents: readonly Agent[];
  readonly #directory: string;

  private constructor(jobs: readonly Job[], logged: string[], agents: readonly Agent[], directory: string) {
    this.jobs = jobs;
    this.logged = logged;
    this.#agents = agents;
    this.#directory = directory;
  }

  static async open(options: ClusterOptions): Promise<Cluster> {
    const directory = mkdtempSync(join(SCRATCH, "luciole-oracle-"));
    const agents = await startAgents(options, directory);
    const logged: string[] = [];
    const jobs: Job[] = [];
    for (let i = 0; i < (options.jobs ?? 1); i++) {
      jobs.push(await openJob(`oracle${i}`, agents, options, (text) => logged.push(text)));
    }
    return new Cluster(
      jobs,
      logged,
      agents.map(({ agent }) => agent),
      directory,
    );
  }

  get job(): Job {
    return this.jobs[0];
  }

  /** Runs a flow to its end and reads its rows; nothing stays stored. */
  async collect<T>(build: (f: FlowBuilder) => Dataset<T>): Promise<T[]> {
    return (await this.collectAll((f) => ({ rows: build(f) }))).rows;
  }

  /** The same with several outputs, which are the consumers of one execution. */
  async collectAll<R extends Record<string, Dataset<unknown>>>(
    build: (f: FlowBuilder) => R,
  ): Promise<{ [N in keyof R]: RowOf<R[N]>[] }> {
    const handles = await this.job.execute(built, { builder: builders.push(build) - 1 });
    const rows: Record<string, unknown[]> = {};
    for (const [name, handle] of Object.entries(handles)) {
      rows[name] = await handle.collect();
      handle.release();
    }
    return rows as { [N in keyof R]: RowOf<R[N]>[] };
  }

  /** Runs a flow that ends in a sink; tells what was published. */
  async write(build: (f: FlowBuilder) => Sink): Promise<SinkResult> {
    return (await this.job.execute(written, { builder: sinks.push(build) - 1 })).result();
  }

  /** Files of all jobs on all agents, as `agent/job/file`. */
  files(): readonly string[] {
    return readdirSync(this.#directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.#directory.length + 1));
  }

  /** Deletes one of these files, as a disk may. */
  destroy(file: string): void {
    rmSync(join(this.#directory, file));
  }

  /** Ends all agents under their jobs. */
  async endAgents(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.close()));
  }

  /** @throws {Error} If a job left a file or directory behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.jobs.map((job) => job.close()));
    const left = readdirSync(this.#directory).flatMap((agent) => readdirSync(join(this.#directory, agent)));
    await this.endAgents();
    rmSync(this.#directory, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`Cannot close the cluster cleanly: ${left.join(", ")} is left`);
  }
}

/** Room for a few small shards: some lie in memory, and others in files, also within one execution. */
const HELD_BYTES = 4096;

interface StartedAgent {
  readonly id: string;
  readonly agent: Agent;
  readonly transport: Transport;
}

async function startAgents(options: ClusterOptions, directory: string): Promise<StartedAgent[]> {
  const transports = new Map<string, Transport>();
  const started: StartedAgent[] = [];
  for (let i = 0; i < options.agents; i++) {
    const id = `agent${i}`;
    const agent: Agent = await createAgent({
      id,
      directory: join(directory, id),
      slots: (options.slots + (options.spareSlots ?? 0)) * (options.jobs ?? 1),
      runtime: await currentRuntime(),
      heldBytes: options.heldBytes ?? HELD_BYTES,
      transportTo: (other) => transports.get(other),
      startWorker: workersInProcess({
        fetch: async (request) => {
          const { pathname } = new URL(request.url);
          const response = await agent.fetch(request);
          if (options.onBytes === undefined || !pathname.endsWith("/next")) return response;
          const body = await response.arrayBuffer();
          options.onBytes("worker", pathname, body.byteLength);
          return new Response(body, response);
        },
        transportTo: (other) => transports.get(other),
      }),
    });
    const transport: Transport = {
      fetch: async (path, init) => {
        const { body } = init ?? {};
        options.onBytes?.("driver", path, body instanceof Uint8Array ? body.byteLength : 0);
        return agent.fetch(new Request(`http://${id}${path}`, init));
      },
    };
    transports.set(id, transport);
    started.push({ id, agent, transport });
  }
  return started;
}

async function checkpointOf(
  { checkpoint }: ClusterOptions,
  log: (text: string) => void,
): Promise<JobCheckpoint | undefined> {
  if (checkpoint === undefined) return undefined;
  const directory = await openCheckpointDirectory({
    ...checkpoint,
    opened: { kind: "opened", version: "1", program: checkpoint.program ?? "oracle", args: [] },
    log,
    warn: (text) => log(`warning: ${text}`),
    signal: new AbortController().signal,
  });
  return new JobCheckpoint(directory, { log });
}

async function openJob(
  job: string,
  agents: readonly StartedAgent[],
  options: ClusterOptions,
  log: (text: string) => void,
): Promise<Job> {
  const { slots, memoryBytes = MEMORY_BYTES, minShareBytes = 64, spareSlots = 0, idleAgents = 0 } = options;
  const { lease, way = (transport: Transport) => transport } = options;
  const busy = agents.slice(0, agents.length - idleAgents);
  const workers = busy.length * slots;
  const memoryBytesPerWorker = Math.floor(memoryBytes / workers);
  const checkpoint = await checkpointOf(options, log);
  const executor = new Executor({
    job,
    memoryBytesPerWorker,
    minShareBytes,
    keeper: checkpoint,
    ...(lease && { lease }),
    listener: {
      onLog: (event) => log(event.text),
      onWarning: (text) => log(`warning: ${text}`),
      record: () => undefined,
    },
  });
  const reached = agents.map(({ id, transport }) => ({ id, transport: way(transport) }));
  const fleet = new InProcessFleet({ job, agents: reached, slots: slots + spareSlots, executor, lease });
  const first = await fleet.start(busy.flatMap(({ id }) => Array.from({ length: slots }, () => id)));
  executor.addWorkers(first.workers, first.clients);
  return new DriverJob({
    id: job,
    args: [],
    fleet,
    isScalable: options.isScalable ?? true,
    memoryBytes: () => executor.members.size * memoryBytesPerWorker,
    executor,
    checkpoint,
    log,
    record: () => undefined,
    onProgress: () => undefined,
    close: async (end) => {
      await Promise.all(executor.agents.map((client) => client.endJob(end)));
      await executor.stop();
    },
  });
}
