/**
 * Listens to one agent of a job until it is lost: reads its events on where a connection broke, and tells it that the
 * driver is there.
 *
 * Who does not answer for long enough is lost, and so is who says that it does not know the job. What that means for
 * the job is not its business.
 */
import { describeThrown, LucioleError } from "../../../core/errors.ts";
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import { pause, withDeadline } from "../../pause.ts";
import { UNREACHABLE } from "../../tcp_transport.ts";
import type { AgentClient } from "./agent_client.ts";
import { Silence } from "./silence.ts";

export interface LeaseTimes {
  /** Of the lease at the agent. */
  readonly leaseMs: number;
  /** An agent that answers nothing for so long is lost. */
  readonly lostMs: number;
}

export interface AgentWatchOptions {
  readonly client: AgentClient;
  readonly signal: AbortSignal;
  /** Missing for an agent in this process, whose connection cannot break. */
  readonly lease: LeaseTimes | undefined;
  /** Events that come later wait for what it returns. */
  readonly onEvents: OnEvents;
}

type OnEvents = (events: readonly AgentEvent[]) => Promise<void> | undefined;

/** Renewals within one lease, or within the time after which an agent is lost. */
const RENEWALS = 5;
const AGAIN_MS = 100;
/** Of the time after which an agent is lost: so long it may have events that do not come. */
const STALLED_SHARE = 0.5;
/** Of a lease: renewals come before and after. */
const BUSY_SHARE = 0.7;
/** Where nothing listens, the process is gone; one that starts again does not know the job. */
const MAX_REFUSALS = 4;

/** An agent that answers so does not have the job any more: its workers and shards are gone. */
export function isWithoutJob(error: unknown): boolean {
  return error instanceof LucioleError && error.code === "not-found" && error.fields.job !== undefined;
}

/** Why an agent is lost that failed like this. */
export function describeLoss(error: unknown): string {
  if (!isWithoutJob(error)) return describeThrown(error);
  return "it does not know the job any more: it was started anew, or has ended the job";
}

/** Resolves with the cause when the agent is lost, or when the signal is aborted. */
export async function watchAgent({ client, signal, lease, onEvents }: AgentWatchOptions): Promise<string> {
  if (lease === undefined) return readOnce(client, signal, onEvents);
  const watch = new AgentWatch(client, lease, onEvents, signal);
  return await watch.lost;
}

async function readOnce(client: AgentClient, signal: AbortSignal, onEvents: OnEvents): Promise<string> {
  try {
    for await (const events of client.events(signal)) {
      const wait = onEvents(events);
      if (wait !== undefined) await wait;
    }
    return "it has no more events to tell";
  } catch (error) {
    return describeThrown(error);
  }
}

class AgentWatch {
  readonly lost: Promise<string>;
  readonly #client: AgentClient;
  readonly #times: LeaseTimes;
  readonly #onEvents: OnEvents;
  readonly #ending = new AbortController();
  readonly #lose: (cause: string) => void;
  #received = 0;
  /** The stream at hand; missing while what came of it is taken. */
  #reading: AbortController | undefined;
  /** Since when there has been more to hear than came. */
  #behindSince: number | undefined;
  #refusals = 0;
  readonly #silence = new Silence();

  constructor(client: AgentClient, times: LeaseTimes, onEvents: OnEvents, signal: AbortSignal) {
    this.#client = client;
    this.#times = times;
    this.#onEvents = onEvents;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.lost = promise;
    this.#lose = (cause) => {
      resolve(cause);
      this.#ending.abort();
      this.#silence.close();
    };
    signal.addEventListener("abort", () => this.#lose("the driver left it"), { once: true });
    void this.#read();
    void this.#renew();
  }

  async #read(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const reading = new AbortController();
      const either = AbortSignal.any([signal, reading.signal]);
      const moved = (): void => {
        this.#behindSince = undefined;
      };
      try {
        this.#reading = reading;
        for await (const events of this.#client.events(either, this.#received, moved)) {
          this.#heard();
          this.#received += events.length;
          const wait = this.#onEvents(events);
          if (wait === undefined) continue;
          this.#reading = undefined;
          await wait;
          this.#reading = reading;
        }
        // An agent that ended the job says so when it is asked again.
      } catch (error) {
        this.#failed(error);
      }
      await pause(AGAIN_MS, signal);
    }
  }

  async #renew(): Promise<void> {
    const { signal } = this.#ending;
    const everyMs = Math.min(this.#times.leaseMs, this.#times.lostMs) / RENEWALS;
    for (await pause(everyMs, signal); !signal.aborted; await pause(everyMs, signal)) {
      try {
        const renew = (until: AbortSignal) => this.#client.renewLease(this.#received, until);
        const name = `agent ${this.#client.id}`;
        // Not longer than until it counts as lost: it was silent for a while before.
        const leftMs = Math.max(1, this.#times.lostMs - this.#silence.ms);
        const told = await withDeadline(leftMs, renew, { name, parent: signal });
        this.#heard();
        this.#checkStream(told);
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** A connection may be dead that nobody has closed, while others are alive: its events are asked for anew. */
  #checkStream(told: number): void {
    if (this.#reading === undefined || told <= this.#received) {
      this.#behindSince = undefined;
      return;
    }
    const now = performance.now();
    this.#behindSince ??= now;
    if (now - this.#behindSince < this.#times.lostMs * STALLED_SHARE) return;
    this.#behindSince = undefined;
    this.#reading.abort(new LucioleError(UNREACHABLE, "its events do not come any more"));
  }

  #heard(): void {
    this.#silence.heard();
    this.#refusals = 0;
  }

  #failed(error: unknown): void {
    if (this.#ending.signal.aborted) return;
    // The agent itself says no; what broke on the way says nothing.
    const isAnswer = error instanceof LucioleError && error.code !== UNREACHABLE;
    if (error instanceof LucioleError && error.fields.isRefused === true) this.#refusals++;
    const isSilent = this.#silence.ms >= this.#times.lostMs;
    if (!isAnswer && !isSilent && this.#refusals < MAX_REFUSALS) return;
    this.#lose(this.#endOfLease(error) ?? describeLoss(error));
  }

  /** An agent that does not know the job any more, since this process kept it waiting for too long. */
  #endOfLease(error: unknown): string | undefined {
    const stoodStillMs = this.#silence.stoodStillMs;
    const isOver = stoodStillMs > this.#times.leaseMs * BUSY_SHARE;
    if (!isOver || !isWithoutJob(error)) return undefined;
    const [stood, lease] = [stoodStillMs, this.#times.leaseMs].map((ms) => Math.round(ms / 1000));
    return `it has ended the job: the driver was busy or stopped for ${stood} s, and its lease is ${lease} s (--lease)`;
  }
}
