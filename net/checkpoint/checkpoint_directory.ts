/**
 * The directory of a checkpoint: one driver at a time has it; its log and copies are there until the job has
 * succeeded.
 *
 * When it cannot be written any more the job goes on without it, which is told once.
 */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { History } from "../../core/checkpoint/history.ts";
import { type CheckpointRecord, HAS_SUCCEEDED, type OpenedRecord } from "../../core/checkpoint/records.ts";
import { describeThrown, LucioleError } from "../../core/errors.ts";
import { plural } from "../../core/program/plural.ts";
import { pause } from "../pause.ts";
import { host } from "../program/host.ts";
import { lifeThread } from "../runtime/life_thread.ts";
import { type LockFile, type LockOwner, LockWatch, STALE_MS, takeLockFile } from "../runtime/lock_file.ts";
import { systemCode } from "../store/disk.ts";
import { systemReason } from "../system_reason.ts";
import { CopyFiles } from "./copy_files.ts";
import { LogFile, readLog } from "./log_file.ts";

const LOCK = "driver.lock";
const LOG = "log.cborseq";
const COPIES = "copies";
/** A log of less is not worth being written anew. */
const MIN_REWRITE_BYTES = 2 ** 20;
const ASK_AGAIN_MS = 500;
const TOUCH_MS = 1_000;
/** One that was killed a moment ago may not be gone yet. */
const ENDING_MS = 2_000;

export interface DirectoryOptions {
  readonly path: string;
  /** Go on from what is there. */
  readonly isResumed: boolean;
  readonly opened: OpenedRecord;
  readonly log: (text: string) => void;
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
}

/** @throws {LucioleError} code "checkpoint" When it cannot be used, or not for this program. */
export async function openCheckpointDirectory(options: DirectoryOptions): Promise<CheckpointDirectory> {
  const path = resolve(options.path);
  const cannot = (why: string, cause?: unknown): LucioleError =>
    new LucioleError("checkpoint", `Cannot keep a checkpoint in ${path}: ${why}`, {
      cause,
      fields: { path },
    });
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const lock = await takeLock(path, options, cannot);
    try {
      return new CheckpointDirectory({ ...options, path }, { lock, cannot });
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw error instanceof LucioleError && (error.code === "checkpoint" || error.code === HAS_SUCCEEDED)
      ? error
      : // What the system says is told in words; its own text would come a second time as the cause.
        cannot(systemReason(error), systemCode(error) === undefined ? error : undefined);
  }
}

type Cannot = (why: string, cause?: unknown) => LucioleError;

/** A driver that is started again elsewhere may come before it shows that the one before is dead. */
async function takeLock(path: string, options: DirectoryOptions, cannot: Cannot): Promise<LockFile> {
  const file = join(path, LOCK);
  const begun = Date.now();
  const watch = new LockWatch(file);
  let first: LockOwner | undefined;
  for (;;) {
    const taken = takeLockFile(file);
    if ("release" in taken) return taken;
    first ??= taken;
    // One that is detached comes as soon as the agent of the one before is lost, which ends a moment later.
    const mayEnd = taken.isElsewhere || host.sent !== undefined;
    const waitMs = mayEnd ? STALE_MS + ASK_AGAIN_MS : ENDING_MS;
    const isAwaited = options.isResumed && taken.pid === first.pid;
    if (!isAwaited || Date.now() - begun >= waitMs) {
      throw cannot(`the driver with process ${taken.pid} on ${taken.host} is using it`);
    }
    if (taken.isElsewhere) watch.look(performance.now());
    await pause(ASK_AGAIN_MS, options.signal);
    options.signal.throwIfAborted();
  }
}

export class CheckpointDirectory {
  readonly history: History;
  readonly copies: CopyFiles;
  readonly #options: DirectoryOptions;
  readonly #lock: LockFile;
  readonly #letGo: () => void;
  readonly #log: LogFile;
  #rewriteAt = MIN_REWRITE_BYTES;
  #isBroken = false;
  #isClosed = false;

  constructor(
    options: DirectoryOptions,
    { lock, cannot }: { readonly lock: LockFile; readonly cannot: Cannot },
  ) {
    this.#options = options;
    this.#lock = lock;
    const path = join(options.path, LOG);
    const past = readPast(path, options, cannot);
    this.history = new History(past);
    this.#log = new LogFile(path, [options.opened, ...this.history.records()]);
    this.copies = new CopyFiles(join(options.path, COPIES));
    for (const number of this.copies.executions()) if (!this.history.has(number)) this.copies.drop(number);
    if (options.isResumed) this.#tell(past);
    this.#letGo = lifeThread.keep({ everyMs: TOUCH_MS, file: lock });
    void lock.gone.then((what) => this.giveUp(new Error(what)));
  }

  /** False once it could not be written, or was closed: nothing is kept from then on. */
  get isKept(): boolean {
    return !this.#isBroken && !this.#isClosed;
  }

