/**
 * Where a job that runs gets more workers from: one of these for each kind of place it may run at.
 *
 * It does not decide how many there should be.
 */
import type { WorkerInfo } from "../../../core/job/worker_info.ts";
import type { AgentClient } from "../agents/agent_client.ts";

/** Workers that are being started, with their agents, or why there are none. */
export type Enlisted =
  | {
      readonly kind: "enlisted";
      readonly workers: readonly WorkerInfo[];
      readonly clients: readonly AgentClient[];
    }
  | { readonly kind: "refused"; readonly why: string };

export interface EnlistOptions {
  readonly signal: AbortSignal;
  /** Waits for room until the signal is aborted. */
  readonly isPatient: boolean;
  /** Takes fewer than asked for rather than none. */
  readonly takesFewer: boolean;
}

export interface Fleet {
  /** Starts so many workers: all of them or none, unless it takes fewer. */
  enlist(count: number, options: EnlistOptions): Promise<Enlisted>;
}
