/**
 * Who has copies of shards beside the agents, as the executor knows it: net/checkpoint has the one that writes files.
 */
import type { JobCommand } from "../../../core/schedule/job_state.ts";

type CommandOf<Kind extends JobCommand["kind"]> = Extract<JobCommand, { kind: Kind }>;

export type RestoreCommand = CommandOf<"restore">;
export type KeepCommand = CommandOf<"keep">;

export interface ShardKeeper {
  /** Brings a copy to an agent; tells by `shardRestored` or `restoreFailed`. */
  restore(command: RestoreCommand): void;
  /** Makes a copy; tells by `shardKept`. */
  keep(command: KeepCommand): void;
  /** The scheduler knows an execution no more. */
  forget(execution: string): void;
}
