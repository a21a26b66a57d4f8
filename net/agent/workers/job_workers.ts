/**
 * The worker processes of one job on an agent, the requests that they hold open, and what is pushed to them.
 *
 * It does not decide who gets what, and whether another process takes the place of one that ended.
 */
import { LucioleError } from "../../../core/errors.ts";
import type { Mail } from "../../mail.ts";
import type { ControlMessage, JobOrder, NextReply, WorkerCommand } from "../../protocol.ts";
import { WorkerHandle } from "./worker_handle.ts";
import type { WorkerStarter } from "./worker_starter.ts";

export interface JobWorkersOptions {
  readonly job: string;
  readonly agent: string;
  readonly directory: string;
  readonly startWorker: WorkerStarter;
  readonly onLog: (worker: number, level: "info" | "warn", text: string) => void;
  readonly onExit: (worker: number, cause: string) => void;
}

export class JobWorkers {
  readonly #options: JobWorkersOptions;
  readonly #handles = new Map<number, WorkerHandle>();
  readonly #held = new Map<number, (reply: NextReply) => void>();

  constructor(options: JobWorkersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#handles.size;
  }

  get pids(): readonly number[] {
    return [...this.#handles.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  has(worker: number): boolean {
    return this.#handles.has(worker);
  }

  /** How many of the workers that an order asks for are not there. */
  missing({ firstWorker, workers }: Pick<JobOrder, "firstWorker" | "workers">): number {
    let missing = 0;
    for (let i = 0; i < workers; i++) if (!this.#handles.has(firstWorker + i)) missing++;
    return missing;
  }

  start(worker: number, command: WorkerCommand): void {
    const { job, agent, directory, startWorker, onLog, onExit } = this.#options;
    const handle = new WorkerHandle({
      start: { job, worker, agent, directory, command },
      startWorker,
      onLog: (level, text) => onLog(worker, level, text),
      onExit: (cause) => {
        // Nobody hears it, but the request that it held open ends.
        this.reply(worker, { kind: "stop" });
        onExit(worker, cause);
      },
    });
    this.#handles.set(worker, handle);
  }

  /** It is gone for good. */
  forget(worker: number): void {
    this.#handles.delete(worker);
    this.#held.delete(worker);
  }

  /** The worker asks; resolves with the answer. An earlier request of its that is still open ends. */
  ask(worker: number): Promise<NextReply> {
    this.reply(worker, { kind: "wait" });
    this.#handles.get(worker)?.showOutput();
    return new Promise((resolve) => this.#held.set(worker, resolve));
  }

  /** Answers the request that a worker holds open. */
  reply(worker: number, reply: NextReply): void {
    const resolve = this.#held.get(worker);
    this.#held.delete(worker);
    resolve?.(reply);
  }

  tell(worker: number, message: ControlMessage): void {
    this.#handles.get(worker)?.control.push(message);
  }

  tellAll(message: ControlMessage): void {
    for (const { control } of this.#handles.values()) control.push(message);
  }

  mail(worker: number, mail: Mail): void {
    this.#handles.get(worker)?.mail.push(mail);
  }

  /** What it is told, as it comes. @throws {LucioleError} code "not-found". */
  openControl(worker: number): ReadableStream<Uint8Array> {
    return this.#find(worker).control.open();
  }

  /** Mail for it, as it comes. @throws {LucioleError} code "not-found". */
  openMail(worker: number): ReadableStream<Uint8Array> {
    return this.#find(worker).mail.open();
  }

  kill(worker: number, why: string): void {
    this.#handles.get(worker)?.kill(why);
  }

  /** Without waiting for their end. */
  killAll(why: string): void {
    for (const handle of this.#handles.values()) handle.kill(why);
  }

  async end(): Promise<void> {
    await Promise.all([...this.#handles.values()].map((handle) => handle.end()));
  }

  #find(worker: number): WorkerHandle {
    const handle = this.#handles.get(worker);
    if (handle !== undefined) return handle;
    throw new LucioleError("not-found", `Cannot find worker ${worker} of job ${this.#options.job}`);
  }
}
