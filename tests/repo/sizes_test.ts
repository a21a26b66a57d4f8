/** Sizes and forms of files, as CONTRIBUTING.md asks for them. */
import { describe, expect, test } from "bun:test";
import { readSources, type SourceFile } from "./sources.ts";

const sources = readSources();
const shipped = sources.filter((source) => /^(core|net|cmd)\//.test(source.path));

const isNoTest = (file: SourceFile) => !file.path.startsWith("tests/");

/** The nearest-rank percentile of the files' lengths. */
function percentile(files: readonly SourceFile[], share: number): number {
  const lengths = files.map((file) => file.lines).sort((a, b) => a - b);
  return lengths[Math.max(0, Math.ceil(lengths.length * share) - 1)] ?? 0;
}

describe("files", () => {
  test("none has more than 500 lines", () => {
    expect(sources.filter((file) => file.lines > 500).map((file) => `${file.path}: ${file.lines}`)).toEqual(
      [],
    );
  });

  test("have at most 120 lines in the median and 350 in the 95th percentile", () => {
    expect(percentile(shipped, 0.5)).toBeLessThanOrEqual(120);
    expect(percentile(shipped, 0.95)).toBeLessThanOrEqual(350);
  });

  test("begin with a header comment", () => {
    const bare = sources.filter(isNoTest).filter((file) => !/^(#![^\n]*\n)?\/\*\*/.test(file.text));
    expect(bare.map((file) => file.path)).toEqual([]);
  });

  test("are named in snake_case, tests *_test.ts", () => {
    const odd = sources.filter((file) => !/^([a-z0-9_.]+\/)*[a-z0-9_]+\.ts$/.test(file.path));
    expect(odd.map((file) => file.path)).toEqual([]);
  });

  test("hold no unfinished marks and no skipped tests", () => {
    // Written so that this file does not hold what it looks for.
    const marks = new RegExp(["TO" + "DO", "FIX" + "ME", "\\.(?:skip|only|todo)" + "\\("].join("|"));
    const found = sources.filter((file) => marks.test(file.text));
    expect(found.map((file) => file.path)).toEqual([]);
  });
});
