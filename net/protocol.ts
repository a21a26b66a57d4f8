/**
 * The one versioned contract between drivers, agents and workers.
 *
 * HTTP with CBOR bodies; streams are CBOR sequences (`application/cbor-seq`). An
 * error is answered with its status and a WireError as body. Every request carries
 * the header `luciole-protocol: <PROTOCOL>`; another version is refused with 426.
 * Ids on the wire match ID_PATTERN and are never used as paths unchecked.
 */
import type { Frame, Letter, Parcel, Receipt } from "../core/messages/letter.ts";
import type { ShardPiece } from "../core/plan/physical.ts";
import type { ProgramRef } from "../core/program_blocks/program_ref.ts";
import type { Definitions, TaskOrder, WorkerDefinitions } from "../core/schedule/attempts/order.ts";
import type { AttemptResult, TaskReport } from "../core/schedule/report.ts";
import type { ClientTls } from "./runtime/runtime.ts";
import type { HeldShard } from "./store/held_shard.ts";

export const PROTOCOL = 1;
export const PROTOCOL_HEADER = "luciole-protocol";
/** Names a request in the logs of both sides: an id, echoed in the answer and told with errors. */
export const REQUEST_HEADER = "luciole-request";
export const CBOR = "application/cbor";
export const CBOR_SEQUENCE = "application/cbor-seq";
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/** The agent of a job that runs on its driver's machine alone. */
export const LOCAL_AGENT = "local";

