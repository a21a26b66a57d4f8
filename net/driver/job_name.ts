/**
 * What a job is called: by programs an id of its own, by people the name of its program.
 */
import { randomBytes } from "node:crypto";
import { basename, extname } from "node:path";
import process from "node:process";

export function newJobId(): string {
  return `j${randomBytes(6).toString("hex")}`;
}

export function programName(script = process.argv[1] ?? process.execPath): string {
  return basename(script, extname(script));
}
