/**
 * The other agents of a worker's job: asks its own agent where they are, and what to show them, once they are needed.
 *
 * It does not know what is read there.
 */
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
  readonly #credentials: Credentials = { headers: () => this.#headers };
  #headers: Readonly<Record<string, string>> = {};
  #askedAt = Number.NEGATIVE_INFINITY;
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

  async #learn(): Promise<void> {
    const { peers, token, tls } = await this.#ask();
    this.#askedAt = performance.now();
    if (token !== undefined) this.#headers = authHeaders(token);
    const credentials = this.#credentials;
    for (const [agent, address] of Object.entries(peers)) {
      if (this.#transports.has(agent)) continue;
      this.#transports.set(agent, this.#connect({ agent, address, credentials, ...(tls && { tls }) }));
    }
  }
}
