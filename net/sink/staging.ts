/**
 * Outputs that appear once, whole or not at all.
 *
 * Attempts write beside the target, in a staging directory of their execution;
 * publishing gives the winners their names and moves the directory (or the one
 * file) to its place. Knows nothing of formats or of who won.
 */
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { LucioleError } from "../../core/errors.ts";
import manifest from "../../package.json" with { type: "json" };
import { orDiskFull, systemCode } from "../store/disk.ts";

export interface SinkTarget {
  readonly path: string;
  /** One file instead of a directory. */
  readonly single: boolean;
  readonly overwrite: boolean;
}

export interface StagedPart {
  readonly attempt: string;
  /** Within the staging directory. */
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
}

export interface PublishOptions extends SinkTarget {
  readonly staging: string;
  /** In the order of their shards. */
  readonly parts: readonly StagedPart[];
}

export interface Published {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** Names within the directory; the file itself when it is one. */
  readonly files: readonly string[];
}

const MANIFEST = "_SUCCESS";
/** Names the topmost directory that was made for the staging directory to be in. */
const MADE = ".made";
const STAGED = ".tmp";

/** Where an execution stages what it writes to `path`. */
export function stagingDirectory(path: string, execution: string): string {
  const target = resolve(path);
  return join(dirname(target), `.${basename(target)}.staging-${execution}`);
}

/**
 * Refuses a target before anything runs.
 *
 * @throws {LucioleError} code "output-exists" when it is something else than an output of Luciole,
 * "output-unwritable" when it cannot be made there.
 */
export function checkSink({ path, single, overwrite }: SinkTarget): void {
  const kind = kindOf(path);
  if (kind !== "none" && !overwrite && !isReplaceable(path, kind, single)) {
    throw new LucioleError("output-exists", `Cannot write "${path}": ${describe(kind, single)}`, {
      fields: { path },
    });
  }
  const parent = existingParent(path);
  try {
    if (!statSync(parent).isDirectory()) throw unwritable(path, `${parent} is not a directory`);
    accessSync(parent, constants.W_OK | constants.X_OK);
  } catch (cause) {
    if (cause instanceof LucioleError) throw cause;
    throw unwritable(path, `the directory ${parent} cannot be written (${systemCode(cause)})`, cause);
  }
}

/** Makes the staging directory, and the directories above it where they are missing. */
export function makeStaging(staging: string): void {
  let first: string | undefined;
  try {
    first = orDiskFull(staging, 0, () => mkdirSync(staging, { recursive: true }));
  } catch (cause) {
    if (cause instanceof LucioleError) throw cause;
    throw unwritable(dirname(staging), `no directory can be made in it (${systemCode(cause)})`, cause);
  }
  if (first === undefined || resolve(first) === resolve(staging)) return;
  writeFileSync(join(staging, MADE), resolve(first));
}

/** Name of the staged file of an attempt. @param extension With its dot. */
export function stagedName(attempt: string, extension: string): string {
  return `${attempt}${extension}${STAGED}`;
}

/** Puts the parts in their place, all or none. */
export function publish(options: PublishOptions): Published {
  const { path, single, staging, parts } = options;
  // Somebody may have put something there while the flow ran.
  checkSink(options);
  makeStaging(staging);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const files = single ? [basename(path)] : parts.map((part, i) => partName(part, i));
  if (single) publishFile(options);
  else publishDirectory(options, files);
  return { path, rows, bytes, files };
}

/** Deletes what was staged and not published, with the directories that were made for it; fine when it is gone. */
export function discardStaging(staging: string): void {
  const first = readIfThere(join(staging, MADE));
  try {
    rmSync(staging, { recursive: true, force: true });
  } catch {
    // It could never be made there, or nobody can delete there: why it failed is told already.
    return;
  }
  if (first === undefined) return;
  for (let directory = dirname(staging); directory.startsWith(first); directory = dirname(directory)) {
    try {
      rmdirSync(directory);
    } catch {
      // Others have put something there since.
      return;
    }
  }
}

function publishFile({ path, staging, parts }: PublishOptions): void {
  if (parts.length !== 1) {
    throw new LucioleError(
      "internal",
      `Cannot publish "${path}": one file is wanted, and there are ${parts.length}`,
    );
  }
  const staged = join(staging, parts[0].name);
  if (kindOf(path) === "directory") swap(staged, path);
  else renameSync(staged, path);
  rmSync(staging, { recursive: true, force: true });
}

function publishDirectory({ path, staging, parts }: PublishOptions, files: readonly string[]): void {
  for (const [i, part] of parts.entries()) renameSync(join(staging, part.name), join(staging, files[i]));
  // What attempts left that did not win, or a driver that was killed in this place.
  const winners = new Set(files);
  for (const name of readdirSync(staging)) {
    if (!winners.has(name)) rmSync(join(staging, name), { recursive: true, force: true });
  }
  const list = parts.map(({ rows, bytes }, i) => ({ name: files[i], rows, bytes }));
  const text = `${JSON.stringify({ luciole: manifest.version, parts: list }, undefined, 1)}\n`;
  orDiskFull(join(staging, MANIFEST), text.length, () => writeFileSync(join(staging, MANIFEST), text));
  if (kindOf(path) === "none") renameSync(staging, path);
  else swap(staging, path);
}

/** Moves `from` to where something is; that is put back when it fails. */
function swap(from: string, path: string): void {
  const target = resolve(path);
  const old = join(dirname(target), `.${basename(target)}.old-${basename(from)}`);
  rmSync(old, { recursive: true, force: true });
  renameSync(target, old);
  try {
    renameSync(from, target);
  } catch (error) {
    renameSync(old, target);
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}

function partName(part: StagedPart, shard: number): string {
  const extension = part.name.slice(part.attempt.length, -STAGED.length);
  return `part-${String(shard).padStart(5, "0")}${extension}`;
}

type Kind = "none" | "file" | "directory" | "other";

function kindOf(path: string): Kind {
  try {
    const stat = statSync(path);
    return stat.isDirectory() ? "directory" : stat.isFile() ? "file" : "other";
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOENT") return "none";
    throw unwritable(path, `it cannot be reached (${code})`, cause);
  }
}

function isReplaceable(path: string, kind: Kind, single: boolean): boolean {
  if (kind === "file") return single;
  if (kind !== "directory" || single) return false;
  return readdirSync(path).length === 0 || isOutput(path);
}

/** Tells whether a directory is an output of Luciole. */
function isOutput(path: string): boolean {
  const text = readIfThere(join(path, MANIFEST));
  if (text === undefined) return false;
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === "object" && content !== null && "luciole" in content;
  } catch {
    return false;
  }
}

function describe(kind: Kind, single: boolean): string {
  if (single && kind === "directory") return "it is a directory";
  return "it exists and is not an output of Luciole";
}

function existingParent(path: string): string {
  let directory = dirname(resolve(path));
  while (kindOf(directory) === "none") directory = dirname(directory);
  return directory;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function unwritable(path: string, why: string, cause?: unknown): LucioleError {
  return new LucioleError("output-unwritable", `Cannot write "${path}": ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    fields: { path },
  });
}
