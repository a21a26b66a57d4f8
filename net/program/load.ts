/**
 * Imports a user's program, so that `import … from "luciole"` in it is this engine.
 *
 * Runs inside the executable, where the user's folder need not have the package at all;
 * a package of that name in the folder is not used. Knows nothing of argv or roles.
 */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { LucioleError } from "../../core/errors.ts";
import { describeBuildError } from "./build_messages.ts";

/** The exports of mod.ts. */
export type Engine = Readonly<Record<string, unknown>>;

/**
 * Finds a program on disk.
 *
 * @returns its absolute path
 * @throws {LucioleError} code "input-missing" or "input-unreadable"
 */
export async function findProgram(path: string, doing: string): Promise<string> {
  const absolute = resolve(path);
  const failure = await stat(absolute).then(
    (found) => (found.isFile() ? undefined : "not a file"),
    (error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? "no such file" : error.message),
  );
  if (failure === undefined) return absolute;
  const code = failure === "no such file" ? "input-missing" : "input-unreadable";
  throw new LucioleError(code, `Cannot ${doing} "${path}": ${failure}`, { fields: { path: absolute } });
}

/**
 * Imports the program at an absolute path; what it throws while it loads is thrown on as it is.
 *
 * @throws {LucioleError} code "program" when it, or what it imports, is missing or has a syntax error
 */
export async function importProgram(path: string, engine: Engine): Promise<void> {
  Bun.plugin({
    name: "luciole",
    setup: (build) => void build.module("luciole", () => ({ exports: { ...engine }, loader: "object" })),
  });
  try {
    await import(pathToFileURL(path).href);
  } catch (error) {
    const complaint = describeBuildError(error);
    if (complaint === undefined) throw error;
    throw new LucioleError("program", `Cannot load "${path}": ${complaint}`, { fields: { path } });
  }
}
