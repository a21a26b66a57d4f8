/**
 * Has Bun's bundler keep where each module lies: `import.meta.url`, `__dirname` and the like say in a bundle what they
 * say where the script runs without one, so that paths made of them, and plans that name such paths, are the same.
 *
 * Left to itself the bundler gives the bundle's own place, and one `__dirname` for all modules. What is put in keeps
 * the lengths of lines, but for the first one of a file.
 */
import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";

const MODULE = /\.[cm]?[jt]sx?$/;
/** Those, and what has no extension. */
const MODULES = /\.[cm]?[jt]sx?$|[\\/][^.\\/]*$/;
export const META = /\bimport\.meta(?=\.(?:url|dir|dirname|file|filename|path|main)\b)/g;
/** As long as `import.meta`. */
const META_NAME = "$luciole_me";
const NODE_NAMES = /\b__(?:dirname|filename)\b/;
/** The module has names of its own for it. */
const DECLARED = /(?:\b(?:const|let|var)\b|\bimport\b(?!\s*[.(]))[^=;]*\b__(?:dirname|filename)\b/;

/**
 * @param entry The first module; it may have a name that the bundler takes for no program's.
 * @param meta Whether it is run or imported; undefined leaves `import.meta` alone, which in an executable of its own
 * leads to the files inside.
 */
export function modulePlaces(entry: string, meta: "main" | "imported" | undefined): Bun.BunPlugin {
  return {
    name: "places",
    setup: (bundler) => {
      bundler.onLoad({ filter: MODULES, namespace: "file" }, async ({ path, loader }) => {
        if (!MODULE.test(path) && path !== entry) return undefined;
        const text = await readFile(path, "utf8");
        const contents = withPlace(text, path, meta && { isMain: meta === "main" && path === entry });
        return { contents, loader: MODULE.test(path) ? loader : "ts" };
      });
    },
  };
}

/** Declares at the head of a module what it asks of its own place. */
export function withPlace(text: string, path: string, meta?: { readonly isMain: boolean }): string {
  const head: string[] = [];
  if (meta !== undefined && text.includes("import.meta")) {
    head.push(`const ${META_NAME}=${placeOf(path, meta.isMain)};`);
  }
  if (NODE_NAMES.test(text) && !DECLARED.test(text)) {
    head.push(`const __dirname=${JSON.stringify(dirname(path))},__filename=${JSON.stringify(path)};`);
  }
  if (head.length === 0) return text;
  // A line of `#!` is one only at the very beginning.
  const body = text.replace(/^#!/, "//");
  return head.join("") + (meta === undefined ? body : body.replace(META, META_NAME));
}

/** What `import.meta` says of a module, as a literal. */
export function placeOf(path: string, isMain: boolean): string {
  const directory = dirname(path);
  return JSON.stringify({
    url: pathToFileURL(path).href,
    dir: directory,
    dirname: directory,
    file: basename(path),
    filename: path,
    path,
    main: isMain,
  });
}
