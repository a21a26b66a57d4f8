/**
 * Keeps bundles of scripts until anything changes that they were made of.
 *
 * That is the files themselves, the directories in which imports are looked for, and the settings and packages around
 * them. What is in doubt is bundled again.
 */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { decode, encode } from "../cbor.ts";
import { type Bundle, bundleProgram } from "./bundle.ts";
import { keepFile } from "./kept_file.ts";

interface CachedBundle {
  readonly bytes: Uint8Array;
  /** States of files and directories by path. */
  readonly stamps: Readonly<Record<string, string>>;
}

export interface BundleCacheOptions {
  readonly directory: string;
  /** Of what makes bundles: another one may make others. */
  readonly maker: string;
  readonly hasEngine: boolean;
}

/** What in any directory above decides how imports are read. */
const SETTINGS = [
  "package.json",
  "tsconfig.json",
  "jsconfig.json",
  "bunfig.toml",
  "deno.json",
  "deno.jsonc",
  "deno.lock",
  "import_map.json",
  "node_modules",
];
const MAX_BUNDLES = 16;
/** A file that was written so short a time before may be written again without its times telling. */
const UNSURE_MS = 1000;

/** Bundles a script unless its bundle is there. @throws {LucioleError} code "program" */
export async function bundleOnce(entry: string, options: BundleCacheOptions): Promise<Uint8Array> {
  const { directory, maker, hasEngine } = options;
  const name = `${hashOf(JSON.stringify([entry, maker, hasEngine]))}.bundle`;
  const known = await readCached(join(directory, name));
  if (known !== undefined) return known;
  const before = Date.now();
  const bundle = await bundleProgram(entry, hasEngine);
  const stamps = stampsOf(bundle, before - UNSURE_MS);
  if (stamps !== undefined) {
    await keepFile(
      directory,
      name,
      encode({ bytes: bundle.bytes, stamps } satisfies CachedBundle),
      MAX_BUNDLES,
    );
  }
  return bundle.bytes;
}

async function readCached(path: string): Promise<Uint8Array | undefined> {
  try {
    const { bytes, stamps } = decode(await readFile(path)) as CachedBundle;
    const isSame = Object.entries(stamps).every(([file, stamp]) => stateOf(file).stamp === stamp);
    return isSame && bytes instanceof Uint8Array ? bytes : undefined;
  } catch {
    // There is none, or it was cut short.
    return undefined;
  }
}

/** @returns Undefined when something is so new that its next change might not show. */
function stampsOf({ inputs }: Bundle, sureBefore: number): Readonly<Record<string, string>> | undefined {
  const paths = new Set(inputs);
  const own = inputs.filter((path) => !path.includes("node_modules"));
  const root = commonDirectory(own.length === 0 ? inputs : own);
  const seen = new Set<string>();
  for (const input of inputs) {
    paths.add(dirname(input));
    for (let above = dirname(input); !seen.has(above); above = dirname(above)) {
      seen.add(above);
      for (const name of SETTINGS) paths.add(join(above, name));
      if (above.startsWith(root)) paths.add(above);
    }
  }
  const stamps: Record<string, string> = {};
  for (const path of paths) {
    const { stamp, changedMs } = stateOf(path);
    if (changedMs > sureBefore) return undefined;
    stamps[path] = stamp;
  }
  return stamps;
}

function stateOf(path: string): { readonly stamp: string; readonly changedMs: number } {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return { stamp: "", changedMs: 0 };
  const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs, ctimeMs } = found;
  const changedMs = Math.max(Number(mtimeMs), Number(ctimeMs));
  return { stamp: `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`, changedMs };
}

function commonDirectory(paths: readonly string[]): string {
  const [first = ""] = paths;
  let common = dirname(first);
  while (!paths.every((path) => path.startsWith(join(common, "/"))) && dirname(common) !== common) {
    common = dirname(common);
  }
  return common;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
