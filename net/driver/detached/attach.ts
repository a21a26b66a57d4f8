/**
 * Follows a detached driver: shows what it prints until it ends, over broken connections and lost agents.
 *
 * Whoever leaves changes nothing for the job.
 */
import { LucioleError } from "../../../core/errors.ts";
import type { OutputItem, OutputStream } from "../../driver_protocol.ts";
import { pause } from "../../pause.ts";
import type { ClusterAccess } from "../cluster/cluster_access.ts";
import { DetachedClient } from "./detached_client.ts";
import { type DriverPlace, findDetached } from "./find_detached.ts";

export interface AttachOptions {
  readonly access: ClusterAccess;
  readonly job: string;
  /** Shows what was printed before, too. */
  readonly isFromBeginning: boolean;
  readonly write: (stream: OutputStream, bytes: Uint8Array, time: number) => Promise<void>;
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface AttachedEnd {
  readonly exitCode: number;
  readonly state: "succeeded" | "failed" | "cancelled";
  readonly cause?: string;
}

const AGAIN_MS = 500;
/** Whoever is of no use for so long will not be soon. */
const GIVE_UP_MS = 60_000;
/** A driver that was started a moment ago may not be known to the masters yet. */
const UNKNOWN_MS = 10_000;
const EXIT_FAILED = 1;

/** @returns Undefined when the signal was aborted. @throws {LucioleError} code "not-found" when nobody knows the job. */
export async function attachDriver(options: AttachOptions): Promise<AttachedEnd | undefined> {
  return await new Attachment(options).run();
}

class Attachment {
  readonly #options: AttachOptions;
  #run = 0;
  #position = 0;
  #unknownSince: number | undefined;
  #failingSince: number | undefined;
  #warned = "";

  constructor(options: AttachOptions) {
    this.#options = options;
  }

  async run(): Promise<AttachedEnd | undefined> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      try {
        const end = await this.#look();
        if (end !== undefined) return end;
        this.#failingSince = undefined;
      } catch (error) {
        if (signal.aborted) return undefined;
        this.#failingSince ??= performance.now();
        const isLate = performance.now() - this.#failingSince > GIVE_UP_MS;
        if (isLate || !isPassing(error)) throw error;
        this.#warn(error.message);
      }
      await pause(AGAIN_MS, signal);
    }
    return undefined;
  }

  async #look(): Promise<AttachedEnd | undefined> {
    const { access, job, warn } = this.#options;
    const places = await findDetached(access, job);
    const [place] = places;
    if (place === undefined || place.load.state === "guarded") return this.#unknown(place);
    this.#unknownSince = undefined;
    const { agent, load } = place;
    if (agent.state !== "alive") return this.#lost(place, places);
    if (this.#run > 0 && load.run > this.#run) {
      this.#position = 0;
      warn(`(job ${job} was started again on agent ${agent.agent.id})`);
    }
    const isFirst = this.#run === 0;
    this.#run = load.run;
    return await this.#read(place, isFirst && !this.#options.isFromBeginning);
  }

  async #read({ agent: { agent } }: DriverPlace, isFromNow: boolean): Promise<AttachedEnd | undefined> {
    const { access, job, signal } = this.#options;
    const { id, address } = agent;
    const client = new DetachedClient({ id, address, transport: access.connect(id, address) }, job);
    if (isFromNow) {
      for await (const item of client.output(0, false, signal)) {
        if (item.kind !== "ended") this.#position = item.next;
      }
    }
    return await this.#follow(client);
  }

  async #follow(client: DetachedClient): Promise<AttachedEnd | undefined> {
    for await (const item of client.output(this.#position, true, this.#options.signal)) {
      this.#warned = "";
      this.#failingSince = undefined;
      if (item.kind === "ended") return this.#ended(item);
      this.#position = item.next;
      await this.#show(item);
    }
    return undefined;
  }

  async #show(item: Exclude<OutputItem, { readonly kind: "ended" }>): Promise<void> {
    const { write, warn } = this.#options;
    if (item.kind === "output") await write(item.stream, item.bytes, item.time);
    else warn(`(${item.count} bytes of older output are not kept any more)`);
  }

  /** Undefined when its agent ended before it: somebody may start it again. */
  #ended({ reply }: Extract<OutputItem, { readonly kind: "ended" }>): AttachedEnd | undefined {
    const { state, exitCode = EXIT_FAILED, cause } = reply;
    if (state !== "succeeded" && state !== "failed" && state !== "cancelled") return undefined;
    return { state, exitCode, ...(cause === undefined ? {} : { cause }) };
  }

  #lost({ agent, load }: DriverPlace, places: readonly DriverPlace[]): AttachedEnd | undefined {
    const isGuarded = places.some((other) => other.load.state === "guarded" && other.agent.state === "alive");
    const why = `its driver's agent ${agent.agent.id} ${agent.state === "lost" ? "was lost" : "has ended"}`;
    if (isGuarded) {
      this.#warn(`${why}; another agent starts it again`);
      return undefined;
    }
    const { state, exitCode = EXIT_FAILED, cause = why } = load;
    if (state === "succeeded" || state === "cancelled") return { state, exitCode, cause };
    return { state: "failed", exitCode: state === "failed" ? exitCode : EXIT_FAILED, cause };
  }

  #unknown(place: DriverPlace | undefined): undefined {
    const { job } = this.#options;
    this.#unknownSince ??= performance.now();
    if (place !== undefined || performance.now() - this.#unknownSince < UNKNOWN_MS) return undefined;
    throw new LucioleError(
      "usage",
      `Cannot attach to job ${job}: the cluster has no detached driver of it (any more)`,
    );
  }

  /** Each thing once, until something is read again. */
  #warn(text: string): void {
    if (text !== this.#warned) this.#options.warn(`warning: ${text}`);
    this.#warned = text;
  }
}

/** Gone in a moment, or told by the masters soon. What is no error of ours is a connection that broke. */
function isPassing(error: unknown): error is Error {
  if (!(error instanceof LucioleError)) return error instanceof Error;
  return error.code === "unreachable" || error.code === "not-found";
}
