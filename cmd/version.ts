/**
 * `luciole version`: what this executable is.
 */
import process from "node:process";
import { PROTOCOL } from "../net/protocol.ts";
import manifest from "../package.json" with { type: "json" };
import { printResult } from "./output.ts";

export const VERSION = manifest.version;

export function printVersion(isJson: boolean): void {
  const bun = process.versions.bun ?? "unknown";
  const platform = `${process.platform}-${process.arch}`;
  const value = { version: VERSION, protocol: PROTOCOL, bun, platform };
  printResult(`luciole ${VERSION} (protocol ${PROTOCOL}, Bun ${bun}, ${platform})`, value, isJson);
}