  /** What is written survives this process at once, and the machine when `sync` has resolved. */
  append(record: Exclude<CheckpointRecord, OpenedRecord>): void {
    this.history.note(record);
    if (!this.isKept) return;
    try {
      this.#log.append(record);
      if (this.#log.sizeBytes > this.#rewriteAt) this.rewrite();
    } catch (error) {
      this.giveUp(error);
    }
  }

  async sync(): Promise<void> {
    if (!this.isKept) return;
    try {
      // The log tells of copies, and what it makes useless is deleted.
      await this.copies.sync();
      await this.#log.sync();
    } catch (error) {
      this.giveUp(error);
    }
  }

  /** Leaves out of the log what is of no use. */
  rewrite(): void {
    if (!this.isKept) return;
    try {
      this.#log.rewrite([this.#options.opened, ...this.history.records()]);
      this.#rewriteAt = Math.max(MIN_REWRITE_BYTES, 2 * this.#log.sizeBytes);
    } catch (error) {
      this.giveUp(error);
    }
  }

  /** @throws {LucioleError} When another driver has taken it over: it publishes what there is to publish. */
  checkOwn(): void {
    if (this.#isClosed || this.#lock.isHeld() || !existsSync(this.#lock.path)) return;
    const { path } = this.#options;
    const message = `Cannot publish: this process stood still, and another driver goes on from the checkpoint in ${path}`;
    throw new LucioleError("checkpoint", message, { fields: { path } });
  }

  /** The job goes on without a checkpoint. */
  giveUp(error: unknown): void {
    if (!this.isKept) return;
    this.#isBroken = true;
    const { warn, path } = this.#options;
    warn(`the checkpoint in ${path} is not kept up from here on: ${describeThrown(error)}`);
  }

  /** @param isOver The job has succeeded: nobody will go on from here. */
  close(isOver: boolean): void {
    this.#isClosed = true;
    try {
      // Of a driver that is killed from here on it is known that nothing is left to do.
      if (isOver && this.#lock.isHeld()) this.#succeed();
      this.#log.close();
    } finally {
      this.#letGo();
      this.#lock.release();
    }
  }

  #succeed(): void {
    const { opened, path, warn } = this.#options;
    const copies = join(path, COPIES);
    try {
      // It was warned of that it is not kept up: what it tells of is over.
      if (this.#isBroken) rmSync(join(path, LOG), { force: true });
      else this.#log.rewrite([opened, { kind: "succeeded", time: Date.now() }]);
    } catch (error) {
      warn(`the checkpoint in ${path} cannot tell that the job has succeeded: ${describeThrown(error)}`);
      rmSync(join(path, LOG), { force: true });
    }
    rmSync(copies, { recursive: true, force: true });
  }

  #tell(past: readonly CheckpointRecord[]): void {
    const { log, warn, path } = this.#options;
    const { done } = this.history;
    if (past.length === 0) warn(`there is nothing in ${path} to go on from: the job starts at its beginning`);
    else log(`Going on from ${path}, where ${plural(done, "execution")} ended well`);
  }
}

/** The records of the driver before, checked to be of this program. */
function readPast(path: string, options: DirectoryOptions, cannot: Cannot): readonly CheckpointRecord[] {
  const { isResumed, opened, warn } = options;
  const { records, tornBytes } = readLog(path);
  const [first, second] = records;
  if (first?.kind === "opened" && second?.kind === "succeeded") {
    if (isResumed && isSameJob(first, opened)) throw hasSucceeded(options.path, second.time);
    return [];
  }
  if (!isResumed && (first !== undefined || tornBytes > 0)) {
    throw cannot(
      "there is one of a job that has not succeeded; go on from it with --resume, or delete the directory",
    );
  }
  if (first === undefined) {
    if (tornBytes > 0) warn(`the log ${path} is damaged from its start`);
    return [];
  }
  if (first.kind !== "opened") throw cannot("its log does not begin as one of Luciole does");
  if (first.version !== opened.version) {
    throw cannot(
      `it is of version ${first.version}, and this is ${opened.version}; delete the directory to begin anew`,
    );
  }
  if (first.program !== opened.program) {
    throw cannot(
      "it is of another program, or this one was changed since; delete the directory to begin anew, or run the program as it was",
    );
  }
  // A driver that is killed leaves the last record cut short.
  if (tornBytes > 0) warn(`${tornBytes} bytes at the end of ${path} are no whole record, and are left out`);
  return records;
}

/** With other arguments, or changed since, it is another job, which begins at its beginning. */
function isSameJob(left: OpenedRecord, right: OpenedRecord): boolean {
  return (
    left.program === right.program &&
    left.version === right.version &&
    left.args.length === right.args.length &&
    left.args.every((arg, i) => arg === right.args[i])
  );
}

function hasSucceeded(path: string, time: number): LucioleError {
  const when = new Date(time).toISOString();
  const message = `The job of the checkpoint in ${path} has succeeded at ${when}: nothing runs again; without --resume it runs anew`;
  return new LucioleError(HAS_SUCCEEDED, message, { fields: { path } });
}
