/**
 * What Luciole needs of the JavaScript runtime that it runs on, as one interface.
 *
 * Nothing outside of this folder names `Bun` or `Deno`; current_runtime.ts chooses.
 */
import type { ChildProcess, SpawnOptions } from "./spawn.ts";

export interface ServeOptions {
  readonly listen: ListenAddress;
  readonly fetch: (request: Request) => Response | Promise<Response>;
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
  spawn(options: SpawnOptions): ChildProcess;
  /**
   * Has the system kill this process when its parent goes, even in the midst of a loop that
   * never returns. Only Linux can; elsewhere a worker finds out when it next listens.
   */
  dieWithParent(): Promise<void>;
  /** Frees memory that nothing refers to any more, at once, where the runtime can be asked to. */
  collectGarbage(): void;
  /** The command that starts this very program again. */
  scriptCommand(): readonly string[];
}
