/**
 * Tells all masters of an agent: at intervals, and at once when something changes.
 *
 * Each master by itself, so that one that hangs holds up no other; one that goes is tried
 * again at the next interval, and the agent works on meanwhile. Knows nothing of jobs.
 */
import type { AgentInfo, AgentLoad, Heartbeat } from "../../../core/cluster/agent_info.ts";
import type { LucioleError } from "../../../core/errors.ts";
import type { MasterLink } from "../../master_request.ts";
import { MasterLine } from "./master_line.ts";

export interface HeartbeatsOptions {
  readonly masters: readonly MasterLink[];
  readonly agent: AgentInfo;
  readonly load: () => AgentLoad;
  /** Until a master says how often it wants to hear of the agent. */
  readonly intervalMs?: number;
  /** Told what an operator may want to know, in one line. */
  readonly onNotice: (text: string) => void;
  /** Every master refuses the agent, and none ever took it in: it can only end. Called once. */
  readonly onRefused: (error: LucioleError) => void;
}

const INTERVAL_MS = 2_000;

export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #lines: readonly MasterLine[];
  #sequence = 0;
  /** A master took the agent in, or all of them refused it. */
  #isDecided = false;
  #isClosed = false;

  /** Begins at once. */
  constructor(options: HeartbeatsOptions) {
    this.#options = options;
    const { intervalMs = INTERVAL_MS, onNotice } = options;
    this.#lines = options.masters.map(
      (link) =>
        new MasterLine({
          link,
          intervalMs,
          onNotice,
          next: () => this.#next(),
          onOutcome: () => this.#judge(),
        }),
    );
    this.changed();
  }

  /** Something of the load is other than before. */
  changed(): void {
    for (const line of this.#lines) line.changed();
  }

  /** Tells the masters that the agent leaves; does not wait for those that do not answer. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const last: Heartbeat = { ...this.#next(), isLeaving: true };
    await Promise.all(this.#lines.map((line) => line.leave(last)));
  }

  #next(): Heartbeat {
    const { agent, load } = this.#options;
    return { agent, load: load(), sequence: this.#sequence++ };
  }

  /** True once, when the owner is told that the agent is refused. */
  #judge(): boolean {
    if (this.#isDecided || this.#isClosed) return false;
    const refusals = this.#lines.map((line) => line.refusal);
    const [first] = refusals;
    const isRefused = first !== undefined && !refusals.includes(undefined);
    this.#isDecided = this.#lines.some((line) => line.isAccepted) || isRefused;
    if (isRefused) this.#options.onRefused(first);
    return isRefused;
  }
}
