/**
 * What the workers of a job find in their environment, beside what their agent gives them.
 *
 * On the driver's own machine that is all of the driver's; other machines get nothing of it but what results may
 * depend on: there may be secrets among it.
 */
import process from "node:process";
import { WORKER_ENV } from "../../protocol.ts";
import { CODE_VARIABLE } from "../../runtime/code_setting.ts";
import { FAULT_VARIABLE } from "../../runtime/fault_setting.ts";

/** A worker with a budget below this gives memory back to the system as soon as it is free. */
const PLENTY_BYTES = 512 * 2 ** 20;
/**
 * Bun's allocator gives free memory back at once and gets it again page by page, which took a fifth of the time of
 * loops over large columns. The user's own setting counts before it.
 */
const KEEPS_MEMORY = { MIMALLOC_PURGE_DELAY: "-1" };
/** How dates, numbers and texts are written; whether output is coloured. */
const SHARED = /^(TZ|LANG|LC_[A-Z]+|NO_COLOR|FORCE_COLOR|MIMALLOC_\w+)$/;
/** All processes of a job must agree on them. */
const ENGINE: ReadonlySet<string> = new Set([CODE_VARIABLE, FAULT_VARIABLE]);

/** For workers on this machine, which run this very program. */
export function ownEnvironment(memoryBytes: number): Record<string, string> {
  const environment = passed(memoryBytes, (name) => !name.startsWith("LUCIOLE_"));
  const program = process.env[WORKER_ENV.program];
  if (program !== undefined) environment[WORKER_ENV.program] = program;
  return environment;
}

/** For workers on other machines. */
export function sharedEnvironment(memoryBytes: number): Record<string, string> {
  return passed(memoryBytes, (name) => SHARED.test(name));
}

/** For a driver on another machine: the same, and nothing about memory. */
export function driverEnvironment(): Record<string, string> {
  return passed(0, (name) => SHARED.test(name));
}

function passed(memoryBytes: number, isPassed: (name: string) => boolean): Record<string, string> {
  const environment: Record<string, string> = memoryBytes < PLENTY_BYTES ? {} : { ...KEEPS_MEMORY };
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && (ENGINE.has(name) || isPassed(name))) environment[name] = value;
  }
  return environment;
}
