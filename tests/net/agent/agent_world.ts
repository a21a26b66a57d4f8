/**
 * An agent in memory for tests: a driver's and a worker's requests as functions, and
 * workers that do what the test says.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { WireError } from "../../../core/errors.ts";
import type { AgentEvent, TaskOrder } from "../../../core/schedule/attempts/order.ts";
import { type AttemptResult, NO_TOTALS } from "../../../core/schedule/report.ts";
import { type Agent, type AgentOptions, createAgent } from "../../../net/agent/agent.ts";
import { ProgramCache } from "../../../net/agent/programs/program_cache.ts";
import { workersInProcess } from "../../../net/agent/workers/worker_in_process.ts";
import type { StartedWorker, WorkerStart } from "../../../net/agent/workers/worker_starter.ts";
import { decode, encode } from "../../../net/cbor.ts";
import { readSequence } from "../../../net/cbor_sequence.ts";
import { clusterAccess } from "../../../net/driver/cluster/cluster_access.ts";
import {
  type NextReply,
  type PerformedAttempt,
  PROTOCOL,
  PROTOCOL_HEADER,
  ROUTES,
} from "../../../net/protocol.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import { orderOf } from "../../core/agent/orders.ts";

export const JOB = "j1";

export const COMMITTED: AttemptResult = { kind: "committed", shard: { partitions: [] }, totals: NO_TOTALS };

/** With memory enough to run. */
export function order(attempt: string, changes: Partial<TaskOrder> = {}): TaskOrder {
  return orderOf(attempt, { memoryBytes: 1 << 20, ...changes });
}

/** A worker that exists on paper: the test asks in its place and ends it. */
export interface ScriptedWorker {
  readonly start: WorkerStart;
  readonly signals: string[];
  exit(cause: string): void;
}

export interface AgentWorldOptions {
  /** Where its directory is made. */
  readonly home?: string;
  readonly slots?: number;
  readonly stallMs?: number;
  readonly heldBytes?: number;
  /** Default: scripted. */
  readonly workers?: "scripted" | "process" | "memory";
  readonly command?: readonly string[];
  /** Detached drivers that it runs at a time, with workers that are processes; a driver is this command. */
  readonly drivers?: DriversOfWorld;
}

export interface DriversOfWorld {
  readonly most: number;
  readonly command: readonly string[];
  /** "host:port". */
  readonly masters?: readonly string[];
  /** For how long what became of one is kept. */
  readonly keepMs?: number;
}

export class AgentWorld {
  readonly agent: Agent;
  readonly directory: string;
  /** The scripted ones, in the order of their starts. */
  readonly workers: ScriptedWorker[];
  readonly #command: readonly string[];

  private constructor(
    agent: Agent,
    directory: string,
    workers: ScriptedWorker[],
    command: readonly string[] = ["none"],
  ) {
    this.agent = agent;
    this.directory = directory;
    this.workers = workers;
    this.#command = command;
  }

  static async open(options: AgentWorldOptions = {}): Promise<AgentWorld> {
    const directory = await mkdtemp(join(options.home ?? tmpdir(), "luciole-test-"));
    const scripted: ScriptedWorker[] = [];
    const inMemory = workersInProcess({ fetch: (request) => agent.fetch(request) });
    const starters = {
      scripted: (start: WorkerStart) => startScripted(start, scripted),
      memory: inMemory,
      process: undefined,
    };
    const startWorker = starters[options.workers ?? "scripted"];
    const agent: Agent = await createAgent({
      id: "a1",
      directory,
      slots: options.slots ?? 4,
      runtime: await currentRuntime(),
      ...(options.stallMs === undefined ? {} : { stallMs: options.stallMs }),
      ...(options.heldBytes === undefined ? {} : { heldBytes: options.heldBytes }),
      ...(startWorker === undefined ? {} : { startWorker }),
      ...(options.drivers === undefined ? {} : await withDrivers(directory, options.drivers)),
    });
    return new AgentWorld(agent, directory, scripted, options.command);
  }

  /** Ends everything; returns the files that were left. */
  async close(): Promise<string[]> {
    await this.agent.close();
    const left = await readdir(this.directory);
    await rm(this.directory, { recursive: true, force: true });
    return left;
  }

