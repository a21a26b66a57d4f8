/**
 * The directory of an agent: one process at a time has it, and what the one before left is deleted when it comes.
 *
 * Jobs live in the memory of their agent too, so none of them outlives it. What other processes may use again (the
 * program cache) is not touched.
 */
import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import { type LockFile, takeLockFile } from "../runtime/lock_file.ts";

const LOCK = "agent.lock";
const JOBS = "jobs";

export interface OwnedDirectory {
  /** Where the jobs are; empty at first. */
  readonly jobs: string;
  /** Resolves when somebody deletes the directory, or another process takes it: nothing can be kept there any more. */
  readonly gone: Promise<LucioleError>;
  release(): void;
}

/** @throws {LucioleError} code "directory" when it cannot be written, or is another agent's. */
export function ownDirectory(directory: string): OwnedDirectory {
  const jobs = join(directory, JOBS);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    checkOwner(directory);
    const lock = takeLock(directory);
    rmSync(jobs, { recursive: true, force: true });
    mkdirSync(jobs, { mode: 0o700 });
    return {
      jobs,
      gone: lock.gone.then(
        (what) =>
          new LucioleError("directory", `Cannot go on in the agent's directory ${directory}: ${what}`),
      ),
      release: () => {
        // It may be another's by now.
        if (lock.isHeld()) rmSync(jobs, { recursive: true, force: true });
        lock.release();
      },
    };
  } catch (cause) {
    if (cause instanceof LucioleError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LucioleError("directory", `Cannot use the agent's directory ${directory}: ${reason}`, {
      cause,
    });
  }
}

function takeLock(directory: string): LockFile {
  const lock = takeLockFile(join(directory, LOCK));
  if ("release" in lock) return lock;
  const { pid, host } = lock;
  throw new LucioleError(
    "directory",
    `Cannot use the agent's directory ${directory}: process ${pid} on ${host} uses it`,
    { fields: { directory, pid, host } },
  );
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
