/**
 * The worker's process: its orders come by environment, its end is the process's end.
 *
 * Without its agent a worker has no purpose: it exits at once and leaves no orphan.
 */
import process from "node:process";
import { ProtocolError } from "../../core/errors.ts";
import { failureText } from "../../core/program/failure_text.ts";
import { WORKER_ENV } from "../protocol.ts";
import { applyCodeSetting } from "../runtime/code_setting.ts";
import { currentRuntime } from "../runtime/current_runtime.ts";
import { tcpTransport } from "../tcp_transport.ts";
import { Worker } from "./worker.ts";

const EXIT_DONE = 0;
const EXIT_FAILED = 1;

let working: Promise<never> | undefined;

/**
 * Works for the agent that the environment names, then ends the process.
 *
 * A program may open several jobs at once: its process is one worker all the same.
 */
export function runWorker(): Promise<never> {
  working ??= work();
  return working;
}

async function work(): Promise<never> {
  applyCodeSetting();
  const socket = variable("socket");
  const runtime = await currentRuntime();
  await runtime.dieWithParent();
  const worker = new Worker({
    transport: { fetch: (path, init) => runtime.fetchUnix(socket, path, init) },
    job: variable("job"),
    worker: Number(variable("worker")),
    agent: variable("agent"),
    directory: variable("directory"),
    hasLines: true,
    connect: ({ agent, ...target }) => tcpTransport(runtime, { ...target, name: `agent ${agent}` }),
    collectGarbage: () => runtime.collectGarbage(),
  });
  const { exit } = process;
  // The program's line is told only as long as the process lives.
  process.exit = (code) => {
    if (worker.isRunning) throw new Error(`process.exit(${code ?? ""}) was called in a task`);
    return exit(code);
  };
  const onUncaught = (error: unknown) => {
    // What the end of the job broke off is no error.
    if (worker.isStopping) exit(EXIT_DONE);
    if (worker.crash(error)) return;
    console.error(failureText(error));
    exit(EXIT_FAILED);
  };
  process.on("uncaughtException", onUncaught);
  process.on("unhandledRejection", onUncaught);
  // Ctrl-C and the end of a terminal reach the whole process group; the driver decides, and its agent tells.
  for (const signal of ["SIGINT", "SIGHUP"]) process.on(signal, () => undefined);
  try {
    await worker.run();
  } catch (error) {
    console.error(failureText(error));
    exit(EXIT_FAILED);
  }
  return exit(EXIT_DONE);
}

function variable(name: keyof typeof WORKER_ENV): string {
  const value = process.env[WORKER_ENV[name]];
  if (value === undefined || value === "") {
    throw new ProtocolError(`Cannot start as a worker: ${WORKER_ENV[name]} is not set`);
  }
  return value;
}
