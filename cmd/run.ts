/**
 * `luciole run PROGRAM`: runs a program with the engine inside of the executable.
 */
import process from "node:process";
import { checkVariables } from "../core/cluster/variables.ts";
import { CancelledError } from "../core/errors.ts";
import { compileRunFlags, type Detach, type FlagTexts, type RunFlags } from "../core/program/run_flags.ts";
import * as engine from "../mod.ts";
import { host, neverRan } from "../net/program/host.ts";
import { findProgram, importProgram } from "../net/program/load.ts";
import { WORKER_ENV } from "../net/protocol.ts";
import { outliveReaders } from "../net/runtime/closed_pipes.ts";
import { untilSignal } from "../net/runtime/signals.ts";
import { reportError } from "./output.ts";
import { OTHER_VARIABLES } from "./variables.ts";

/** Everything in `args` is the program's; a leading `--` only separates. */
export async function runProgram(program: string, args: readonly string[], texts: FlagTexts): Promise<void> {
  checkVariables(process.env, OTHER_VARIABLES, { isLenient: true });
  const options = compileRunFlags(texts, process.env);
  const path = await findProgram(program, "run");
  const rest = args[0] === "--" ? args.slice(1) : args;
  host.flags = { options, rest };
  host.program = path;
  // Workers are this executable too, and learn from here what to load.
  process.env[WORKER_ENV.program] = path;
  // A program that reads process.argv itself finds what it would find under `bun PROGRAM`.
  process.argv.splice(1, process.argv.length, path, ...rest);
  if (options.detach !== undefined) {
    await detach(options, options.detach, rest);
    return;
  }
  if (options.cluster !== undefined) await startBundling();
  await importProgram(path, engine);
  // It may call run later; once nothing is left to do it will not.
  process.once("beforeExit", () => {
    if (host.wasCalled !== true) reportError(neverRan(program), options.isJson);
  });
}

/** The program itself is not even loaded here. */
async function detach(options: RunFlags, how: Detach, rest: readonly string[]): Promise<void> {
  outliveReaders();
  const { submitDriver } = await import("../net/driver/detached/submit.ts");
  const left = new AbortController();
  const signal = untilSignal();
  void signal.then((name) => left.abort(new CancelledError(`Ended by ${name}: the driver was not detached`)));
  process.exitCode = await submitDriver(options, how, rest, left.signal);
  process.exit();
}

/** What agents run takes as long to make as the program to load: both at once. */
async function startBundling(): Promise<void> {
  const { localProgram } = await import("../net/program/local_program.ts");
  void localProgram();
}
