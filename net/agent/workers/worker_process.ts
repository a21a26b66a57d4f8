/**
 * Workers as child processes of the agent, which dial its Unix socket.
 *
 * Their environment is an allow-list plus what the job asks for, so no secret of
 * the agent reaches user code.
 */

import { WORKER_ENV } from "../../protocol.ts";
import { memoryKills } from "../../runtime/memory_kills.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { describeExit, type SpawnOptions } from "../../runtime/spawn.ts";
import { lastWords } from "./last_words.ts";
import type { StartedWorker, WorkerStart, WorkerStarter } from "./worker_starter.ts";

const INHERITED = /^(PATH|HOME|USER|LANG|LC_[A-Z]+|TZ|TMPDIR|TMP|TEMP|SYSTEMROOT|NO_COLOR|FORCE_COLOR)$/;
/** Lines of stderr among which the cause of an exit is looked for. */
const LAST_LINES = 40;
const LAST_LINE_LENGTH = 500;
const OUT_OF_MEMORY =
  "the machine was out of memory, most likely, as its system has just killed a process for that";

export interface WorkerProcessOptions {
  readonly runtime: Runtime;
  readonly socketPath: string;
  /** What the allow-list is applied to. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How many processes the system has killed for want of memory. */
  readonly memoryKills?: () => number;
}

export function processWorkers(options: WorkerProcessOptions): WorkerStarter {
  return (start) => startProcess(options, start);
}

function startProcess(options: WorkerProcessOptions, start: WorkerStart): StartedWorker {
  const lastLines: string[] = [];
  const kills = options.memoryKills ?? memoryKills;
  const killsBefore = kills();
  let isKilled = false;
  const spawnOptions: SpawnOptions = {
    command: start.command.command,
    environment: environmentOf(options, start),
    workingDirectory: start.command.workingDirectory,
    onStdout: (line) => start.onOutput("stdout", line),
    onStderr: (line) => {
      if (lastLines.push(line.slice(0, LAST_LINE_LENGTH)) > LAST_LINES) lastLines.shift();
      start.onOutput("stderr", line);
    },
    onExit: (exit) => {
      const isOutOfMemory = exit.signal === "SIGKILL" && !isKilled && kills() > killsBefore;
      const words = isOutOfMemory ? OUT_OF_MEMORY : lastWords(lastLines);
      start.onExit(describeExit(exit) + (words === undefined ? "" : `: ${words}`));
    },
  };
  const child = options.runtime.spawn(spawnOptions);
  const { pid } = child;
  return {
    ...(pid === undefined ? {} : { pid }),
    terminate: () => child.kill("SIGTERM"),
    kill: () => {
      isKilled = true;
      child.kill("SIGKILL");
    },
  };
}

/** What user code sees of an agent's environment. */
export function inheritedEnvironment(
  all: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(all)) {
    if (value !== undefined && INHERITED.test(name)) environment[name] = value;
  }
  return environment;
}

function environmentOf(options: WorkerProcessOptions, start: WorkerStart): Record<string, string> {
  return {
    ...inheritedEnvironment(options.environment),
    ...start.command.environment,
    [WORKER_ENV.role]: "task",
    [WORKER_ENV.socket]: options.socketPath,
    [WORKER_ENV.worker]: String(start.worker),
    [WORKER_ENV.job]: start.job,
    [WORKER_ENV.agent]: start.agent,
    [WORKER_ENV.directory]: start.directory,
  };
}
