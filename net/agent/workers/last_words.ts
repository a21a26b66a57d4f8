/**
 * The most telling line among the last ones that a process wrote to its stderr.
 *
 * Knows how Bun, Deno and the kernel's runtimes write uncaught errors and crashes.
 */

import { stripVTControlCharacters } from "node:util";

const CRASH = /^(?:ASSERTION FAILED: |panic(?:\([^)]*\))?: |FATAL ERROR: |fatal(?: runtime)? error: )(.*)/i;
/** Where JavaScriptCore writes to on purpose, to end itself. */
const ON_PURPOSE = /0xBBADBEEF/i;
const MEMORY = /^RSS: ([^|]*)/;
const UNCAUGHT = /^error: Uncaught (?:\(in promise\) )?(?=\w+: )/;
const ERROR = /^((?:[A-Z]\w*)?Error|error): (.*)/;
/** The system's loader, on Linux and macOS: the executable did not come as far as its own code. */
const LOADER =
  /^\S+: (error while loading shared libraries: .*|.*version `\S+' not found \(required by .*|Library not loaded: .*)/;
const FRAME = /^\s+at (?:.*\()?((?:file:\/\/)?[^()]+:\d+):\d+\)?$/;

/** `no start (/home/user/job.ts:2)`; undefined when no line tells of an error. */
export function lastWords(output: readonly string[]): string | undefined {
  const lines = output.map((line) => stripVTControlCharacters(line).replace(UNCAUGHT, ""));
  const crash = lines.map((line) => CRASH.exec(line)?.[1]).find((text) => text !== undefined);
  if (crash !== undefined) {
    const what = ON_PURPOSE.test(crash)
      ? "the JavaScript engine gave up, most likely for want of memory"
      : crash;
    const memory = lines.map((line) => MEMORY.exec(line)?.[1]).find((text) => text !== undefined);
    return memory === undefined ? what : `${what} (it held ${memory.trim()} of memory)`;
  }
  const at = lines.findIndex((line) => ERROR.test(line));
  const [, name, message] = ERROR.exec(lines[at] ?? "") ?? [];
  if (name === undefined || message === undefined) {
    return lines.map((line) => LOADER.exec(line)?.[1]).find((text) => text !== undefined);
  }
  const text = name === "error" || name === "Error" ? message : `${name}: ${message}`;
  const frame = lines
    .slice(at)
    .map((line) => FRAME.exec(line)?.[1])
    .find((place) => place !== undefined);
  return frame === undefined || text.includes(frame) ? text : `${text} (${frame})`;
}
