/**
 * The command line of a running Deno: the flags that its script was started with.
 *
 * Deno tells a script only the arguments behind it, so the system is asked where it can be.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** What belongs to one process only, such as a debugger's port, or was done by the first one. */
const OWN = /^(--(inspect(-brk|-wait)?|watch(-hmr|-exclude)?|hmr|reload)|-r)(=|$)/;

/**
 * The flags that this process was started with, before its script.
 *
 * @param mainModule URL of the script
 * @returns undefined when they cannot be known
 */
export function denoFlags(mainModule: string): readonly string[] | undefined {
  try {
    // Only Linux has it, and Deno lets only those read it who may do everything.
    return flagsOf(readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(1), mainModule);
  } catch {
    return undefined;
  }
}

/** Of `deno [flags] run [flags] script`, where `run` may be missing. @param args All that follows `deno`. */
export function flagsOf(args: readonly string[], mainModule: string): readonly string[] | undefined {
  const script = args.findIndex((text) => text === mainModule || urlOf(text) === mainModule);
  if (script < 0) return undefined;
  const before = args.slice(0, script);
  const command = before.indexOf("run");
  // `deno serve` and the like do something else with the script than to run it.
  if (command < 0 && before[0]?.startsWith("-") === false) return undefined;
  return before.filter((text, i) => i !== command && !OWN.test(text));
}

function urlOf(path: string): string {
  return pathToFileURL(resolve(path)).href;
}
