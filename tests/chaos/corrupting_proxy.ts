/**
 * An HTTP proxy in front of an agent that harms some of the shards that go through it: broken off, ended early as if that
 * was all, or with a turned byte. Everything else goes through as it is.
 */
import type { Random } from "../simulation/random.ts";

const SHARDS = /^\/v1\/jobs\/[^/]+\/(?:shards\/|pieces$)/;
const HARMS = ["broken off", "ended early", "turned"] as const;

export class CorruptingProxy {
  /** What was done. */
  readonly harmed: string[] = [];
  readonly #server: Bun.Server<undefined>;
  readonly #random: Random;
  readonly #mayHarm: () => boolean;

  /** @param target The port that it leads to. @param mayHarm Asked for each shard. */
  constructor(target: number, random: Random, mayHarm: () => boolean) {
    this.#random = random;
    this.#mayHarm = mayHarm;
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      development: false,
      error: () => new Response(null, { status: 500 }),
      fetch: (request) => this.#pass(request, target),
    });
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
  }

  async #pass(request: Request, target: number): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const { method, headers, signal } = request;
    const body = method === "GET" ? null : await request.bytes();
    const answer = await fetch(`http://127.0.0.1:${target}${pathname}${search}`, {
      method,
      headers,
      body,
      signal,
      decompress: false,
      timeout: false,
    } as RequestInit);
    const isHarmed = answer.ok && SHARDS.test(pathname) && this.#mayHarm();
    const told = new Headers(answer.headers);
    told.delete("content-length");
    if (!isHarmed) return new Response(answer.body, { status: answer.status, headers: told });
    return new Response(this.#harm(await answer.bytes(), pathname), { status: answer.status, headers: told });
  }

  #harm(bytes: Uint8Array<ArrayBuffer>, path: string): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
    if (bytes.length === 0) return bytes;
    const harm = this.#random.pick(HARMS);
    const at = this.#random.below(bytes.length);
    this.harmed.push(`${path} is ${harm} at byte ${at} of ${bytes.length}`);
    if (harm === "turned") {
      bytes[at] ^= 1 << (at % 8);
      return bytes;
    }
    if (harm === "ended early") return bytes.slice(0, at);
    let isSent = false;
    return new ReadableStream({
      pull: (controller) => {
        if (isSent) controller.error(new Error("broken off"));
        else controller.enqueue(bytes.slice(0, at + 1));
        isSent = true;
      },
    });
  }
}
