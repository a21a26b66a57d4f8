/**
 * The directory of an agent: one process at a time has it, and what the one before left is deleted when it comes.
 *
 * Jobs live in the memory of their agent too, so none of them outlives it. What other processes may use again (the
 * program cache) is not touched.
 */
import { randomBytes } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import { isAlive, processSpace, startOf } from "../runtime/process_space.ts";

const LOCK = "agent.lock";
const JOBS = "jobs";
/** Of processes that start at once, all but one find that one there soon. */
const MAX_TRIES = 10;
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);
const REFRESH_MS = 5_000;
/** Of a process on another host or in another container it is only known when it last wrote. */
const STALE_MS = 20_000;

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly space: string;
  /** When it started, since process ids are used again. */
  readonly start: string;
}

export interface OwnedDirectory {
  /** Where the jobs are; empty at first. */
  readonly jobs: string;
  /** Resolves when somebody deletes the directory, or another process takes it: nothing can be kept there any more. */
  readonly gone: Promise<LucioleError>;
  release(): void;
}

/** @throws {LucioleError} code "directory" when it cannot be written, or is another agent's. */
export function ownDirectory(directory: string): OwnedDirectory {
  const path = join(directory, LOCK);
  const jobs = join(directory, JOBS);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    checkOwner(directory);
    takeLock(directory, path);
    rmSync(jobs, { recursive: true, force: true });
    mkdirSync(jobs, { mode: 0o700 });
  } catch (cause) {
    if (cause instanceof LucioleError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LucioleError("directory", `Cannot use the agent's directory ${directory}: ${reason}`, {
      cause,
    });
  }
  const text = read(path);
  const gone = Promise.withResolvers<LucioleError>();
  const timer = setInterval(() => {
    if (refresh(path, text)) return;
    clearInterval(timer);
    const what = existsSync(path) ? "another process has taken it" : "somebody deleted it";
    gone.resolve(
      new LucioleError("directory", `Cannot go on in the agent's directory ${directory}: ${what}`),
    );
  }, REFRESH_MS);
  timer.unref();
  return {
    jobs,
    gone: gone.promise,
    release: () => {
      clearInterval(timer);
      // It may be another's by now.
      if (read(path) !== text) return;
      rmSync(jobs, { recursive: true, force: true });
      rmSync(path, { force: true });
    },
  };
}

/** Whoever else may write to it could put programs there that this user then runs. */
function checkOwner(directory: string): void {
  const own = process.getuid?.();
  if (own === undefined) return;
  const { uid, mode } = statSync(directory);
  const isStrange = own !== 0 && uid !== own && uid !== 0;
  if (!isStrange && (mode & 0o002) === 0) return;
  const why = isStrange ? "it belongs to another user" : "every user of this machine may write to it";
  throw new LucioleError("directory", `Cannot use the agent's directory ${directory}: ${why}`, {
    fields: { directory },
  });
}

function takeLock(directory: string, path: string): void {
  const own: Owner = {
    pid: process.pid,
    host: hostname(),
    space: processSpace(),
    start: startOf(process.pid),
  };
  for (let tries = 0; ; tries++) {
    if (create(path, JSON.stringify(own))) return;
    if (tries > MAX_TRIES) throw new Error(`${LOCK} changes again and again`);
    const text = read(path);
    const owner = ownerIn(text);
    if (owner !== undefined && isThere(owner, path, own.space)) {
      throw new LucioleError(
        "directory",
        `Cannot use the agent's directory ${directory}: process ${owner.pid} on ${owner.host} uses it`,
        { fields: { directory, pid: owner.pid, host: owner.host } },
      );
    }
    removeStale(path, text);
  }
}

/** Makes the lock with all that it holds at once: another process would take a part of it for nobody's. */
function create(path: string, text: string): boolean {
  const draft = besides(path);
  try {
    writeFileSync(draft, text, { flag: "wx", mode: 0o600 });
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // Not every file system has links.
    if (!NO_LINKS.has(codeOf(error))) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  try {
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Deletes a lock that holds this text, and not what another process has put in its place since. */
function removeStale(path: string, text: string | undefined): void {
  const aside = besides(path);
  try {
    renameSync(path, aside);
  } catch (error) {
    // Another process was faster.
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const moved = read(aside);
  if (moved !== undefined && moved !== text) create(path, moved);
  rmSync(aside, { force: true });
}

function besides(path: string): string {
  return `${path}.${randomBytes(8).toString("hex")}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Gone meanwhile.
    return undefined;
  }
}

/** Undefined when it was cut short by a crash. */
function ownerIn(text: string | undefined): Owner | undefined {
  try {
    const owner = JSON.parse(text ?? "");
    return typeof owner?.pid === "number" ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isThere(owner: Owner, path: string, space: string): boolean {
  if (owner.space === space) return isAlive(owner.pid) && startOf(owner.pid) === owner.start;
  try {
    return Date.now() - statSync(path).mtimeMs < STALE_MS;
  } catch {
    return false;
  }
}

/** @returns False when the lock is not there any more, or another's. */
function refresh(path: string, text: string | undefined): boolean {
  const now = new Date();
  try {
    if (readFileSync(path, "utf8") !== text) return false;
    utimesSync(path, now, now);
    return true;
  } catch (error) {
    // Disks of the network fail for a moment.
    return codeOf(error) !== "ENOENT";
  }
}
