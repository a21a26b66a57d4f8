/**
 * What simulated agents, and their parts of jobs, are to others.
 */
import type { QueueEvent } from "../../core/agent/queue_events.ts";
import type { Part } from "../../core/collectives/mail_line.ts";
import type { Parcel } from "../../core/messages/letter.ts";
import type { AgentEvent, Definitions, TaskOrder } from "../../core/schedule/attempts/order.ts";
import type { Delivery } from "./crew.ts";
import type { GangLetter } from "./mail.ts";
import type { Process } from "./network.ts";
import type { Content } from "./rows.ts";
import type { WorkerMail } from "./worker_mail.ts";

export interface JobStart {
  readonly job: string;
  readonly firstWorker: number;
  readonly workers: number;
  readonly leaseMs: number;
  readonly isSkewed: boolean;
  /** All agents of the job. */
  readonly peers: readonly string[];
  /** The agent has the job already, or is another process, which starts none. */
  readonly isMore: boolean;
}

/** A reader of the events, at the driver. */
export interface EventStream {
  readonly to: Process;
  readonly onEvents: (events: readonly AgentEvent[]) => void;
  readonly onBroken: () => void;
}

/** One job on one agent. */
export interface PartPort {
  readonly job: string;
  readonly agent: AgentPort;
  /** Whether the second partition of shards is much larger than others. */
  readonly isSkewed: boolean;
  /** Workers that are there. */
  readonly present: readonly number[];
  /** Shards that are kept. */
  readonly shards: readonly string[];
  apply(event: QueueEvent): void;
  /** Takes a worker's parcel for the driver. */
  tell(worker: number, parcel: Parcel): void;
  /** Hands parcels of the driver on to workers that are there. */
  deliver(delivery: Delivery): void;
  /** What the processes of a worker heard and sent, first to last. */
  mailsOf(worker: number): readonly WorkerMail[];
  /** Takes a letter that a member of a gang here sends to another. */
  post(mail: GangLetter): void;
  /** Takes what another agent sends for members here. @returns How many letters have come of it. */
  receiveMail(line: string, part: Part<GangLetter>): number;
  /** Another agent of the job is gone. */
  dropPeer(agent: string, version: number): void;
  /** These are agents of the job. */
  setPeers(agents: readonly string[], version?: number): void;
  /** Queues orders, with what they refer to and the agent does not know. */
  launch(orders: readonly TaskOrder[], definitions: Definitions): void;
  release(attempts: readonly string[], executions: readonly string[], templates: readonly string[]): void;
  openChannel(attempt: string): void;
  closeChannel(attempt: string, content: Content): void;
  /** Takes a shard that the driver has a copy of. */
  restore(attempt: string, content: Content): void;
  /** What a worker wrote, before it tells so. */
  keep(attempt: string, content: Content): void;
  /** Tells what an attempt wrote once it is whole; undefined when it is not here. */
  find(attempt: string, onFound: (content: Content | undefined) => void): void;
  /** @returns False when the events after those are not here any more. */
  openStream(stream: EventStream, after: number): boolean;
  /** @returns False when there never were so many: the driver knows another part, in whose place this one is. */
  acknowledge(count: number): boolean;
  /** Events that there ever were. */
  readonly told: number;
}

export interface AgentPort extends Process {
  readonly jobs: ReadonlyMap<string, PartPort>;
  /** What its tasks take is so many times as long: a slow disk. */
  readonly slowness: number;
  /** Why nothing may be written now. */
  readonly refusal: string | undefined;
  start(order: JobStart): "ok" | "refused";
  end(job: string, onEnded: () => void): void;
  /** A job's part, for its driver: it is there. */
  forDriver(job: string): PartPort | undefined;
}
