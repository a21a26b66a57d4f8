/**
 * Workers inside of the agent's own process, which call its app directly.
 *
 * For a cluster in one process: tests, and flows too small for processes. A killed
 * worker is cut off from its agent; what its user code still does has no effect.
 */
import type { Transport } from "../../protocol.ts";
import { Worker } from "../../worker/worker.ts";
import type { StartedWorker, WorkerStart, WorkerStarter } from "./worker_starter.ts";

export interface WorkerInProcessOptions {
  /** The app of the agent; asked for when the first worker starts. */
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Reaches another agent, to read shards that it holds. */
  readonly transportTo?: (agent: string) => Transport | undefined;
}

export function workersInProcess(options: WorkerInProcessOptions): WorkerStarter {
  return (start) => startInProcess(options, start);
}

function startInProcess(options: WorkerInProcessOptions, start: WorkerStart): StartedWorker {
  let ended: string | undefined;
  const exit = (cause: string) => {
    if (ended !== undefined) return;
    ended = cause;
    queueMicrotask(() => start.onExit(cause));
  };
  const transport: Transport = {
    fetch: async (path, init) => {
      if (ended !== undefined) throw new Error(`Cannot ask the agent: the worker ${ended}`);
      return await options.fetch(new Request(`http://agent${path}`, init));
    },
  };
  const { job, worker, agent, directory } = start;
  const { transportTo } = options;
  const running = new Worker({
    transport,
    job,
    worker,
    agent,
    directory,
    ...(transportTo ? { transportTo } : {}),
  });
  // Not from within the call that starts: its first request must find it known.
  queueMicrotask(() => {
    running.run().then(
      () => exit("exited with code 0"),
      (error: unknown) => exit(`failed: ${error instanceof Error ? error.message : String(error)}`),
    );
  });
  return {
    terminate: () => exit("was ended by signal SIGTERM"),
    kill: () => exit("was ended by signal SIGKILL"),
  };
}