  async request(method: string, path: string, body?: unknown, raw?: Uint8Array): Promise<Response> {
    const bytes = raw ?? (body === undefined ? undefined : encode(body));
    const init: RequestInit = { method, headers: { [PROTOCOL_HEADER]: String(PROTOCOL) } };
    if (bytes !== undefined) init.body = bytes as Uint8Array<ArrayBuffer>;
    return await this.agent.fetch(new Request(`http://agent${path}`, init));
  }

  /** @throws {Error} Naming status and message, when the answer is an error. */
  async call(method: string, path: string, body?: unknown, raw?: Uint8Array): Promise<unknown> {
    const response = await this.request(method, path, body, raw);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const answer = bytes.byteLength === 0 ? undefined : decode(bytes);
    if (response.ok) return answer;
    throw new Error(`${response.status} ${(answer as WireError).code}: ${(answer as WireError).message}`);
  }

  /** A request of the network. */
  async remotely(method: string, path: string, body?: unknown): Promise<Response> {
    const init = { method, headers: { [PROTOCOL_HEADER]: String(PROTOCOL) } };
    const sent = body === undefined ? init : { ...init, body: encode(body) as Uint8Array<ArrayBuffer> };
    return await this.agent.remote.fetch(new Request(`http://agent${path}`, sent));
  }

  async startJob(workers = 1): Promise<void> {
    const command = { command: this.#command, environment: {}, workingDirectory: process.cwd() };
    await this.call("PUT", ROUTES.job(JOB), { workers, firstWorker: 0, command });
  }

  async enqueue(...orders: TaskOrder[]): Promise<void> {
    await this.call("POST", ROUTES.attempts(JOB), { orders });
  }

  async next(worker: number, ended?: PerformedAttempt): Promise<NextReply> {
    const body = { job: JOB, ...(ended === undefined ? {} : { ended }) };
    return (await this.call("POST", ROUTES.next(worker), body)) as NextReply;
  }

  async events(): Promise<EventReader> {
    const response = await this.request("GET", ROUTES.events(JOB));
    if (response.body === null) throw new Error("no events");
    return new EventReader(response.body);
  }
}

async function withDrivers(
  directory: string,
  { most, command, masters = [], keepMs }: DriversOfWorld,
): Promise<Pick<AgentOptions, "programs" | "drivers">> {
  const own = { command, version: "1.0.0", platform: "linux-x64" };
  const cache = { agent: "a1", directory: join(directory, "programs"), maxBytes: 1e6, own };
  const cluster = clusterAccess(await currentRuntime(), masters, {});
  return {
    programs: await ProgramCache.create(cache),
    drivers: {
      directory: join(directory, "drivers"),
      most,
      masters,
      cluster,
      ...(keepMs === undefined ? {} : { keepMs }),
    },
  };
}

function startScripted(start: WorkerStart, workers: ScriptedWorker[]): StartedWorker {
  let hasExited = false;
  const signals: string[] = [];
  const exit = (cause: string) => {
    if (!hasExited) queueMicrotask(() => start.onExit(cause));
    hasExited = true;
  };
  workers.push({ start, signals, exit });
  const send = (signal: string) => {
    signals.push(signal);
    exit(`was ended by signal ${signal}`);
  };
  return { terminate: () => send("SIGTERM"), kill: () => send("SIGKILL") };
}

/** Events in order; `until` reads on to the first one of a kind. */
export class EventReader {
  readonly seen: AgentEvent[] = [];
  readonly #events: AsyncGenerator<unknown>;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#events = readSequence(body);
  }

  async until<K extends AgentEvent["kind"]>(kind: K): Promise<Extract<AgentEvent, { kind: K }>> {
    for (;;) {
      const { done, value } = await this.#events.next();
      if (done === true) throw new Error(`No ${kind} among ${JSON.stringify(this.seen).slice(0, 2000)}`);
      const event = value as AgentEvent;
      this.seen.push(event);
      if (event.kind === kind) return event as Extract<AgentEvent, { kind: K }>;
    }
  }
}
