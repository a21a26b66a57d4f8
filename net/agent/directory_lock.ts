/**
 * The directory of an agent: one process at a time has it, and what the one before left is deleted when it comes.
 *
 * Jobs live in the memory of their agent too, so none of them outlives it. What other processes may use again (the
 * program cache) is not touched.
 */
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import { isAlive, processSpace, startOf } from "../runtime/process_space.ts";

const LOCK = "agent.lock";
const JOBS = "jobs";
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
  const timer = setInterval(() => refresh(path), REFRESH_MS);
  timer.unref();
  return {
    jobs,
    release: () => {
      clearInterval(timer);
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
    try {
      writeFileSync(path, JSON.stringify(own), { flag: "wx", mode: 0o600 });
      return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST") || tries > 2) throw error;
    }
    const owner = readOwner(path);
    if (owner !== undefined && isThere(owner, path, own.space)) {
      throw new LucioleError(
        "directory",
        `Cannot use the agent's directory ${directory}: process ${owner.pid} on ${owner.host} uses it`,
        { fields: { directory, pid: owner.pid, host: owner.host } },
      );
    }
    rmSync(path, { force: true });
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, "utf8"));
    return typeof owner?.pid === "number" ? owner : undefined;
  } catch {
    // Cut short by a crash, or gone meanwhile.
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

function refresh(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // Somebody deleted the directory: the agent goes on as long as it can.
  }
}
