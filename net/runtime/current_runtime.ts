/**
 * Chooses the implementation for the runtime at hand, by feature detection.
 *
 * It is loaded when it is first asked for, so the other one's code never is.
 */
import type { Runtime } from "./runtime.ts";

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
