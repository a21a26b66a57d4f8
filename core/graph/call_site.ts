/**
 * Finds the user's line that called the engine.
 *
 * A frame belongs to the engine when its file lies in the engine's own tree, or,
 * when the engine is one bundled file, when it is that file. Both are told from
 * how this very module appears in a stack, so no path is configured.
 */
import type { CallSite } from "./node.ts";

const OWN_PATH = "core/graph/call_site.ts";
const FRAME = /^\s*at (?:.*?\()?((?:file:\/\/)?[^()]*?):(\d+):(\d+)\)?\s*$/;

/** Tells the first frame outside of the engine, undefined when the stack has none. */
export function captureCallSite(): CallSite | undefined {
  return deferCallSite()();
}

/** The same, told when it is asked for: writing and reading the text of a stack costs more than most nodes do. */
export function deferCallSite(): () => CallSite | undefined {
  let error: Error | undefined = new Error();
  let site: CallSite | undefined;
  return () => {
    if (error !== undefined) site = firstUserFrame(error.stack ?? "");
    error = undefined;
    return site;
  };
}

/**
 * Finds the user's frame in the text of a stack whose first frame is the engine's.
 * JavaScriptCore and V8 write frames alike: `at name (file:line:column)` or `at file:line:column`.
 */
export function firstUserFrame(stack: string): CallSite | undefined {
  let isEngine: ((file: string) => boolean) | undefined;
  for (const line of stack.split("\n")) {
    const frame = parseFrame(line);
    if (frame === undefined) continue;
    if (isEngine === undefined) isEngine = engineRule(frame.file);
    else if (!isEngine(frame.file) && !isRuntime(frame.file)) return frame;
  }
  return undefined;
}

/** One line of a stack that lies in the user's files. */
export interface UserFrame {
  /** As the runtime wrote it: `at name (file:line:column)`. */
  readonly text: string;
  readonly site: CallSite;
}

/** The frames of a stack that are neither the engine's nor the runtime's, the innermost first. */
export function userFrames(stack: string): readonly UserFrame[] {
  const isEngine = ownRule();
  return stack.split("\n").flatMap((line) => {
    const site = parseFrame(line);
    const isUser = site !== undefined && !isEngine(site.file) && !isRuntime(site.file);
    return isUser ? [{ text: line.trim(), site }] : [];
  });
}

/** Tells whether the innermost frame of a stack is the engine's: its code threw, not the user's. */
export function isEngineStack(stack: string): boolean {
  const frames = stack.split("\n").flatMap((line) => parseFrame(line) ?? []);
  return frames.length > 0 && ownRule()(frames[0].file);
}

let rule: ((file: string) => boolean) | undefined;

/** Tells the engine's files of this very process. */
function ownRule(): (file: string) => boolean {
  if (rule !== undefined) return rule;
  for (const line of (new Error().stack ?? "").split("\n")) {
    const frame = parseFrame(line);
    if (frame === undefined) continue;
    rule = engineRule(frame.file);
    return rule;
  }
  return () => false;
}

/** Tells whether two call sites are the same place. */
export function isSameSite(a: CallSite | undefined, b: CallSite | undefined): boolean {
  return a?.line === b?.line && a?.column === b?.column && a?.file === b?.file;
}

/** Writes a call site as `file:line`, as editors and terminals link it. */
export function formatCallSite(site: CallSite | undefined): string {
  return site === undefined ? "an unknown line" : `${site.file}:${site.line}`;
}

function parseFrame(line: string): CallSite | undefined {
  const match = FRAME.exec(line);
  if (match === null) return undefined;
  const [, place, row, column] = match;
  const file = place.startsWith("async ") ? place.slice("async ".length) : place;
  return { file: filePath(file), line: Number(row), column: Number(column) };
}

function filePath(place: string): string {
  if (!place.startsWith("file://")) return place;
  const path = place.slice("file://".length).replace(/[?#].*$/, "");
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** From source, or with a source map, the tree decides; in a bundle without map the one file does. */
function engineRule(ownFile: string): (file: string) => boolean {
  if (!withSlashes(ownFile).endsWith(OWN_PATH)) return (file) => file === ownFile;
  const root = ownFile.slice(0, -OWN_PATH.length);
  return (file) => {
    if (!file.startsWith(root)) return false;
    const path = withSlashes(file.slice(root.length));
    return /^(?:core|net|cmd)\//.test(path) || path === "mod.ts";
  };
}

function withSlashes(path: string): string {
  return path.replaceAll("\\", "/");
}

/** Where agents keep bundled programs: what of one has no place in the user's files was made as it ran. */
const BUNDLE = /[\\/][0-9a-f]{64}\.mjs$/;

/** Frames of the runtime's own code, such as `native`, `node:internal/…` and `ext:core/…`. */
function isRuntime(file: string): boolean {
  return (
    file === "native" ||
    file === "<anonymous>" ||
    BUNDLE.test(file) ||
    /^(?:(?:node|ext|bun|deno|internal):|\/\$bunfs\/)/.test(file)
  );
}
