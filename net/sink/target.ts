/**
 * What is at the target of a sink, and whether it may be replaced.
 *
 * One rule: an earlier output of Luciole (a directory with its manifest and nothing but
 * its parts) and what is empty is replaced; anything else only when the sink says so.
 */
import {
  type Dirent,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import { systemCode } from "../store/disk.ts";

export interface SinkTarget {
  readonly path: string;
  /** One file instead of a directory. */
  readonly single: boolean;
  readonly overwrite: boolean;
}

/** Lists the parts of an output; it is there once all of them are. */
export const MANIFEST = "_SUCCESS";
/** Where the system shows itself as files; shared memory is a disk like any other. */
const SYSTEM = /^\/(?:proc|sys|dev(?!\/shm\/))(?=\/|$)/;

/** The absolute path that is written: where the target is a symbolic link, what it leads to. */
export function placeOf(path: string): string {
  const place = resolve(path);
  try {
    return lstatSync(place).isSymbolicLink() ? realpathSync(place) : place;
  } catch {
    // There is nothing, or nothing that can be reached; checkSink tells.
    return place;
  }
}

/**
 * Refuses a target before anything runs.
 *
 * @throws {LucioleError} code "output-exists" when `overwrite` would be needed,
 * "output-unwritable" when it can never be written
 */
export function checkSink(target: SinkTarget): void {
  const { path, single, overwrite } = target;
  if (single && (path.endsWith("/") || path.endsWith(sep))) {
    throw unwritable(path, 'it ends like a directory, and "single" writes one file');
  }
  const place = placeOf(path);
  const system = SYSTEM.exec(resolve(path)) ?? SYSTEM.exec(place);
  if (system !== null) throw unwritable(path, `${system[0]} holds no files of users`);
  const stat = statOf(path, place);
  if (stat === undefined) return;
  if (stat.isDirectory()) checkDirectory(path, place, stat);
  else if (!stat.isFile()) throw unwritable(path, `it is ${describeSpecial(stat)}`);
  const obstacle = overwrite ? undefined : obstacleOf(target, place, stat);
  if (obstacle === undefined) return;
  if (statOf(path, place)?.ino !== stat.ino) {
    // Another run has replaced it at this very moment: what was seen is of two outputs.
    checkSink(target);
    return;
  }
  const message = `Cannot write "${path}": ${obstacle}; pass { overwrite: true } to replace it`;
  throw new LucioleError("output-exists", message, { fields: { path } });
}

function statOf(path: string, place: string): Stats | undefined {
  let isLink = false;
  try {
    const stat = lstatSync(place);
    isLink = stat.isSymbolicLink();
    if (!isLink) return stat;
    // placeOf has followed every link that leads somewhere; this one says why it does not.
    statSync(place);
  } catch (cause) {
    if (systemCode(cause) !== "ENOENT") throw unreachable(path, cause);
  }
  if (isLink) throw unwritable(path, "it is a symbolic link that leads nowhere");
  return undefined;
}

/** What nobody can move out of the way, whatever the sink says. */
function checkDirectory(path: string, place: string, stat: Stats): void {
  if (`${process.cwd()}${sep}`.startsWith(place.endsWith(sep) ? place : `${place}${sep}`)) {
    throw unwritable(path, "it is the working directory, or holds it");
  }
  if (statSync(dirname(place)).dev !== stat.dev) {
    throw unwritable(path, "it is a mount point; choose a directory in it");
  }
}

function describeSpecial(stat: Stats): string {
  if (stat.isFIFO()) return "a named pipe";
  return stat.isSocket() ? "a socket" : "a device";
}

/** Why what is there may not be replaced without being told to. */
function obstacleOf({ path, single }: SinkTarget, place: string, stat: Stats): string | undefined {
  if (stat.isFile()) return single && stat.size === 0 ? undefined : "it exists";
  if (single) return "it is a directory";
  const entries = entriesOf(path, place);
  const own = namesOfOutput(place);
  const foreign = entries.find((entry) => !entry.isFile() || !own.has(entry.name));
  return foreign && `it holds "${foreign.name}", which is no part of an earlier output`;
}

function entriesOf(path: string, place: string): readonly Dirent[] {
  try {
    return readdirSync(place, { withFileTypes: true });
  } catch (cause) {
    // Another run replaces it at this very moment.
    if (systemCode(cause) === "ENOENT") return [];
    throw unreachable(path, cause);
  }
}

/** Names of the files that the manifest of an output tells of, and its own. */
function namesOfOutput(directory: string): ReadonlySet<unknown> {
  try {
    const content = JSON.parse(readFileSync(join(directory, MANIFEST), "utf8"));
    if (typeof content.luciole !== "string") return new Set();
    return new Set([MANIFEST, ...content.parts.map((part: { readonly name: unknown }) => part.name)]);
  } catch {
    return new Set();
  }
}

export function unwritable(path: string, why: string, cause?: unknown): LucioleError {
  return new LucioleError("output-unwritable", `Cannot write "${path}": ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    fields: { path },
  });
}

function unreachable(path: string, cause: unknown): LucioleError {
  return unwritable(path, `it cannot be reached (${systemCode(cause)})`, cause);
}
