/**
 * The heartbeats of an agent to one master: one on the way at a time, the next one when it
 * is due or something changed, and what the master says of them.
 *
 * Never throws, and never gives up. Knows nothing of the other masters.
 */
import type { Heartbeat } from "../../../core/cluster/agent_info.ts";
import { describeThrown, LucioleError } from "../../../core/errors.ts";
import { type HeartbeatReply, MASTER_ROUTES } from "../../cluster_protocol.ts";
import { askMaster, type LinkFailure, linkError, type MasterLink } from "../../master_request.ts";

export interface MasterLineOptions {
  readonly link: MasterLink;
  readonly intervalMs: number;
  readonly next: () => Heartbeat;
  readonly onNotice: (text: string) => void;
  /** Says whether the agent is at its end: then its owner tells why. */
  readonly onOutcome: () => boolean;
}

const MIN_INTERVAL_MS = 50;
const MAX_INTERVAL_MS = 60_000;
/** Changes that come together are told together. */
const GAP_MS = 20;
/** A connection that a restarted master left behind breaks once, and tells nothing. */
const AGAIN_MS = 100;
const TIMEOUT_MS = 5_000;
const LEAVE_MS = 1_000;
/** Codes of what trying again does not help with; what else goes wrong may go by itself. */
const REFUSALS: ReadonlySet<string> = new Set(["name-taken", "auth", "protocol", "foreign"]);

export class MasterLine {
  readonly #options: MasterLineOptions;
  #intervalMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isSending = false;
  /** Something changed since the heartbeat on the way was made. */
  #isDirty = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  readonly #closing = new AbortController();
  /** Failures since the last heartbeat that arrived. */
  #failures = 0;
  /** Of the last heartbeat. */
  #trouble: LucioleError | undefined;
  #told: string | undefined;
  isAccepted = false;
  /** Why the master does not take the agent in, and will not. */
  refusal: LucioleError | undefined;

  constructor(options: MasterLineOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs;
  }

  /** Sends a heartbeat now, or soon after the last one. */
  changed(): void {
    if (this.#closing.signal.aborted) return;
    if (this.#isSending) {
      this.#isDirty = true;
      return;
    }
    clearTimeout(this.#timer);
    const waitMs = this.#sentAt + GAP_MS - performance.now();
    if (waitMs <= 0) this.#beat();
    else this.#timer = setTimeout(() => this.#beat(), waitMs);
  }

  async leave(last: Heartbeat): Promise<void> {
    clearTimeout(this.#timer);
    this.#closing.abort();
    if (!this.isAccepted || this.#failures > 0) return;
    await this.#ask(last, LEAVE_MS).catch(() => undefined);
  }

  #beat(): void {
    this.#isSending = true;
    this.#isDirty = false;
    this.#sentAt = performance.now();
    void this.#send().then((pauseMs) => {
      this.#isSending = false;
      if (this.#closing.signal.aborted) return;
      this.#timer = setTimeout(() => this.#beat(), this.#isDirty ? GAP_MS : pauseMs);
      const isOver = this.#options.onOutcome();
      if (!isOver && this.#trouble !== undefined) this.#tell(this.#trouble);
    });
  }

  /** Resolves to when the next one is due. */
  async #send(): Promise<number> {
    try {
      const heartbeat = this.#options.next();
      const answer = await this.#ask(heartbeat, TIMEOUT_MS, this.#closing.signal);
      if (answer.kind === "failure") return this.#failed(answer.failure);
      this.#succeeded(answer.value as HeartbeatReply);
      return this.#intervalMs;
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#refused(error);
      return this.#intervalMs;
    }
  }

  #ask(heartbeat: Heartbeat, timeoutMs: number, signal?: AbortSignal) {
    return askMaster(this.#options.link, {
      method: "POST",
      path: MASTER_ROUTES.heartbeats(),
      body: heartbeat,
      id: `${heartbeat.agent.incarnation}-${heartbeat.sequence}`,
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #succeeded({ master, intervalMs }: HeartbeatReply): void {
    if (typeof intervalMs === "number" && intervalMs >= MIN_INTERVAL_MS) {
      this.#intervalMs = Math.min(intervalMs, MAX_INTERVAL_MS);
    }
    this.#failures = 0;
    this.refusal = undefined;
    this.#trouble = undefined;
    if (this.isAccepted && this.#told === undefined) return;
    this.isAccepted = true;
    this.#told = undefined;
    this.#options.onNotice(`master ${master} at ${this.#options.link.address} knows this agent`);
  }

  #failed(failure: LinkFailure): number {
    this.#failures++;
    const isFirst = this.#failures === 1 && this.isAccepted;
    if (isFirst && failure.code === "unreachable") return AGAIN_MS;
    this.#take(linkError([failure]));
    return this.#intervalMs;
  }

  #refused(error: unknown): void {
    this.#failures++;
    if (error instanceof LucioleError && REFUSALS.has(error.code)) {
      this.#take(error);
      return;
    }
    const message = `Cannot tell the master at ${this.#options.link.address} of this agent: ${describeThrown(error)}`;
    this.#take(new LucioleError("internal", message, { cause: error }));
  }

  #take(error: LucioleError): void {
    this.#trouble = error;
    this.refusal = REFUSALS.has(error.code) ? error : undefined;
  }

  /** The same thing once. */
  #tell({ message }: LucioleError): void {
    if (this.#told === message) return;
    this.#told = message;
    this.#options.onNotice(message);
  }
}
