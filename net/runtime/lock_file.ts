/**
 * Files that one process at a time holds, on any machine that reaches them.
 *
 * Who holds one is told by its process while that is of this machine, else by how long ago the file was touched.
 */
import { randomBytes } from "node:crypto";
import {
  existsSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { isAlive, processSpace, startOf } from "./process_space.ts";

/** Of processes that start at once, all but one find that one there soon. */
const MAX_TRIES = 10;
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);
const REFRESH_MS = 1_000;
/** Of a process on another host or in another container it is only known when it last wrote. */
export const STALE_MS = 20_000;
/**
 * Whoever looks on while nobody touches it need not trust another clock. Its owner touches it every second, in a thread
 * of its own too, and looks whether it has it still before it does what must not be done twice.
 */
const SILENT_MS = 6_000;
/** Between two looks more does not count: the disk may have kept the owner waiting as well. */
const LOOK_MS = 1_000;

/** A process that holds a lock. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  readonly space: string;
  /** When it started, since process ids are used again. */
  readonly start: string;
}

/** One that this process holds. */
export interface LockFile {
  readonly path: string;
  /** What is in it. */
  readonly text: string;
  /** Resolves with what happened when it is another's, or nobody's. */
  readonly gone: Promise<string>;
  isHeld(): boolean;
  release(): void;
}

/** Takes a lock, or tells who holds it: a process of this machine, or one elsewhere, which cannot be asked for. */
export function takeLockFile(path: string): LockFile | (LockOwner & { readonly isElsewhere: boolean }) {
  const own: LockOwner = {
    pid: process.pid,
    host: hostname(),
    space: processSpace(),
    start: startOf(process.pid),
  };
  // Each taking is told from all others.
  const text = JSON.stringify({ ...own, token: randomBytes(8).toString("hex") });
  for (let tries = 0; !create(path, text); tries++) {
    if (tries > MAX_TRIES) throw new Error(`${path} changes again and again`);
    const held = read(path);
    const owner = ownerIn(held);
    if (owner !== undefined && isThere(owner, path, own.space)) {
      return { ...owner, isElsewhere: owner.space !== own.space };
    }
    removeStale(path, held);
  }
  return keep(path);
}

/** Looks on at a lock of a process elsewhere. */
export class LockWatch {
  readonly #path: string;
  #seen = "";
  #lookedAt = 0;
  #silentMs = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the lock from a process that has not touched it while it was looked at, again and again. */
  look(now: number): void {
    const text = read(this.#path);
    const seen = `${text} ${touchedAt(this.#path)}`;
    this.#silentMs = seen === this.#seen ? this.#silentMs + Math.min(LOOK_MS, now - this.#lookedAt) : 0;
    [this.#seen, this.#lookedAt] = [seen, now];
    if (this.#silentMs < SILENT_MS) return;
    this.#silentMs = 0;
    removeStale(this.#path, text);
  }
}

function touchedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function keep(path: string): LockFile {
  const text = read(path) ?? "";
  const gone = Promise.withResolvers<string>();
  const timer = setInterval(() => {
    if (refresh(path, text)) return;
    clearInterval(timer);
    gone.resolve(existsSync(path) ? "another process has taken it" : "somebody deleted it");
  }, REFRESH_MS);
  timer.unref();
  const isHeld = (): boolean => read(path) === text;
  return {
    path,
    text,
    gone: gone.promise,
    isHeld,
    release: () => {
      clearInterval(timer);
      if (isHeld()) rmSync(path, { force: true });
    },
  };
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
function ownerIn(text: string | undefined): LockOwner | undefined {
  try {
    const owner = JSON.parse(text ?? "");
    return typeof owner?.pid === "number" ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isThere(owner: LockOwner, path: string, space: string): boolean {
  if (owner.space === space) return isAlive(owner.pid) && startOf(owner.pid) === owner.start;
  try {
    return Date.now() - statSync(path).mtimeMs < STALE_MS;
  } catch {
    return false;
  }
}

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
