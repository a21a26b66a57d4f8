/**
 * Finds the files that a path or glob names, in sorted order.
 *
 * Refuses what is missing or may not be read before anything runs. Knows nothing
 * of what is in the files; `*` never takes hidden names or `_SUCCESS`.
 */
import { type Dirent, readdirSync, statSync } from "node:fs";
import { matchesGlob } from "node:path";
import { LucioleError } from "../../core/errors.ts";
import { systemCode } from "../store/disk.ts";

export const NO_SUCH_FILE = "there is no such file or directory";

const MAGIC = /[*?[{]/;
const MANIFEST = "_SUCCESS";

/**
 * Lists the files of a path, of a directory (but names that begin with `_` or `.`) or of a glob
 * with `*`, `**`, `?`, `[…]` and `{a,b}`.
 *
 * @throws {LucioleError} code "input-missing" when there is none, "input-unreadable" when a directory is closed.
 */
export function listFiles(pattern: string): string[] {
  const literal = kindOf(pattern, pattern);
  if (literal !== "none") return literal === "file" ? [pattern] : filesOf(pattern, pattern);
  if (!MAGIC.test(pattern)) throw missing(pattern, NO_SUCH_FILE);
  const found = new Set<string>();
  for (const plain of expandBraces(pattern)) {
    const root = plain.startsWith("/") ? "/" : "";
    const segments = plain.split("/").filter((segment) => segment !== "");
    new GlobWalk(pattern, found, segments.includes("**")).enter(root, segments, 0);
  }
  if (found.size === 0) throw missing(pattern, "no file matches");
  return [...found].sort();
}

class GlobWalk {
  readonly #pattern: string;
  readonly #found: Set<string>;
  /** With `**` directories are walked anyway; else one that matches stands for its files. */
  readonly #isDeep: boolean;

  constructor(pattern: string, found: Set<string>, isDeep: boolean) {
    this.#pattern = pattern;
    this.#found = found;
    this.#isDeep = isDeep;
  }

  /** Matches the names in a directory ("" or ending in "/") against segment i and what follows. */
  enter(directory: string, segments: readonly string[], i: number): void {
    const segment = segments[i];
    if (segment === "**") this.#enterDeep(directory, segments, i);
    else if (MAGIC.test(segment)) this.#enterMatching(directory, segments, i);
    else this.#take(`${directory}${segment}`, kindOf(`${directory}${segment}`, this.#pattern), segments, i);
  }

  #enterDeep(directory: string, segments: readonly string[], i: number): void {
    const isLast = i === segments.length - 1;
    if (!isLast) this.enter(directory, segments, i + 1);
    for (const entry of entriesOf(directory, this.#pattern)) {
      if (isHidden(entry.name)) continue;
      const path = `${directory}${entry.name}`;
      // Links to directories could lead in a circle.
      if (entry.isDirectory()) this.enter(`${path}/`, segments, i);
      else if (isLast && kindOfEntry(entry, path, this.#pattern) === "file") this.#found.add(path);
    }
  }

  #enterMatching(directory: string, segments: readonly string[], i: number): void {
    const segment = segments[i];
    for (const entry of entriesOf(directory, this.#pattern)) {
      const { name } = entry;
      if (isHidden(name) && segment[0] !== name[0]) continue;
      if (!matchesGlob(name, segment)) continue;
      const path = `${directory}${name}`;
      this.#take(path, kindOfEntry(entry, path, this.#pattern), segments, i);
    }
  }

  #take(path: string, kind: "file" | "directory" | "none", segments: readonly string[], i: number): void {
    if (i < segments.length - 1) {
      if (kind === "directory") this.enter(`${path}/`, segments, i + 1);
    } else if (kind === "file") {
      this.#found.add(path);
    } else if (kind === "directory" && !this.#isDeep) {
      for (const file of visibleFiles(`${path}/`, this.#pattern)) this.#found.add(file);
    }
  }
}

/** Expands `a{b,c{d,e}}` to each of its meanings; braces without a comma stay. */
function expandBraces(pattern: string): string[] {
  const open = pattern.indexOf("{");
  if (open < 0) return [pattern];
  const commas: number[] = [];
  let depth = 0;
  for (let i = open; i < pattern.length; i++) {
    if (pattern[i] === "{") depth++;
    else if (pattern[i] === "}") depth--;
    else if (pattern[i] === "," && depth === 1) commas.push(i);
    if (depth > 0) continue;
    const before = pattern.slice(0, open);
    const afters = expandBraces(pattern.slice(i + 1));
    const bounds = [open, ...commas, i];
    const inner = bounds.slice(1).flatMap((end, k) => expandBraces(pattern.slice(bounds[k] + 1, end)));
    const middles = commas.length === 0 ? inner.map((text) => `{${text}}`) : inner;
    return middles.flatMap((middle) => afters.map((after) => before + middle + after));
  }
  return [pattern];
}

function filesOf(directory: string, pattern: string): string[] {
  const files = visibleFiles(directory.endsWith("/") ? directory : `${directory}/`, pattern);
  if (files.length === 0) throw missing(pattern, "the directory holds no file");
  return files.sort();
}

function visibleFiles(directory: string, pattern: string): string[] {
  return entriesOf(directory, pattern)
    .filter((entry) => !entry.name.startsWith(".") && !entry.name.startsWith("_"))
    .filter((entry) => kindOfEntry(entry, `${directory}${entry.name}`, pattern) === "file")
    .map((entry) => `${directory}${entry.name}`);
}

function isHidden(name: string): boolean {
  return name.startsWith(".") || name === MANIFEST;
}

function entriesOf(directory: string, pattern: string): Dirent[] {
  try {
    return readdirSync(directory === "" ? "." : directory, { withFileTypes: true });
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw unreadable(pattern, `the directory ${directory} cannot be read (${code})`, cause);
  }
}

function kindOfEntry(entry: Dirent, path: string, pattern: string): "file" | "directory" | "none" {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? kindOf(path, pattern) : "none";
}

function kindOf(path: string, pattern: string): "file" | "directory" | "none" {
  try {
    const stat = statSync(path);
    return stat.isDirectory() ? "directory" : "file";
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return "none";
    throw unreadable(pattern, `${path} cannot be reached (${code})`, cause);
  }
}

/** The error of an input that is not there. */
export function missing(pattern: string, why: string): LucioleError {
  const text = `Cannot read "${pattern}": ${why}${hintOf(pattern)}`;
  return new LucioleError("input-missing", text, { fields: { path: pattern } });
}

/** What else may have been meant by a path that is not there. */
function hintOf(pattern: string): string {
  if (pattern.startsWith("~/")) return '; only shells know what "~" is, and not within quotes';
  if (/^--[a-z]/.test(pattern)) return "; flags of luciole run stand before the program";
  return "";
}

/** The error of an input that is there and cannot be read. */
export function unreadable(pattern: string, why: string, cause: unknown): LucioleError {
  return new LucioleError("input-unreadable", `Cannot read "${pattern}": ${why}`, {
    cause,
    fields: { path: pattern },
  });
}
