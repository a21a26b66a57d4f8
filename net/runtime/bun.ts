/**
 * The runtime interface on Bun. The only file that names the global `Bun`.
 */
import { rm } from "node:fs/promises";
import { connect } from "node:net";
import process from "node:process";
import { type Dial, HttpClient, type Line, type LineEvents, NotDialled } from "./http_client.ts";
import { PR_SET_PDEATHSIG, SIGKILL, type SignalAction } from "./linux.ts";
import type {
  ClientTls,
  ListenAddress,
  RunningServer,
  RunningThread,
  Runtime,
  ServeOptions,
} from "./runtime.ts";
import { spawnChild } from "./spawn.ts";

/** Modules inside of a compiled executable live under this path. */
const EMBEDDED = /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/;
/** Shards and channels are sent in pieces far below it; plans of huge flows may be large. */
const MAX_BODY_BYTES = 1 << 30;
/** Well above the pauses in which clients keep a connection for their next request. */
const IDLE_SECONDS = 120;
/** A Unix socket refuses whoever comes while as many wait as it lets: its process is there, and will come to its turn. */
const CROWDED_MS = 1000;
const CROWDED_AGAIN_MS = 20;

export const bunRuntime: Runtime = {
  name: "bun",
  serve: async (options) => serve(options),
  fetchUnix,
  fetchTcp,
  spawn: spawnChild,
  startThread,
  dieWithParent,
  signalAction,
  collectGarbage: () => Bun.gc(true),
  scriptCommand: () => (EMBEDDED.test(Bun.main) ? [process.execPath] : [process.execPath, Bun.main]),
  mainScript: () => Bun.main,
};

function fetchUnix(unixPath: string, path: string, init: RequestInit = {}): Promise<Response> {
  const { body, method, headers, signal } = init;
  if (body instanceof Uint8Array && method !== undefined) {
    const dial: Dial = (events, aborted) => dialUnix(unixPath, events, aborted);
    return clientOf(`unix:${unixPath}`, "localhost", dial).send({ path, method, headers, body, signal });
  }
  // Without `timeout: false` a stream on which nothing comes is cut after five minutes.
  const options: BunFetchRequestInit & { timeout: false } = { ...init, unix: unixPath, timeout: false };
  return fetch(`http://localhost${path}`, options);
}

function fetchTcp(address: string, path: string, init: RequestInit = {}, tls?: ClientTls): Promise<Response> {
  const { body, method, headers, signal } = init;
  const byFetch = (): Promise<Response> => {
    // The types know neither `timeout` nor that `false` keeps the environment's proxy out.
    const options: object = { ...init, timeout: false, proxy: false, redirect: "error", ...(tls && { tls }) };
    return fetch(`${tls === undefined ? "http" : "https"}://${address}${path}`, options);
  };
  if (tls !== undefined || !(body instanceof Uint8Array) || method === undefined) return byFetch();
  const sent = tcpClientOf(address).send({ path, method, headers, body, signal });
  // Sockets call it refused, too, when no way leads to a host: only `fetch` says why.
  return sent.catch((error) => (error instanceof NotDialled ? byFetch() : Promise.reject(error)));
}

function tcpClientOf(address: string): HttpClient {
  const known = clients.get(address);
  if (known !== undefined) return known;
  const { hostname, host, port } = new URL(`http://${address}`);
  const name = hostname.replace(/^\[|\]$/g, "");
  return clientOf(address, host, (events, aborted) => dialTcp(name, Number(port || 80), events, aborted));
}

type Signal = AbortSignal | null | undefined;

/** By the place that they lead to. */
const clients = new Map<string, HttpClient>();

function clientOf(name: string, host: string, dial: Dial): HttpClient {
  let client = clients.get(name);
  if (client === undefined) {
    client = new HttpClient(host, dial);
    clients.set(name, client);
  }
  return client;
}

async function dialUnix(unix: string, events: LineEvents, signal: Signal): Promise<Line> {
  const socket: Bun.SocketHandler = {
    data: (_, bytes) => events.onData(bytes),
    drain: () => events.onRoom(),
    close: (_, error) => events.onClose(error),
    error: (_, error) => events.onClose(error),
    end: () => events.onClose(undefined),
  };
  const line = await whileCrowded(() => Bun.connect({ unix, socket }), signal);
  return {
    write: (bytes) => line.write(bytes),
    isFlushed: () => true,
    hold: (isHeld) => (isHeld ? line.ref() : line.unref()),
    close: () => line.terminate(),
  };
}

