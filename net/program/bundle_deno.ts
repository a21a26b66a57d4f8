/**
 * Bundles a script by `deno bundle`, engine included, for the runtime of agents, which is Bun.
 *
 * Deno fetches its bundler from the npm registry when it is first used, and keeps it.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { LucioleError } from "../../core/errors.ts";
import { denoFlags } from "../runtime/deno_flags.ts";
import { withPlaces } from "./mapped_places.ts";
import { parseSourceMap, type SourceMap, withSourceMap } from "./source_map.ts";

/** What of the driver's own flags decides what its imports mean. */
const MAPPING =
  /^(?:-c|--(?:config|no-config|import-map|node-modules-dir|vendor|cert|lock|no-lock|frozen|cached-only|no-remote|no-npm))(?:=|$)/;
const REQUIRE = /^var __require = __deno_internal_createRequire\(.*\n/m;
const WITH_VALUE = /^(?:-c|--config|--import-map|--cert)$/;

export async function bundleWithDeno(
  entry: string,
): Promise<{ readonly bytes: Uint8Array; readonly inputs: readonly string[] }> {
  const directory = await mkdtemp(join(tmpdir(), "luciole-bundle-"));
  const output = join(directory, "bundle.js");
  try {
    const flags = mappingFlags(denoFlags(pathToFileURL(entry).href) ?? []);
    const files = flags.filter((flag) => !flag.startsWith("-"));
    await bundle(entry, [
      "bundle",
      "--quiet",
      ...flags,
      "--platform=deno",
      "--sourcemap=external",
      "-o",
      output,
      entry,
    ]);
    const [code, map] = await Promise.all([readFile(output, "utf8"), readFile(`${output}.map`, "utf8")]);
    const parsed = parseSourceMap(map, `${output}.map`);
    const inputs = [entry, ...parsed.sources, ...files.map((file) => resolve(file))].filter(isAbsolute);
    return { bytes: place(aligned(code, parsed.mappings), parsed, entry), inputs };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Deno puts fewer lines in the place of some of its bundler's own, and does not tell the map: it gets empty ones for
 * those that are missing.
 */
function aligned(code: string, mappings: string): string {
  const missing = mappings.split(";").length - code.split("\n").length;
  return missing > 0 ? code.replace(REQUIRE, (lines) => lines + "\n".repeat(missing)) : code;
}

/** Names of places are fewer than lines: they are declared at the head. */
function place(code: string, map: SourceMap, entry: string): Uint8Array {
  const placed = withPlaces(code, map.mappings, map.sources, entry);
  return withSourceMap(placed.code, map, placed.head);
}

/** Those of the flags that a bundler must have too. */
export function mappingFlags(flags: readonly string[]): readonly string[] {
  return flags.filter((flag, i) => MAPPING.test(flag) || WITH_VALUE.test(flags[i - 1] ?? ""));
}

function bundle(entry: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    // Where a company's own authority signs what comes from the registry, the system knows it.
    const env = { DENO_TLS_CA_STORE: "system,mozilla", ...process.env };
    execFile(process.execPath, [...args], { env }, (error, _, stderr) => {
      if (error === null) resolve();
      else {
        const said = stripVTControlCharacters(stderr)
          .trim()
          .replace(/\s*\n\s*/g, " | ");
        const reason = said === "" ? error.message : said;
        reject(new LucioleError("program", `Cannot send "${entry}" to agents: deno bundle says: ${reason}`));
      }
    });
  });
}
