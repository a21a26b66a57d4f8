/**
 * A thread that says in the place of this process that it lives, while the program computes without a pause: it renews
 * leases and touches lock files, which others take for those of the dead otherwise.
 *
 * It lives and dies with the process, and stands still with it. It does nothing while the process itself comes to its
 * turn, and knows nothing of jobs.
 */
import { currentRuntime } from "./current_runtime.ts";
import type { ClientTls, RunningThread } from "./runtime.ts";

/** A request that is sent again and again. */
export interface KeptRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly tls?: ClientTls;
}

/** A file that is touched for as long as it holds the text. */
export interface KeptFile {
  readonly path: string;
  readonly text: string;
}

export type Kept = { readonly everyMs: number } & (
  | { readonly request: () => KeptRequest }
  | { readonly file: KeptFile }
);

interface ThreadOrder {
  /** The process counts it up. */
  readonly beat: Int32Array;
  readonly everyMs: number;
  readonly requests: readonly KeptRequest[];
  readonly files: readonly KeptFile[];
}

/** What shows who asks grows old. */
const RENEW_MS = 10 * 60_000;

class LifeThread {
  readonly #kept = new Set<Kept>();
  readonly #beat = new Int32Array(new SharedArrayBuffer(4));
  #thread: Promise<RunningThread> | undefined;
  #beating: ReturnType<typeof setInterval> | undefined;
  #renewing: ReturnType<typeof setInterval> | undefined;

  /** @returns Ends it. */
  keep(kept: Kept): () => void {
    this.#kept.add(kept);
    this.#tell();
    return () => {
      if (this.#kept.delete(kept)) this.#tell();
    };
  }

  #tell(): void {
    const all = [...this.#kept];
    clearInterval(this.#beating);
    clearInterval(this.#renewing);
    if (all.length > 0) {
      const everyMs = Math.min(...all.map((kept) => kept.everyMs));
      this.#beating = setInterval(() => Atomics.add(this.#beat, 0, 1), everyMs / 2);
      this.#beating.unref();
      this.#renewing = setInterval(() => this.#tell(), RENEW_MS);
      this.#renewing.unref();
      this.#send({
        everyMs,
        requests: all.flatMap((kept) => ("request" in kept ? [kept.request()] : [])),
        files: all.flatMap((kept) =>
          "file" in kept ? [{ path: kept.file.path, text: kept.file.text }] : [],
        ),
      });
    } else if (this.#thread !== undefined) {
      this.#send({ everyMs: 0, requests: [], files: [] });
    }
  }

  #send(order: Omit<ThreadOrder, "beat">): void {
    // Where the program is one file, a module of the engine's has no place of its own.
    this.#thread ??= currentRuntime().then((runtime) => runtime.startThread(`(${live.toString()})();`));
    // Whoever cannot have a thread has what it had without.
    this.#thread.then((thread) => thread.send({ beat: this.#beat, ...order })).catch(() => undefined);
  }
}

/** One for all jobs of the process. */
export const lifeThread = new LifeThread();

/** All of the thread: it is sent there as text, so it uses nothing but what every runtime has. */
function live(): void {
  interface Deno {
    createHttpClient(options: object): object;
  }
  const scope = globalThis as unknown as {
    readonly process: NodeJS.Process;
    readonly Deno?: Deno;
    onmessage: (event: { readonly data: ThreadOrder }) => void;
  };
  const { readFileSync, utimesSync } = scope.process.getBuiltinModule("node:fs");
  const clients = new Map<string, object>();
  let order: ThreadOrder = { beat: new Int32Array(1), everyMs: 0, requests: [], files: [] };
  let timer: ReturnType<typeof setInterval> | undefined;
  let seen = -1;

  const wayOf = (tls: ClientTls | undefined): object => {
    if (scope.Deno === undefined) return { timeout: false, proxy: false, ...(tls && { tls }) };
    if (tls === undefined) return {};
    const key = JSON.stringify(tls);
    const own = tls.cert === undefined ? {} : { cert: tls.cert, key: tls.key };
    const client =
      clients.get(key) ??
      scope.Deno.createHttpClient({ ...(tls.ca === undefined ? {} : { caCerts: [tls.ca] }), ...own });
    clients.set(key, client);
    return { client };
  };
  const renew = async ({ url, headers, body, tls }: KeptRequest): Promise<void> => {
    const signal = AbortSignal.timeout(order.everyMs);
    const init: object = { method: "POST", headers, body, signal, redirect: "error", ...wayOf(tls) };
    await (await fetch(url, init)).arrayBuffer();
  };
  const touch = ({ path, text }: KeptFile): void => {
    const now = new Date();
    if (readFileSync(path, "utf8") === text) utimesSync(path, now, now);
  };
  const tick = (): void => {
    const now = Atomics.load(order.beat, 0);
    const isAwake = now !== seen;
    seen = now;
    if (isAwake) return;
    // What fails is tried again, and told by the process when it finds what has come of it.
    for (const request of order.requests) renew(request).catch(() => undefined);
    for (const file of order.files) {
      try {
        touch(file);
      } catch {}
    }
  };
  const hear = (told: ThreadOrder): void => {
    order = told;
    clearInterval(timer);
    if (order.everyMs > 0) timer = setInterval(tick, order.everyMs);
  };
  if (scope.Deno === undefined) scope.onmessage = ({ data }) => hear(data);
  else scope.process.getBuiltinModule("node:worker_threads").parentPort?.on("message", hear);
}
