/**
 * Ends a bundle with its source map, so that stacks of errors name the user's files and lines.
 *
 * Sources get their whole paths, as they are told where the script runs without a bundle.
 */
import { Buffer } from "node:buffer";
import { dirname, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export interface SourceMap {
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly mappings: string;
}

/** Bun takes a file that begins so for what its bundler made, and looks for a map in it. */
const HEAD = "// @bun\n";
/** At the end only: code may hold such texts. */
const COMMENTS = /(?:\n\/\/# (?:sourceMappingURL|debugId)=[^\n]*)+\s*$/;

/**
 * Reads a source map.
 *
 * @param path Where it would lie: sources may be told from there.
 */
export function parseSourceMap(json: string, path: string): SourceMap {
  const { sources, names = [], mappings } = JSON.parse(json) as Partial<SourceMap>;
  if (sources === undefined || mappings === undefined)
    throw new SyntaxError("Cannot read a source map without sources");
  return { sources: sources.map((source) => wholePath(source, dirname(path))), names, mappings };
}

/**
 * @param code As the bundler wrote it.
 * @param head Declarations to come before it.
 */
export function withSourceMap(code: string, map: SourceMap, head = ""): Uint8Array {
  // A line of `#!` is one only at the very beginning.
  const own = code.replace(COMMENTS, "").replace(/^#!/, "//");
  const isMade = own.startsWith(HEAD);
  const added = `${isMade ? "" : HEAD}${head === "" ? "" : `${head}\n`}`;
  const data = {
    version: 3,
    ...map,
    mappings: ";".repeat(added.split("\n").length - 1) + map.mappings,
    // Bun takes no map without.
    sourcesContent: map.sources.map(() => null),
  };
  const text = Buffer.from(JSON.stringify(data)).toString("base64");
  return new TextEncoder().encode(
    `${added}${own}\n//# sourceMappingURL=data:application/json;base64,${text}\n`,
  );
}

function wholePath(source: string, directory: string): string {
  if (source.startsWith("file://")) return fileURLToPath(source);
  return isAbsolute(source) || /^[a-z]+:/.test(source) ? source : resolve(directory, source);
}
