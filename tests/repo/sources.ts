/**
 * The repository's own TypeScript files and what they import, for the tests of its rules.
 */
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

export const ROOT = normalize(join(import.meta.dir, "../.."));

const LAYERS = ["core", "net", "cmd", "tests", "examples", "scripts"] as const;

export interface SourceFile {
  /** Relative to the repository, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** What it imports, as written, type imports and dynamic ones included. */
  readonly imports: readonly string[];
}

export function readSources(): readonly SourceFile[] {
  const paths = ["mod.ts", ...LAYERS.flatMap(listFolder)];
  return paths.map((path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    // Programs that a test writes to disk are texts of its own, not imports.
    const own = path.startsWith("tests/") ? text.replace(/`[^`]*`/g, "``") : text;
    return { path, text, lines: text.split("\n").length - 1, imports: importsOf(own) };
  });
}

function listFolder(folder: string): string[] {
  const paths = [...new Bun.Glob(`${folder}/**/*.ts`).scanSync({ cwd: ROOT })];
  // The benchmarks' peers have packages of their own there.
  const own = paths.filter((path) => !path.includes("node_modules"));
  return own.map((path) => path.replaceAll("\\", "/")).sort();
}

/** The file that a relative import names, from the repository's root; undefined for a package. */
export function resolveImport(from: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? join(dirname(from), specifier).replaceAll("\\", "/") : undefined;
}

/** Code without comments and without the contents of strings. */
export function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, "");
}

/** The transpiler's own scan forgets type imports, so they are read from the text. */
function importsOf(text: string): readonly string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const statements =
    /^\s*(?:import|export)\b[^"'`;]*?\bfrom\s+"([^"]+)"|^\s*import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm;
  return [...code.matchAll(statements)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}
