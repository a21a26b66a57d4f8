/**
 * Ways to agents over real sockets, on which requests are lost, come twice, late and behind later ones, and on which
 * answers are lost and streams break, by a seed.
 */
import { LucioleError } from "../../../core/errors.ts";
import { pause } from "../../../net/pause.ts";
import type { Transport } from "../../../net/protocol.ts";
import type { Runtime } from "../../../net/runtime/runtime.ts";
import { tcpTransport, UNREACHABLE } from "../../../net/tcp_transport.ts";
import { randomNumbers } from "../../simulation/random.ts";
import { broken, MAY_FAIL } from "./bad_way.ts";

/** A request that is late comes behind several later ones. */
const LATE_MS = 100;

export class BadSockets {
  /** What was done to requests that carry messages. */
  readonly did = { lost: 0, repeated: 0, late: 0, held: 0, unanswered: 0, all: 0 };
  readonly #runtime: Runtime;
  readonly #random: () => number;
  readonly #share: number;
  readonly #servers: ReturnType<typeof Bun.serve>[] = [];
  readonly #late = new Set<Promise<unknown>>();

  /** @param share Of requests, for each thing that may happen to them. */
  constructor(runtime: Runtime, seed: number, share: number) {
    this.#runtime = runtime;
    this.#random = randomNumbers(seed);
    this.#share = share;
  }

  readonly way = (agent: Transport): Transport => {
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      fetch: async (request) => {
        const { pathname, search } = new URL(request.url);
        const { method, headers, signal } = request;
        const body = new Uint8Array(await request.arrayBuffer());
        const init = { method, headers, signal, ...(body.byteLength > 0 && { body }) };
        return await agent.fetch(pathname + search, init);
      },
    });
    this.#servers.push(server);
    const transport = tcpTransport(this.#runtime, { address: `127.0.0.1:${server.port}`, name: "the agent" });
    return {
      fetch: (path, init) =>
        MAY_FAIL.test(path) ? this.#disturb(transport, path, init) : transport.fetch(path, init),
    };
  };

  async #disturb(transport: Transport, path: string, init: RequestInit = {}): Promise<Response> {
    const { did } = this;
    const isCarrier = path.endsWith("/messages");
    if (isCarrier) did.all++;
    if (this.#happens()) {
      if (isCarrier) did.lost++;
      if (isCarrier && this.#random() < 0.5) this.#comeLate(transport, path, init);
      throw lost();
    }
    if (isCarrier && this.#happens()) {
      did.repeated++;
      this.#comeLate(transport, path, init);
    }
    if (isCarrier && this.#happens()) {
      did.held++;
      await pause(this.#random() * LATE_MS);
    }
    const answer = await transport.fetch(path, init);
    if (path.includes("/events")) return new Response(broken(answer.body, this.#random, this.#share), answer);
    if (!this.#happens()) return answer;
    if (isCarrier) did.unanswered++;
    throw lost();
  }

  #comeLate(transport: Transport, path: string, { signal: _, ...init }: RequestInit): void {
    const late = pause(this.#random() * LATE_MS)
      .then(() => transport.fetch(path, init))
      .then(() => void this.did.late++)
      .catch(() => undefined)
      .finally(() => this.#late.delete(late));
    this.#late.add(late);
  }

  #happens(): boolean {
    return this.#random() < this.#share;
  }

  async close(): Promise<void> {
    await Promise.all(this.#late);
    await Promise.all(this.#servers.map((server) => server.stop(true)));
  }
}

function lost(): LucioleError {
  return new LucioleError(UNREACHABLE, "the way is bad", { retryable: true });
}
