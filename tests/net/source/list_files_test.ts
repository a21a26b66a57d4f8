/** Paths, directories and globs: which files they name, and what is refused. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { LucioleError } from "../../../core/errors.ts";
import { listFiles } from "../../../net/source/list_files.ts";
import { removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";

afterEach(removeTemporaryDirectories);

let root = "";

beforeEach(() => {
  root = temporaryDirectory();
  for (const path of [
    "logs/a.txt",
    "logs/b.txt",
    "logs/.hidden.txt",
    "logs/_draft.txt",
    "logs/c,d.txt",
    "logs/e[1].txt",
    "logs/deep/f.txt",
    "logs/deep/er/g.txt",
    "logs/deep/er/h.md",
    "out/_SUCCESS",
    "out/part-00000.txt",
    "é/x y.txt",
  ]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), "x");
  }
  mkdirSync(join(root, "empty"));
});

const list = (pattern: string) => listFiles(join(root, pattern)).map((path) => relative(root, path));

function codeOf(pattern: string): [string, string] {
  try {
    list(pattern);
  } catch (error) {
    if (error instanceof LucioleError) return [error.code, error.message.replace(root, "")];
    throw error;
  }
  throw new Error(`expected ${pattern} to be refused`);
}

describe("listFiles()", () => {
  test.each<[string, string[]]>([
    ["logs/a.txt", ["logs/a.txt"]],
    ["logs/c,d.txt", ["logs/c,d.txt"]],
    ["logs/e[1].txt", ["logs/e[1].txt"]],
    ["logs/*.txt", ["logs/_draft.txt", "logs/a.txt", "logs/b.txt", "logs/c,d.txt", "logs/e[1].txt"]],
    ["logs/.h*", ["logs/.hidden.txt"]],
    ["logs/?.txt", ["logs/a.txt", "logs/b.txt"]],
    ["logs/[ab].txt", ["logs/a.txt", "logs/b.txt"]],
    ["logs/[!a].txt", ["logs/b.txt"]],
    ["logs/{a,b,zz}.txt", ["logs/a.txt", "logs/b.txt"]],
    ["{logs/{a,b},out/part-*}.txt", ["logs/a.txt", "logs/b.txt", "out/part-00000.txt"]],
    [
      "logs/**/*.txt",
      [
        "logs/_draft.txt",
        "logs/a.txt",
        "logs/b.txt",
        "logs/c,d.txt",
        "logs/deep/er/g.txt",
        "logs/deep/f.txt",
        "logs/e[1].txt",
      ],
    ],
    ["logs/deep/**", ["logs/deep/er/g.txt", "logs/deep/er/h.md", "logs/deep/f.txt"]],
    ["**/er/*.md", ["logs/deep/er/h.md"]],
    ["logs", ["logs/a.txt", "logs/b.txt", "logs/c,d.txt", "logs/e[1].txt"]],
    ["out/", ["out/part-00000.txt"]],
    ["out/*", ["out/part-00000.txt"]],
    ["o*", ["out/part-00000.txt"]],
    ["é/*", ["é/x y.txt"]],
  ])("finds the files of %p in order", (pattern, expected) => {
    expect(list(pattern)).toEqual(expected);
  });

  test("follows links to files, and does not go round in a circle of links", () => {
    symlinkSync(join(root, "logs/a.txt"), join(root, "logs/deep/link.txt"));
    symlinkSync(join(root, "logs"), join(root, "logs/deep/again"));
    expect(list("logs/deep/**/*.txt")).toEqual([
      "logs/deep/er/g.txt",
      "logs/deep/f.txt",
      "logs/deep/link.txt",
    ]);
    expect(list("logs/deep/**")).toContain("logs/deep/link.txt");
  });

  test("tells what is missing", () => {
    expect(codeOf("logs/*.csv")).toEqual(["input-missing", 'Cannot read "/logs/*.csv": no file matches']);
    expect(codeOf("logs/none.txt")).toEqual([
      "input-missing",
      'Cannot read "/logs/none.txt": there is no such file or directory',
    ]);
    expect(codeOf("empty")).toEqual(["input-missing", 'Cannot read "/empty": the directory holds no file']);
    expect(codeOf("logs/a.txt/*")[0]).toBe("input-missing");
    expect(codeOf("nowhere/*/x")[0]).toBe("input-missing");
  });

  test("tells what is missing because something else was meant", () => {
    expect(() => listFiles("~/logs/*.gone")).toThrow(
      'Cannot read "~/logs/*.gone": no file matches; only shells know what "~" is, and not within quotes',
    );
    expect(() => listFiles("--workers")).toThrow(/directory; flags of luciole run stand before the program$/);
  });

  test("tells what cannot be reached", () => {
    symlinkSync("loop", join(root, "loop"));
    expect(codeOf("loop")[0]).toBe("input-unreadable");
    expect(codeOf("l*p")[0]).toBe("input-unreadable");
  });
});
