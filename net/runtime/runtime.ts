/**
 * What Luciole needs of the JavaScript runtime that it runs on, as one interface.
 *
 * Nothing outside of this folder names `Bun` or `Deno`; current_runtime.ts chooses.
 */
import type { SignalAction } from "./linux.ts";
import type { ChildProcess, SpawnOptions } from "./spawn.ts";

export interface ServeOptions {
  readonly listen: ListenAddress;
  readonly fetch: Handler;
  /** For TCP only. */
  readonly tls?: ServerTls;
  /** How long nothing may move on a TCP connection, at most 255; two minutes by default. */
  readonly idleSeconds?: number;
}

/**
 * Answers a request. A TCP connection on which nothing moves for `idleSeconds` is closed, but not while
 * the handler holds it: then its answer may take as long as it likes. Deno closes none.
 */
export type Handler = (request: Request, hold: (isHeld: boolean) => void) => Response | Promise<Response>;

/** Texts in PEM. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** When set, clients must show a certificate of this authority. */
  readonly ca?: string;
}

/** Texts in PEM. */
export interface ClientTls {
  /** The authority to trust; those that the system trusts when undefined. */
  readonly ca?: string;
  /** Shown to servers that ask for it, with its key. */
  readonly cert?: string;
  readonly key?: string;
}

export interface RunningThread {
  send(message: object): void;
}

/** Port 0 takes any free port. */
export type ListenAddress =
  | { readonly unixPath: string }
  | { readonly hostname: string; readonly port: number };

export interface RunningServer {
  /** As bound: a port of 0 is replaced by the real one. */
  readonly address: ListenAddress;
  /** Closes the socket and all connections at once, and removes a Unix socket's file. */
  stop(): Promise<void>;
}

export interface Runtime {
  readonly name: "bun" | "deno";
  serve(options: ServeOptions): Promise<RunningServer>;
  /** Sends a request through a Unix socket; `path` begins with "/". */
  fetchUnix(unixPath: string, path: string, init?: RequestInit): Promise<Response>;
  /** The same through TCP, with TLS where it is given; `address` is "host:port". Uses no proxy, follows no redirect. */
  fetchTcp(address: string, path: string, init?: RequestInit, tls?: ClientTls): Promise<Response>;
  spawn(options: SpawnOptions): ChildProcess;
  /**
   * Runs a program of its own in a thread, which does not keep the process from its end. What it is sent it hears as
   * messages of its `parentPort` on Deno, and as `onmessage` on Bun.
   */
  startThread(source: string): RunningThread;
  /**
   * Has the system kill this process when its parent goes, even in the midst of a loop that
   * never returns. Only Linux can; elsewhere a worker finds out when it next listens.
   */
  dieWithParent(): Promise<void>;
  /** The system's call to change what a signal does; nothing where it is another one than that of Linux on 64 bits. */
  signalAction(): Promise<SignalAction | undefined>;
  /** Frees memory that nothing refers to any more, at once, where the runtime can be asked to. */
  collectGarbage(): void;
  /** The command that starts this very program again. */
  scriptCommand(): readonly string[];
  /** The file of the program's main module. */
  mainScript(): string;
}
