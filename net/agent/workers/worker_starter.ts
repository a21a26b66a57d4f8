/**
 * How an agent gets workers: a port. Child processes implement it, and workers
 * inside of the agent's own process.
 */
import type { WorkerCommand } from "../../protocol.ts";

export interface WorkerStart {
  readonly job: string;
  readonly worker: number;
  readonly agent: string;
  /** Directory of the job's shards on this host. */
  readonly directory: string;
  readonly command: WorkerCommand;
  readonly onOutput: (stream: "stdout" | "stderr", line: string) => void;
  /** Called once, never from within the call that starts. The cause reads after `worker 3 …`. */
  readonly onExit: (cause: string) => void;
}

export interface StartedWorker {
  /** Missing when it is no process of its own, or could not be started. */
  readonly pid?: number;
  /** Asks it to go. */
  terminate(): void;
  /** Ends it at once. */
  kill(): void;
}

export type WorkerStarter = (start: WorkerStart) => StartedWorker;
