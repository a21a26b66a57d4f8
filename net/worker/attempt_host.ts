/**
 * What an attempt has of the worker that it runs in.
 */
import type { LogRecord } from "../../core/exec/ports.ts";
import type { TaskReport } from "../../core/schedule/report.ts";
import type { Transport } from "../protocol.ts";
import type { AgentLink } from "./agent_link.ts";
import type { ExecutionCache } from "./execution_cache.ts";
import type { MailRoom } from "./mail_room.ts";
import type { WorkerMessages } from "./worker_messages.ts";

/** Reaches another agent; undefined when it is not of the job. */
export type TransportTo = (agent: string) => Transport | undefined | Promise<Transport | undefined>;

export interface AttemptHost {
  readonly agent: string;
  readonly directory: string;
  readonly worker: number;
  readonly link: AgentLink;
  readonly executions: ExecutionCache;
  readonly mail: MailRoom;
  readonly messages: WorkerMessages;
  readonly signal: AbortSignal;
  readonly transportTo: TransportTo | undefined;
  /** Frees memory that nothing refers to any more; missing where the runtime cannot be asked to. */
  readonly collectGarbage: (() => void) | undefined;
  log(record: LogRecord): void;
  progress(totals: TaskReport): void;
}
