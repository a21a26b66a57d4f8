/**
 * The other agents of a worker's job: asks its own agent where they are, and what to show them, once they are needed.
 *
 * It does not know what is read there.
 */
import { LucioleError } from "../../core/errors.ts";
import type { PeersReply, Transport } from "../protocol.ts";
import type { ClientTls } from "../runtime/runtime.ts";
import { authHeaders, type Credentials } from "../security/client_auth.ts";

export interface Peer {
  readonly agent: string;
  /** "host:port". */
  readonly address: string;
  readonly credentials: Credentials;
  readonly tls?: ClientTls;
}

export type Connect = (peer: Peer) => Transport;

/** Tokens are good for longer; agents may have come since. */
const FRESH_MS = 5 * 60_000;

export class Peers {
  readonly #ask: () => Promise<PeersReply>;
  readonly #connect: Connect;
  readonly #transports = new Map<string, Transport>();
  /** Aborted for an agent that is gone. */
  readonly #ends = new Map<string, AbortController>();
  readonly #credentials: Credentials = { headers: () => this.#headers };
  #headers: Readonly<Record<string, string>> = {};
  #askedAt = Number.NEGATIVE_INFINITY;
  /** Agents that went while it was being asked: the answer may be older than that. */
  readonly #goneMeanwhile = new Set<string>();
  #asking: Promise<void> | undefined;

  constructor(ask: () => Promise<PeersReply>, connect: Connect) {
    this.#ask = ask;
    this.#connect = connect;
  }

  /** Reaches an agent; undefined when it is not of the job. */
  async find(agent: string): Promise<Transport | undefined> {
    const isFresh = performance.now() - this.#askedAt < FRESH_MS;
    if (!isFresh || !this.#transports.has(agent)) {
      // Many pieces are opened at once.
      this.#asking ??= this.#learn().finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    return this.#transports.get(agent);
  }

  /** The agent is gone: what is read of it fails at once. */
  drop(agent: string): void {
    this.#endOf(agent).abort(new LucioleError("agent-gone", `Cannot read of agent ${agent}: it is gone`));
    this.#transports.delete(agent);
    this.#goneMeanwhile.add(agent);
  }

  #endOf(agent: string): AbortController {
    let end = this.#ends.get(agent);
    if (end === undefined) {
      end = new AbortController();
      this.#ends.set(agent, end);
    }
    return end;
  }

  async #learn(): Promise<void> {
    this.#goneMeanwhile.clear();
    const { peers, token, tls } = await this.#ask();
    this.#askedAt = performance.now();
    if (token !== undefined) this.#headers = authHeaders(token);
    const credentials = this.#credentials;
    for (const [agent, address] of Object.entries(peers)) {
      if (this.#transports.has(agent) || this.#goneMeanwhile.has(agent)) continue;
      // One that was gone is of the job again: it was started anew.
      if (this.#endOf(agent).signal.aborted) this.#ends.delete(agent);
      const { signal } = this.#endOf(agent);
      const transport = this.#connect({ agent, address, credentials, ...(tls && { tls }) });
      this.#transports.set(agent, endingWith(signal, transport));
    }
  }
}

/** Its requests, and bodies on their way, end with the signal. */
function endingWith(end: AbortSignal, transport: Transport): Transport {
  return {
    fetch: async (path, init) => {
      end.throwIfAborted();
      const own = init?.signal;
      return await transport.fetch(path, { ...init, signal: own ? AbortSignal.any([own, end]) : end });
    },
  };
}
