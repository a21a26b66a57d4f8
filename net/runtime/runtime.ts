/**
 * What Luciole needs of the JavaScript runtime that it runs on, as one interface.
 *
 * The implementation is chosen by feature detection and loaded when it is first
 * asked for. Nothing outside of this folder names `Bun` or `Deno`.
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
  /** The command that starts this very program again. */
  scriptCommand(): readonly string[];
}

let chosen: Promise<Runtime> | undefined;

/** The runtime at hand. @throws {TypeError} on one that is neither Bun nor Deno. */
export function currentRuntime(): Promise<Runtime> {
  chosen ??= load();
  return chosen;
}

async function load(): Promise<Runtime> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunRuntime;
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoRuntime;
  throw new TypeError("Cannot start: Luciole runs on Bun or Deno, and this runtime is neither");
}
