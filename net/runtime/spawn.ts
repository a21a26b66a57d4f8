/**
 * Starts child processes whose output is read line by line.
 *
 * Both runtimes offer node:child_process, so there is one implementation. It does
 * not know what the child is for.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { LineSplitter } from "./line_splitter.ts";

export interface SpawnOptions {
  readonly command: readonly string[];
  /** The child's whole environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly onStdout: (line: string) => void;
  readonly onStderr: (line: string) => void;
  /** Gets all bytes as they come, too; the child is not read on until it has them. */
  readonly onBytes?: (stream: "stdout" | "stderr", bytes: Uint8Array) => Promise<void>;
  /** Called once, after the last line; exactly one of the two is set unless the start failed. */
  readonly onExit: (exit: ProcessExit) => void;
}

export interface ProcessExit {
  readonly code?: number;
  readonly signal?: string;
  /** Set when the process could not be started at all. */
  readonly error?: Error;
}

export interface ChildProcess {
  /** Undefined when the process could not be started. */
  readonly pid: number | undefined;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** What a grandchild that inherited the pipes may delay the exit of its parent by. */
const PIPE_GRACE_MS = 200;
/** The same where its output is kept as it came: what is in the pipes is to be read first. */
const DRAIN_MS = 2_000;

export function spawnChild(options: SpawnOptions): ChildProcess {
  const [file, ...args] = options.command;
  if (file === undefined) throw new RangeError("Cannot start a process: the command is empty");
  let child: ChildProcessByStdio<null, Readable, Readable>;
  try {
    child = spawn(file, args, {
      env: { ...options.environment },
      cwd: options.workingDirectory,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    // An empty name, a zero byte, too long a command line: told as a missing file is.
    queueMicrotask(() =>
      options.onExit({ error: error instanceof Error ? error : new Error(String(error)) }),
    );
    return { pid: undefined, kill: () => undefined };
  }
  const stdout = new LineSplitter(options.onStdout);
  const stderr = new LineSplitter(options.onStderr);
  let isOver = false;
  const over = (exit: ProcessExit) => {
    if (isOver) return;
    isOver = true;
    stdout.end();
    stderr.end();
    options.onExit(exit);
  };
  readPipe(child.stdout, "stdout", stdout, options);
  readPipe(child.stderr, "stderr", stderr, options);
  child.on("error", (error) => over({ error }));
  // "close" comes after the last output, but never while a grandchild holds the pipes open.
  child.on("exit", (code, signal) => {
    const exit = exitOf(code, signal);
    const timer = setTimeout(() => over(exit), options.onBytes === undefined ? PIPE_GRACE_MS : DRAIN_MS);
    child.on("close", () => {
      clearTimeout(timer);
      over(exit);
    });
  });
  return { pid: child.pid, kill: (signal) => void child.kill(signal) };
}

function readPipe(
  pipe: Readable,
  name: "stdout" | "stderr",
  lines: LineSplitter,
  { onBytes }: SpawnOptions,
): void {
  pipe.on("data", (bytes: Uint8Array) => {
    lines.write(bytes);
    if (onBytes === undefined) return;
    pipe.pause();
    onBytes(name, bytes).finally(() => pipe.resume());
  });
}

function exitOf(code: number | null, signal: string | null): ProcessExit {
  return signal === null ? { code: code ?? 0 } : { signal };
}

/** `exited with code 1`, `was ended by signal SIGKILL`. */
export function describeExit(exit: ProcessExit): string {
  if (exit.error !== undefined) return `could not be started: ${exit.error.message}`;
  return exit.signal === undefined ? `exited with code ${exit.code}` : `was ended by signal ${exit.signal}`;
}
