/**
 * The runtime interface on Deno. The only file that names the global `Deno`,
 * whose types are declared here as far as they are used: the project is checked
 * with Bun's types.
 */
import { rm } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { coded } from "./deno_errors.ts";
import { denoFlags } from "./deno_flags.ts";
import { PR_SET_PDEATHSIG, SIGKILL, type SignalAction } from "./linux.ts";
import type {
  ClientTls,
  ListenAddress,
  RunningServer,
  RunningThread,
  Runtime,
  ServeOptions,
  ServerTls,
} from "./runtime.ts";
import { spawnChild } from "./spawn.ts";

interface DenoServer {
  readonly addr: { readonly port?: number };
  readonly finished: Promise<void>;
}

interface DenoGlobal {
  readonly mainModule: string;
  readonly build: { readonly standalone: boolean };
  execPath(): string;
  serve(
    options: {
      path?: string;
      hostname?: string;
      port?: number;
      cert?: string;
      key?: string;
      signal: AbortSignal;
      onListen(): void;
    },
    handler: (request: Request) => Response | Promise<Response>,
  ): DenoServer;
  dlopen(
    library: string,
    symbols: { prctl: { parameters: string[]; result: string } },
  ): { readonly symbols: { prctl(option: number, value: bigint): number } };
  dlopen(
    library: string,
    symbols: { sigaction: { parameters: string[]; result: string } },
  ): { readonly symbols: { sigaction: SignalAction } };
  readonly permissions: { querySync(descriptor: { name: "ffi" }): { readonly state: string } };
  createHttpClient(
    options:
      | { proxy: { transport: "unix"; path: string } }
      | { caCerts?: readonly string[]; cert?: string; key?: string },
  ): object;
}

const deno = (globalThis as unknown as { readonly Deno: DenoGlobal }).Deno;
const clients = new Map<string, object>();
const tcpClients = new WeakMap<ClientTls, object>();

export const denoRuntime: Runtime = {
  name: "deno",
  serve: async (options) => serve(options),
  fetchUnix(unixPath, path, init) {
    return fetch(`http://localhost${path}`, { ...init, client: clientOf(unixPath) } as RequestInit);
  },
  fetchTcp(address, path, init, tls) {
    const options = { ...init, redirect: "error", ...(tls && { client: tcpClientOf(tls) }) };
    const url = `${tls === undefined ? "http" : "https"}://${address}${path}`;
    return fetch(url, options as RequestInit).catch((error) => Promise.reject(coded(error)));
  },
  spawn: spawnChild,
  startThread,
  dieWithParent: async () => dieWithParent(),
  signalAction: async () => signalAction(),
  // Deno has no call for it unless it was started with one.
  collectGarbage: () => undefined,
  scriptCommand: () =>
    deno.build.standalone
      ? [deno.execPath()]
      : [deno.execPath(), "run", ...(denoFlags(deno.mainModule) ?? ["-A"]), deno.mainModule],
  mainScript: () => fileURLToPath(deno.mainModule),
};

/** The global Worker would keep the process from its end. */
function startThread(source: string): RunningThread {
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  const thread = new Worker(source, { eval: true });
  thread.on("error", () => undefined);
  thread.unref();
  return { send: (message) => thread.postMessage(message) };
}

function dieWithParent(): void {
  if (process.platform !== "linux") return;
  try {
    const prctl = { parameters: ["i32", "u64"], result: "i32" };
    deno.dlopen("libc.so.6", { prctl }).symbols.prctl(PR_SET_PDEATHSIG, BigInt(SIGKILL));
  } catch {
    // Another libc: as on the systems that cannot.
  }
}

function signalAction(): SignalAction | undefined {
  // Whoever may not is not to be asked for it on a terminal.
  const isAllowed = deno.permissions.querySync({ name: "ffi" }).state === "granted";
  if (process.platform !== "linux" || !isAllowed) return undefined;
  try {
    const sigaction = { parameters: ["i32", "buffer", "buffer"], result: "i32" };
    return deno.dlopen("libc.so.6", { sigaction }).symbols.sigaction;
  } catch {
    return undefined;
  }
}

/** A client keeps its connections, so there is one for each socket for the life of the process. */
function clientOf(unixPath: string): object {
  let client = clients.get(unixPath);
  if (client === undefined) {
    client = deno.createHttpClient({ proxy: { transport: "unix", path: unixPath } });
    clients.set(unixPath, client);
  }
  return client;
}

function tcpClientOf(tls: ClientTls): object {
  let client = tcpClients.get(tls);
  if (client === undefined) {
    const { ca, cert, key } = tls;
    const own = cert === undefined || key === undefined ? {} : { cert, key };
    client = deno.createHttpClient({ ...(ca === undefined ? {} : { caCerts: [ca] }), ...own });
    tcpClients.set(tls, client);
  }
  return client;
}

function serve({ listen, fetch, tls }: ServeOptions): RunningServer {
  const stopping = new AbortController();
  const options = { signal: stopping.signal, onListen() {} };
  const handle = (request: Request) => fetch(request, () => {});
  if ("unixPath" in listen) {
    deno.serve({ path: listen.unixPath, ...options }, handle);
    const stop = async () => {
      stopping.abort();
      await rm(listen.unixPath, { force: true });
    };
    return { address: listen, stop };
  }
  const server = deno.serve({ ...listen, ...options, ...certificateOf(tls) }, handle);
  const address: ListenAddress = { hostname: listen.hostname, port: server.addr.port ?? listen.port };
  return { address, stop: async () => stopping.abort() };
}

function certificateOf(tls: ServerTls | undefined): { readonly cert?: string; readonly key?: string } {
  if (tls?.ca !== undefined) {
    throw new TypeError(
      "Cannot ask clients for certificates: Deno cannot; serve with the executable instead",
    );
  }
  return tls ?? {};
}
