/**
 * Outputs that appear once, whole or not at all.
 *
 * Attempts write beside the target, in a staging directory of their execution;
 * publishing gives the winners their names and moves the directory (or the one
 * file) to its place. Knows nothing of formats or of who won.
 */
import {
  existsSync,
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
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import manifest from "../../package.json" with { type: "json" };
import { isAlive, processSpace } from "../runtime/process_space.ts";
import { orDiskFull, systemCode } from "../store/disk.ts";
import { checkSink, MANIFEST, placeOf, type SinkTarget, unwritable } from "./target.ts";

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

const OWNER = ".owner";
const STAGED = ".tmp";

/** Whose a staging directory is, and the topmost directory that was made for it to be in. */
interface Owner {
  readonly space: string;
  readonly pid: number;
  readonly made?: string;
}

/** Where an execution stages what it writes to `path`. */
export function stagingDirectory(path: string, execution: string): string {
  const place = placeOf(path);
  return join(dirname(place), `${stagingPrefix(place)}${execution}`);
}

function stagingPrefix(place: string): string {
  return `.${basename(place)}.staging-`;
}

/**
 * Makes the staging directory of an execution, and the directories above it where they are
 * missing; deletes those whose process was killed.
 *
 * @throws {LucioleError} code "output-unwritable" when it cannot be made
 */
export function openStaging(path: string, execution: string): void {
  sweepStagings(path);
  const staging = stagingDirectory(path, execution);
  try {
    orDiskFull(staging, 0, () => {
      const first = mkdirSync(staging, { recursive: true });
      const made = first === undefined || resolve(first) === staging ? {} : { made: resolve(first) };
      const owner: Owner = { space: processSpace(), pid: process.pid, ...made };
      writeFileSync(join(staging, OWNER), JSON.stringify(owner));
    });
  } catch (cause) {
    discardStaging(staging);
    if (cause instanceof LucioleError) throw cause;
    throw unwritable(path, `no directory can be made beside it (${systemCode(cause)})`, cause);
  }
}

function sweepStagings(path: string): void {
  const place = placeOf(path);
  const prefix = stagingPrefix(place);
  const parent = dirname(place);
  // What cannot be read here fails when it is written.
  const names = existsSync(parent) ? orNothing(() => readdirSync(parent)) : undefined;
  for (const name of names ?? []) {
    if (!name.startsWith(prefix)) continue;
    const owner = ownerOf(join(parent, name));
    if (owner?.space === processSpace() && !isAlive(owner.pid)) discardStaging(join(parent, name));
  }
}

function ownerOf(staging: string): Owner | undefined {
  return orNothing(() => JSON.parse(readFileSync(join(staging, OWNER), "utf8")) as Owner);
}

/** Name of the staged file of an attempt. @param extension With its dot. */
export function stagedName(attempt: string, extension: string): string {
  return `${attempt}${extension}${STAGED}`;
}

/** Puts the parts in their place, all or none. */
export function publish(options: PublishOptions): Published {
  const { path, single, parts } = options;
  // Somebody may have put something there while the flow ran.
  checkSink(options);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const files = single ? [basename(path)] : parts.map((part, i) => partName(part, i));
  if (single) publishFile(options);
  else publishDirectory(options, files);
  return { path, rows, bytes, files };
}

/** A part whose file is known again wherever it was moved. */
export interface KnownPart extends StagedPart {
  readonly inode: number;
}

export interface RedoOptions extends PublishOptions {
  readonly parts: readonly KnownPart[];
}

/** What tells a staged file from any other, before it is moved. */
export function inodeOf(staging: string, part: StagedPart): number {
  return statSync(join(staging, part.name)).ino;
}

/**
 * Publishes what another process was about to publish when it died, or finds that it has.
 *
 * @returns Undefined when what was staged is not there any more, and was not published.
 */
export function redoPublish(options: RedoOptions): Published | undefined {
  const { path, single, staging, parts } = options;
  const files = single ? [basename(path)] : parts.map((part, i) => partName(part, i));
  if (isPublished(options)) {
    rmSync(asideOf(placeOf(path), staging), { recursive: true, force: true });
    discardStaging(staging);
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    return { path, rows, bytes, files };
  }
  const whole = join(staging, basename(staging));
  const isThere = (part: KnownPart, i: number): boolean =>
    isFile(join(staging, part.name), part) || (!single && isFile(join(whole, files[i]), part));
  if (!parts.every(isThere) || !existsSync(staging)) return undefined;
  return publish(options);
}

function isPublished({ path, single, staging, parts }: RedoOptions): boolean {
  const place = placeOf(path);
  if (single) return parts.length === 1 && isFile(place, parts[0]);
  const execution = basename(staging).slice(stagingPrefix(place).length);
  const found = orNothing(() => JSON.parse(readFileSync(join(place, MANIFEST), "utf8")));
  return found?.execution === execution;
}

function isFile(path: string, { inode, bytes }: KnownPart): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.ino === inode && stat.size === bytes;
}

