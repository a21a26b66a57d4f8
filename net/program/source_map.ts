/**
 * Ends a bundle with its source map, so that stacks of errors name the user's files and lines.
 *
 * Sources get their whole paths, as they are told where the script runs without a bundle.
 */
import { Buffer } from "node:buffer";
import { dirname, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";

interface SourceMap {
  readonly version: number;
  readonly sources: readonly string[];
  readonly names?: readonly string[];
  readonly mappings: string;
}

/** Bun takes a file that begins so for what its bundler made, and looks for a map in it. */
const HEAD = "// @bun\n";

/**
 * @param code As the bundler wrote it.
 * @param map Its source map as JSON.
 * @param mapPath Where the map would lie: its sources may be told from there.
 */
export function withSourceMap(code: string, map: string, mapPath: string): Uint8Array {
  const { version, sources, names = [], mappings } = JSON.parse(map) as SourceMap;
  const own = code.replace(/\n?\/\/# (?:sourceMappingURL|debugId)=[^\n]*/g, "");
  const hasHead = own.startsWith(HEAD);
  const absolute = {
    version,
    sources: sources.map((source) => wholePath(source, dirname(mapPath))),
    // Bun takes no map without.
    sourcesContent: sources.map(() => null),
    names,
    mappings: hasHead ? mappings : `;${mappings}`,
  };
  const data = Buffer.from(JSON.stringify(absolute)).toString("base64");
  return new TextEncoder().encode(
    `${hasHead ? "" : HEAD}${own}\n//# sourceMappingURL=data:application/json;base64,${data}\n`,
  );
}

function wholePath(source: string, directory: string): string {
  if (source.startsWith("file://")) return fileURLToPath(source);
  return isAbsolute(source) || /^[a-z]+:/.test(source) ? source : resolve(directory, source);
}
