/**
 * One worker as its agent sees it: its control stream, its output, its end.
 *
 * It does not decide whether another worker takes its place.
 */
import type { Mail } from "../../mail.ts";
import type { ControlMessage } from "../../protocol.ts";
import { SequenceOutbox } from "../sequence_outbox.ts";
import { LogGuard } from "./log_guard.ts";
import { OutputHold } from "./output_hold.ts";
import type { StartedWorker, WorkerStart, WorkerStarter } from "./worker_starter.ts";

export interface WorkerHandleOptions {
  readonly start: Omit<WorkerStart, "onOutput" | "onExit">;
  readonly startWorker: WorkerStarter;
  readonly onLog: (level: "info" | "warn", text: string) => void;
  readonly onExit: (cause: string) => void;
}

/** What an idle worker needs to go when it is told to stop. */
const STOP_GRACE_MS = 200;
const KILL_GRACE_MS = 1000;
/** A process that hangs in the kernel (a dead network disk) is left behind. */
const GONE_GRACE_MS = 5000;

export class WorkerHandle {
  readonly control = new SequenceOutbox<ControlMessage>();
  readonly mail = new SequenceOutbox<Mail>();
  readonly #exited = Promise.withResolvers<void>();
  readonly #worker: StartedWorker;
  readonly #guard: LogGuard;
  readonly #hold: OutputHold;
  #why: string | undefined;
  #hasExited = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: WorkerHandleOptions) {
    this.#guard = new LogGuard({
      onLine: (line) => options.onLog("info", line),
      onDropped: (lines, bytes) =>
        options.onLog("warn", `${lines} lines (${bytes} bytes) of output were dropped: too many in a second`),
    });
    this.#hold = new OutputHold((line) => this.#guard.line(line));
    this.#worker = options.startWorker({
      ...options.start,
      onOutput: (_stream, line) => this.#hold.line(line),
      onExit: (cause) => {
        this.#hasExited = true;
        this.#hold.ended();
        this.#guard.flush();
        clearTimeout(this.#timer);
        this.control.end();
        this.mail.end();
        this.#exited.resolve();
        options.onExit(this.#why === undefined ? cause : `${cause} (${this.#why})`);
      },
    });
  }

  /** Of its process, while there is one. */
  get pid(): number | undefined {
    return this.#hasExited ? undefined : this.#worker.pid;
  }

  /** It asked for work: what it prints is the program's own. */
  showOutput(): void {
    this.#hold.started();
  }

  kill(why: string): void {
    this.#why = why;
    this.#worker.kill();
  }

  /** Ends it, gently at first; resolves when it is gone, or when nothing can end it. */
  end(): Promise<void> {
    if (this.#hasExited) return this.#exited.promise;
    this.control.push({ kind: "stop" });
    this.#timer = setTimeout(() => {
      this.#worker.terminate();
      this.#timer = setTimeout(() => {
        this.#worker.kill();
        this.#timer = setTimeout(this.#exited.resolve, GONE_GRACE_MS);
      }, KILL_GRACE_MS);
    }, STOP_GRACE_MS);
    return this.#exited.promise;
  }
}