/** How an agent starts a worker of a job: the same executable, or a runtime with the user's script. */
export interface WorkerCommand {
  readonly command: readonly string[];
  /** Environment beside the agent's allow-list. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
}

/** Body of `PUT /v1/jobs/:job`: starts the job's workers on this agent at once. */
export interface JobOrder {
  readonly workers: number;
  /** Number of the first worker; the others follow. */
  readonly firstWorker: number;
  readonly command: WorkerCommand;
  /** One that was sent to the agent; its own command and environment come in the place of those of `command`. */
  readonly program?: ProgramRef;
  /** What people call the job, and who runs it ("user@host"); for lists of jobs. */
  readonly name?: string;
  readonly driver?: string;
  /** Of all of its workers here; for lists of jobs, and for placement. */
  readonly memoryBytes?: number;
  /** The agent ends the job when its driver has asked for nothing for so long; without it, only when it is told. */
  readonly leaseMs?: number;
  /** "host:port" of every agent of the job, by id: where workers read shards of the others. A later order replaces it. */
  readonly peers?: Readonly<Record<string, string>>;
  /** The agent has workers of the job already: a process that has none is another one, and starts none. */
  readonly isMore?: true;
}

/** Body of `POST /v1/jobs/:job/lease`: the driver is there. */
export interface LeaseRequest {
  /** Events that the driver has; the agent may forget them. */
  readonly acknowledged: number;
}

/** Its answer. */
export interface LeaseReply {
  /** Events that there are so far; those that the driver does not get in time are on a connection that is dead. */
  readonly told: number;
}

/** Body of `POST /v1/jobs/:job/retire`: removes workers; each is told as left when it is gone. */
export interface RetireRequest {
  readonly workers: readonly number[];
  /** What they may take to end the tasks that they hold. */
  readonly graceMs: number;
}

/** Body of `PUT /v1/jobs/:job/peers`: "host:port" of every agent of the job, by id. */
export interface PeersRequest {
  /** Grows with each agent that comes or goes: what is older than what is known counts for nothing. */
  readonly version: number;
  readonly peers: Readonly<Record<string, string>>;
}

/** Answer of `GET /v1/workers/:worker/peers?job=…`. */
export interface PeersReply {
  /** "host:port" of every agent of the job, by id. */
  readonly peers: Readonly<Record<string, string>>;
  /** Of this job alone, and of a while: to be shown to them. */
  readonly token?: string;
  readonly tls?: ClientTls;
}

/** Body of `POST /v1/jobs/:job/attempts`: queued, and given to workers in this order. */
export interface AttemptsRequest extends Partial<Definitions> {
  readonly orders: readonly TaskOrder[];
  /** What is released once the orders are queued. */
  readonly release?: ReleaseRequest;
}

/** Body of `POST /v1/jobs/:job/cancel`. */
export interface CancelRequest {
  readonly attempts: readonly string[];
}

/** Body of `POST /v1/jobs/:job/release`: deletes shards, and forgets executions and plans. */
export interface ReleaseRequest {
  readonly attempts: readonly string[];
  readonly executions: readonly string[];
  readonly templates?: readonly string[];
}

/** Body of `POST /v1/jobs/:job/messages`: for workers of the agent. Those for workers that are not there are passed over. */
export interface MessagesRequest {
  /** Each once, however many workers it is for. */
  readonly letters: readonly Letter[];
  readonly parcels: readonly WorkerParcel[];
}

export interface WorkerParcel {
  readonly worker: number;
  readonly life: string;
  /** A frame whose letters are told by their places in the list. */
  readonly frame?: Omit<Frame, "letters" | "life"> & { readonly letters: readonly number[] };
  readonly receipt?: Receipt;
}

/** How an attempt ended. */
export interface PerformedAttempt {
  readonly attempt: string;
  readonly result: AttemptResult;
  /** Its shard, when it is so small that no file was made for it; the agent keeps it. */
  readonly held?: HeldShard;
}

/** Body of `POST /v1/workers/:worker/next`; the answer is held until there is an order. */
export interface NextRequest {
  readonly job: string;
  readonly ended?: PerformedAttempt;
  /** What was not reported yet; comes before `ended`. */
  readonly events?: readonly WorkerReport[];
  /** The worker's process is no longer sound and ends: the answer is `stop`, and another worker takes its place. */
  readonly isLeaving?: true;
}

export type NextReply =
  /** `more` are short tasks, to be performed after it one by one; they are told of together. */
  | {
      readonly kind: "order";
      readonly order: TaskOrder;
      readonly more?: readonly TaskOrder[];
      readonly definitions?: WorkerDefinitions;
    }
  /** Nothing for now: ask again. */
  | { readonly kind: "wait" }
  | { readonly kind: "stop" };

/** Body of `POST /v1/workers/:worker/report`. */
export interface ReportRequest {
  readonly job: string;
  readonly events: readonly WorkerReport[];
}

export type WorkerReport =
  | { readonly kind: "started"; readonly attempt: string }
  | { readonly kind: "progress"; readonly attempt: string; readonly totals: TaskReport }
  | {
      readonly kind: "log";
      readonly attempt?: string;
      readonly level: "debug" | "info" | "warn" | "error";
      readonly text: string;
    }
  /** Messages for the driver, and what was heard of it. */
  | { readonly kind: "parcel"; readonly parcel: Parcel }
  /** One of several attempts that it was given; the last one is told by `next`. */
  | ({ readonly kind: "ended" } & PerformedAttempt)
  /** Attempts that it was given and has not begun: others may. */
  | { readonly kind: "returned"; readonly attempts: readonly string[] };

/** Body of `POST /v1/workers/:worker/written`: a followed shard grew. Answered when the writer may go on. */
export interface WrittenRequest {
  readonly job: string;
  readonly attempt: string;
  readonly sizeBytes: number;
}

/** Body of `POST /v1/workers/:worker/held`: small shards that the agent has in memory. */
export interface HeldRequest {
  readonly job: string;
  /** Answered in this order, as many as fit in an answer: their batches, or null for one that is not there. */
  readonly pieces: readonly HeldPiece[];
}

/** Body of `POST /v1/jobs/:job/pieces`: committed pieces, many of them small, for a reader elsewhere. */
export interface PiecesRequest {
  readonly pieces: readonly HeldPiece[];
}

/** The batches of a piece; null for one that is not there, and "stream" for a large one, to be asked for by itself. */
export type PieceAnswer = Uint8Array | null | "stream";

export type HeldPiece = Pick<ShardPiece, "attempt" | "partition" | "chunks">;

/** Items of the stream `GET /v1/workers/:worker/control?job=…`. */
export type ControlMessage =
  | { readonly kind: "cancel"; readonly attempt: string }
  /** Of the driver. */
  | { readonly kind: "parcel"; readonly parcel: Parcel }
  /** An agent of the job is gone: nothing can be read of it. */
  | { readonly kind: "gone"; readonly agent: string }
  /** Why shards and spilled data may not be written now; null when they may again. */
  | { readonly kind: "disk"; readonly refusal: string | null }
  | { readonly kind: "stop" };

/** Paths, built in one place. */
export const ROUTES = {
  agent: () => "/v1/agent",
  job: (job: string) => `/v1/jobs/${job}`,
  /** A stream; `after` are the events that the reader has: of a job with a lease it may break off and be read on. */
  events: (job: string, after?: number) =>
    `/v1/jobs/${job}/events${after === undefined ? "" : `?after=${after}`}`,
  retire: (job: string) => `/v1/jobs/${job}/retire`,
  jobPeers: (job: string) => `/v1/jobs/${job}/peers`,
  /** DELETE tells that an agent of the job is gone. */
  peer: (job: string, agent: string, version: number) => `/v1/jobs/${job}/peers/${agent}?version=${version}`,
  lease: (job: string) => `/v1/jobs/${job}/lease`,
  /** What its workers printed and logged of late. */
  logs: (job: string) => `/v1/jobs/${job}/logs`,
  attempts: (job: string) => `/v1/jobs/${job}/attempts`,
  cancel: (job: string) => `/v1/jobs/${job}/cancel`,
  release: (job: string) => `/v1/jobs/${job}/release`,
  messages: (job: string) => `/v1/jobs/${job}/messages`,
  programs: () => "/v1/programs",
  programBlocks: (sha256: string) => `/v1/programs/${sha256}/blocks`,
  programCommit: (sha256: string) => `/v1/programs/${sha256}/commit`,
  /** A stream; `from` resumes at a byte position. Partition -1 is all of them; `chunks` are those of the partition. */
  shard: (job: string, attempt: string, partition: number, from = 0, chunks?: ShardPiece["chunks"]) => {
    const only = chunks === undefined ? "" : `&chunks=${chunks.from}-${chunks.to}`;
    return `/v1/jobs/${job}/shards/${attempt}/${partition}?from=${from}${only}`;
  },
  pieces: (job: string) => `/v1/jobs/${job}/pieces`,
  /** PUT opens a channel (a shard that the driver writes), POST appends items (`at` a byte position, so that it may be repeated), DELETE commits it. */
  channel: (job: string, attempt: string, at?: number) =>
    `/v1/jobs/${job}/channels/${attempt}${at === undefined ? "" : `?at=${at}`}`,
  next: (worker: number) => `/v1/workers/${worker}/next`,
  report: (worker: number) => `/v1/workers/${worker}/report`,
  held: (worker: number) => `/v1/workers/${worker}/held`,
  written: (worker: number) => `/v1/workers/${worker}/written`,
  control: (worker: number, job: string) => `/v1/workers/${worker}/control?job=${job}`,
  /** POST sends, GET is a stream of what comes. */
  workerMail: (worker: number, job?: string) =>
    `/v1/workers/${worker}/mail${job === undefined ? "" : `?job=${job}`}`,
  agentMail: (job: string) => `/v1/jobs/${job}/mail`,
  peers: (worker: number, job: string) => `/v1/workers/${worker}/peers?job=${job}`,
} as const;

/** Carries requests to one agent: an in-memory call of its app, a Unix socket, or TCP. */
export interface Transport {
  /** `path` begins with "/". */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** Environment of a worker process: its orders, never in argv. */
export const WORKER_ENV = {
  role: "LUCIOLE_ROLE",
  socket: "LUCIOLE_SOCKET",
  worker: "LUCIOLE_WORKER",
  job: "LUCIOLE_JOB",
  agent: "LUCIOLE_AGENT",
  /** Directory of the job's shards on this host. */
  directory: "LUCIOLE_DIRECTORY",
  /** Script that the executable imports (`luciole run`). */
  program: "LUCIOLE_PROGRAM",
  /** Of a detached driver: its job, and what its program is called. */
  detached: "LUCIOLE_DETACHED",
  script: "LUCIOLE_SCRIPT",
} as const;