/** Deletes what was staged and not published, with the directories that were made for it; fine when it is gone. */
export function discardStaging(staging: string): void {
  const first = ownerOf(staging)?.made;
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
  const place = placeOf(path);
  if (existsSync(place) && statSync(place).isDirectory()) swap(staged, place);
  else renameSync(staged, place);
  discardStaging(staging);
}

function publishDirectory({ path, staging, parts }: PublishOptions, files: readonly string[]): void {
  // Attempts that are out of reach may still write to the staging directory: only the winners come out of it.
  const whole = join(staging, basename(staging));
  mkdirSync(whole, { recursive: true });
  for (const [i, part] of parts.entries()) {
    const staged = join(staging, part.name);
    const place = join(whole, files[i]);
    // A driver that died may have come as far as this.
    if (existsSync(staged) || !existsSync(place)) renameSync(staged, place);
  }
  const list = parts.map(({ rows, bytes }, i) => ({ name: files[i], rows, bytes }));
  const execution = basename(staging).slice(stagingPrefix(placeOf(path)).length);
  const text = `${JSON.stringify({ luciole: manifest.version, execution, parts: list }, undefined, 1)}\n`;
  orDiskFull(join(whole, MANIFEST), text.length, () => writeFileSync(join(whole, MANIFEST), text));
  put(whole, placeOf(path));
  discardStaging(staging);
}

/** Another job that publishes there too may come first as often as it has outputs; each time it is our turn again. */
const MAX_TURNS = 1000;

/** Moves a directory to where there may be another one, which others may put or take away meanwhile. */
function put(from: string, target: string): void {
  for (let turn = 1; ; turn++) {
    try {
      if (existsSync(target)) swap(from, target);
      else renameSync(from, target);
      return;
    } catch (error) {
      const isOvertaken = isTaken(error) || (systemCode(error) === "ENOENT" && existsSync(from));
      if (!isOvertaken || turn === MAX_TURNS) throw error;
    }
  }
}

function isTaken(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOTEMPTY" || code === "EEXIST";
}

/** Moves `from` to where something is; that is put back when it fails. */
function swap(from: string, target: string): void {
  const old = asideOf(target, from);
  rmSync(old, { recursive: true, force: true });
  renameSync(target, old);
  try {
    renameSync(from, target);
  } catch (error) {
    // What another job has put there meanwhile took its place already.
    if (isTaken(error)) rmSync(old, { recursive: true, force: true });
    else renameSync(old, target);
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}

/** Where what is replaced lies until that has happened. */
function asideOf(target: string, from: string): string {
  return join(dirname(target), `.${basename(target)}.old-${basename(from)}`);
}

function partName(part: StagedPart, shard: number): string {
  const extension = part.name.slice(part.attempt.length, -STAGED.length);
  return `part-${String(shard).padStart(5, "0")}${extension}`;
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
