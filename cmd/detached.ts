/**
 * The executable as a detached driver: an agent starts it with a program that was sent, and the program's arguments.
 */
import process from "node:process";
import * as engine from "../mod.ts";
import { HOST_KEY, host, neverRan } from "../net/program/host.ts";
import { importProgram } from "../net/program/load.ts";
import { WORKER_ENV } from "../net/protocol.ts";
import { currentRuntime } from "../net/runtime/current_runtime.ts";
import { reportError } from "./output.ts";

export async function runDetached(program: string): Promise<void> {
  // Before any line of the program: it may never come to call run.
  await (await currentRuntime()).dieWithParent();
  const script = process.env[WORKER_ENV.script] ?? program;
  // A program that brings an engine of its own shares it.
  Object.defineProperty(globalThis, Symbol.for(HOST_KEY), { value: host });
  host.program = program;
  // A program that reads process.argv itself finds what it would find where it was sent.
  process.argv[1] = script;
  const isJson = process.env.LUCIOLE_JSON === "true";
  try {
    await importProgram(program, engine);
  } catch (error) {
    reportError(error, isJson);
    return;
  }
  process.once("beforeExit", () => {
    if (host.wasCalled !== true) reportError(neverRan(script), isJson);
  });
}
