/**
 * The programs in the documentation: examples of doc comments and marked blocks of Markdown.
 *
 * A block of Markdown is a program when its fence says ```ts run```, with its arguments behind
 * that; one in a doc comment of a shipped file always is.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, readSources } from "./sources.ts";

export interface Example {
  /** `path:line` of the fence. */
  readonly place: string;
  readonly code: string;
  /** What it is called with. */
  readonly args: readonly string[];
  /** What it prints, as its comments say: of each `console.log(…); // text`, or else of none. */
  readonly expected: readonly string[];
}

export function readExamples(): readonly Example[] {
  const shipped = readSources().filter((source) => /^(core|net)\/|^mod\.ts$/.test(source.path));
  const documents = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)];
  return [
    ...shipped.flatMap(({ path, text }) => fencesOf(path, text, /^\s*\* ```ts$/, /^\s*\* ?/)),
    ...documents
      .filter((path) => path.endsWith(".md"))
      .flatMap((path) => fencesOf(path, readFileSync(join(ROOT, path), "utf8"), /^```ts run\b(.*)$/, /^/)),
  ];
}

function fencesOf(path: string, text: string, opening: RegExp, margin: RegExp): Example[] {
  const lines = text.split("\n");
  return lines.flatMap((line, at) => {
    const fence = opening.exec(line);
    if (fence === null) return [];
    const body = lines.slice(at + 1).map((one) => one.replace(margin, ""));
    const end = body.findIndex((one) => one.startsWith("```"));
    if (end < 0) throw new Error(`Cannot read ${path}:${at + 1}: the fence has no end`);
    const code = body.slice(0, end);
    const args = fence[1]?.split(" ").filter((word) => word !== "") ?? [];
    return [{ place: `${path}:${at + 1}`, code: code.join("\n"), args, expected: expectedOf(code) }];
  });
}

function expectedOf(code: readonly string[]): readonly string[] {
  return code.flatMap((line) => /console\.log\(.*\);\s*\/\/ (.*)$/.exec(line)?.[1] ?? []);
}
