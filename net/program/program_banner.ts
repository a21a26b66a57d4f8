/**
 * The code before a compiled program: it marks the executable as Luciole's, and tells when
 * the program ended without having called `run`, whether it imports the engine or not.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { failureText } from "../../core/program/failure_text.ts";
import { WORKER_ENV } from "../protocol.ts";
import { HOST_KEY, neverRan } from "./host.ts";

/** Computed, so that it is in what `luciole` compiles and not in `luciole`. */
const MARK = createHash("sha256").update("made by luciole compile").digest("hex");
const WINDOW_BYTES = 1 << 20;

/** @param program The name that a failure tells. */
export function programBanner(program: string): string {
  const failure = JSON.stringify(`${failureText(neverRan(program))}\n`);
  const role = `process.env[${JSON.stringify(WORKER_ENV.role)}]`;
  const host = `globalThis[Symbol.for(${JSON.stringify(HOST_KEY)})]`;
  return (
    `/* ${MARK} */${host}={};if(${role}!=="task")process.once("beforeExit",()=>{` +
    `if(${host}.wasCalled===true)return;process.stderr.write(${failure});process.exitCode=1});`
  );
}

/** Whether a file is an executable that `luciole compile` made. */
export async function isCompiledProgram(path: string): Promise<boolean> {
  await using file = await open(path);
  const window = Buffer.alloc(WINDOW_BYTES + MARK.length);
  // The program is behind the runtime, so it is found from the end in a moment.
  for (let end = (await file.stat()).size; end > 0; end -= WINDOW_BYTES) {
    const from = Math.max(0, end - WINDOW_BYTES);
    const { bytesRead } = await file.read(window, 0, window.length, from);
    if (window.subarray(0, bytesRead).includes(MARK)) return true;
  }
  return false;
}
