/**
 * The directories of local jobs: where they are, and sweeping up what a killed driver left.
 *
 * A directory is named after the process that owns it, and after where that process id
 * counts, so the next run can tell whose owner is gone.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import { isAlive, processSpace } from "../runtime/process_space.ts";

const NAME = /^local-([0-9a-f]{8})-(\d+)-[a-z0-9]+$/;

/** Where Luciole keeps its files: `LUCIOLE_DATA`, or `luciole` within the user's cache directory. */
export function dataDirectory(): string {
  const own = process.env.LUCIOLE_DATA;
  if (own !== undefined && own !== "") return own;
  const cache = process.env.XDG_CACHE_HOME;
  return join(cache !== undefined && cache !== "" ? cache : join(homedir(), ".cache"), "luciole");
}

/** Makes the directory of one local job, and deletes those whose owner is gone. */
export function makeLocalDirectory(suffix: string): string {
  const base = dataDirectory();
  const directory = join(base, `local-${processSpace()}-${process.pid}-${suffix}`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LucioleError(
      "directory",
      `Cannot make the working directory ${directory}: ${reason}; set LUCIOLE_DATA to a directory that can be written`,
      { cause: error },
    );
  }
  sweep(base);
  return directory;
}

function sweep(base: string): void {
  const space = processSpace();
  for (const name of readdirSync(base)) {
    const [, owner, pid] = NAME.exec(name) ?? [];
    if (owner !== space || isAlive(Number(pid))) continue;
    try {
      rmSync(join(base, name), { recursive: true, force: true });
    } catch {
      // Another user's, or another run sweeps it at this very moment: it is no reason not to start.
    }
  }
}

/** Deletes a directory and everything in it; fine when it is gone already. */
export function removeDirectory(directory: string): void {
  if (existsSync(directory)) rmSync(directory, { recursive: true, force: true });
}