async function whileCrowded<T>(dial: () => Promise<T>, signal: Signal): Promise<T> {
  const beginning = performance.now();
  for (;;) {
    try {
      return await dial();
    } catch (error) {
      const isCrowded = error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
      if (!isCrowded || performance.now() - beginning > CROWDED_MS) throw error;
    }
    await Bun.sleep(CROWDED_AGAIN_MS);
    signal?.throwIfAborted();
  }
}

/** Not by Bun.connect(), which cannot be given up: a host that is silent would keep the process for two minutes. */
function dialTcp(host: string, port: number, events: LineEvents, signal: Signal): Promise<Line> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const onAbort = (): void => void socket.destroy();
    signal?.addEventListener("abort", onAbort, { once: true });
    let failure: Error | undefined;
    socket.on("data", (bytes: Uint8Array) => events.onData(bytes));
    socket.on("end", () => events.onClose(undefined));
    socket.on("error", (error) => {
      failure = error;
      reject(new NotDialled("No connection came about", { cause: error }));
    });
    socket.on("close", () => {
      signal?.removeEventListener("abort", onAbort);
      events.onClose(failure);
    });
    socket.on("connect", () => {
      signal?.removeEventListener("abort", onAbort);
      resolve({
        // The socket keeps what there is no room for: of one request, which is in memory anyway.
        write: (bytes) => {
          socket.write(bytes);
          return bytes.byteLength;
        },
        isFlushed: () => socket.writableLength === 0,
        hold: (isHeld) => void (isHeld ? socket.ref() : socket.unref()),
        close: () => void socket.destroy(),
      });
    });
  });
}

function serve({ listen, fetch: handle, tls, idleSeconds }: ServeOptions): RunningServer {
  if ("unixPath" in listen) {
    // The types leave idleTimeout out for Unix sockets; without it a held answer is cut after 10 s.
    const options: object = {
      unix: listen.unixPath,
      idleTimeout: 0,
      maxRequestBodySize: MAX_BODY_BYTES,
      fetch: (request: Request) => handle(request, () => {}),
    };
    const server = Bun.serve(options as Parameters<typeof Bun.serve>[0]);
    return { address: listen, stop: () => stop(server, listen.unixPath) };
  }
  const idleTimeout = idleSeconds ?? IDLE_SECONDS;
  const server = Bun.serve({
    hostname: listen.hostname,
    port: listen.port,
    idleTimeout,
    maxRequestBodySize: MAX_BODY_BYTES,
    fetch: (request, running) =>
      handle(request, (isHeld) => running.timeout(request, isHeld ? 0 : idleTimeout)),
    ...(tls && {
      tls: { ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: tls.ca !== undefined },
    }),
  });
  const address: ListenAddress = { hostname: listen.hostname, port: server.port ?? listen.port };
  return { address, stop: () => stop(server) };
}

/** The Worker of node:worker_threads takes ten times as long to load. */
function startThread(source: string): RunningThread {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const thread = new Worker(url) as Bun.Worker;
  thread.onerror = (event) => event.preventDefault();
  thread.unref();
  return { send: (message) => thread.postMessage(message) };
}

async function dieWithParent(): Promise<void> {
  if (process.platform !== "linux") return;
  try {
    const { dlopen } = await import("bun:ffi");
    const { symbols } = dlopen("libc.so.6", { prctl: { args: ["i32", "u64"], returns: "i32" } });
    symbols.prctl(PR_SET_PDEATHSIG, SIGKILL);
  } catch {
    // Another libc: as on the systems that cannot.
  }
}

async function signalAction(): Promise<SignalAction | undefined> {
  if (process.platform !== "linux") return undefined;
  try {
    const { dlopen, ptr } = await import("bun:ffi");
    const sigaction = { args: ["i32", "ptr", "ptr"], returns: "i32" } as const;
    const { symbols } = dlopen("libc.so.6", { sigaction });
    return (signal, set, old) => void symbols.sigaction(signal, set && ptr(set), old && ptr(old));
  } catch {
    return undefined;
  }
}

async function stop(server: { stop(force: boolean): Promise<void> }, unixPath?: string): Promise<void> {
  // The promise of stop() waits for handlers that hold their answer; the sockets are closed when it returns.
  void server.stop(true);
  if (unixPath !== undefined) await rm(unixPath, { force: true });
}
