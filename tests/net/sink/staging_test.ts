/** Sinks: output appears whole or not at all, foreign things are never replaced, nothing is left. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LucioleError } from "../../../core/errors.ts";
import { StagedFile } from "../../../net/sink/staged_file.ts";
import {
  checkSink,
  discardStaging,
  publish,
  type StagedPart,
  stagingDirectory,
} from "../../../net/sink/staging.ts";
import { removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";

afterEach(removeTemporaryDirectories);

function stage(path: string, attempt: string, text: string, extension = ".txt"): StagedPart {
  const file = new StagedFile({ staging: stagingDirectory(path, "e1"), attempt, extension });
  file.write(Buffer.from(text));
  file.commit();
  return { attempt, name: file.name, rows: text.split("\n").length - 1, bytes: file.sizeBytes };
}

function publishTo(path: string, parts: StagedPart[], more: { single?: boolean; overwrite?: boolean } = {}) {
  const staging = stagingDirectory(path, "e1");
  return publish({ path, single: false, overwrite: false, staging, parts, ...more });
}

function codeOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof LucioleError) return error.code;
    throw error;
  }
  return "accepted";
}

const check = (path: string, more: { single?: boolean; overwrite?: boolean } = {}) =>
  codeOf(() => checkSink({ path, single: false, overwrite: false, ...more }));

describe("publish()", () => {
  test("makes a directory of parts with a manifest, without what lost", () => {
    const root = temporaryDirectory();
    const path = join(root, "out");
    const parts = [stage(path, "a-1", "x\ny\n"), stage(path, "a-0", "z\n")];
    stage(path, "loser", "no\n");
    expect(existsSync(path)).toBe(false);
    const result = publishTo(path, parts);
    expect(result).toEqual({ path, rows: 3, bytes: 6, files: ["part-00000.txt", "part-00001.txt"] });
    expect(readdirSync(root)).toEqual(["out"]);
    expect(readdirSync(path).sort()).toEqual(["_SUCCESS", "part-00000.txt", "part-00001.txt"]);
    expect(readFileSync(join(path, "part-00000.txt"), "utf8")).toBe("x\ny\n");
    const manifest = JSON.parse(readFileSync(join(path, "_SUCCESS"), "utf8"));
    expect(manifest.parts).toEqual([
      { name: "part-00000.txt", rows: 2, bytes: 4 },
      { name: "part-00001.txt", rows: 1, bytes: 2 },
    ]);
    expect(typeof manifest.luciole).toBe("string");
  });

  test("replaces an earlier output whole, so that no part of it is left", () => {
    const root = temporaryDirectory();
    const path = join(root, "out");
    publishTo(path, [stage(path, "a", "1\n"), stage(path, "b", "2\n")]);
    expect(check(path)).toBe("accepted");
    publishTo(path, [stage(path, "c", "3\n")]);
    expect(readdirSync(path).sort()).toEqual(["_SUCCESS", "part-00000.txt"]);
    expect(readFileSync(join(path, "part-00000.txt"), "utf8")).toBe("3\n");
    expect(readdirSync(root)).toEqual(["out"]);
  });

  test("makes an output without parts when there are none", () => {
    const path = join(temporaryDirectory(), "out");
    publishTo(path, []);
    expect(readdirSync(path)).toEqual(["_SUCCESS"]);
  });

  test("writes one file in its place when single, over an older one too", () => {
    const root = temporaryDirectory();
    const path = join(root, "out.txt");
    writeFileSync(path, "old");
    expect(check(path, { single: true })).toBe("accepted");
    const result = publishTo(path, [stage(path, "a", "new\n")], { single: true });
    expect(result.files).toEqual(["out.txt"]);
    expect(readFileSync(path, "utf8")).toBe("new\n");
    expect(readdirSync(root)).toEqual(["out.txt"]);
  });

  test("refuses what came into its place while the flow ran, and keeps it", () => {
    const path = join(temporaryDirectory(), "out");
    const part = stage(path, "a", "1\n");
    mkdirSync(path);
    writeFileSync(join(path, "mine.txt"), "precious");
    expect(codeOf(() => publishTo(path, [part]))).toBe("output-exists");
    expect(readdirSync(path)).toEqual(["mine.txt"]);
    publishTo(path, [part], { overwrite: true });
    expect(readdirSync(path).sort()).toEqual(["_SUCCESS", "part-00000.txt"]);
  });

  test("puts one file in the place of a directory only with overwrite", () => {
    const root = temporaryDirectory();
    const path = join(root, "out");
    mkdirSync(path);
    expect(check(path, { single: true })).toBe("output-exists");
    publishTo(path, [stage(path, "a", "1\n")], { single: true, overwrite: true });
    expect(readFileSync(path, "utf8")).toBe("1\n");
    expect(readdirSync(root)).toEqual(["out"]);
  });
});

describe("checkSink()", () => {
  test("refuses what is not an output of Luciole, by name", () => {
    const root = temporaryDirectory();
    const path = join(root, "out");
    mkdirSync(path);
    expect(check(path)).toBe("accepted");
    writeFileSync(join(path, "_SUCCESS"), "");
    expect(check(path)).toBe("output-exists");
    expect(() => checkSink({ path, single: false, overwrite: false })).toThrow(
      `Cannot write "${path}": it exists and is not an output of Luciole`,
    );
    expect(check(path, { overwrite: true })).toBe("accepted");
    writeFileSync(join(root, "file"), "");
    expect(check(join(root, "file"))).toBe("output-exists");
    expect(check(join(root, "file/out"))).toBe("output-unwritable");
    expect(check("/proc/luciole/out")).not.toBe("output-exists");
  });

  test("leaves nothing behind, parents that are missing included", () => {
    const root = temporaryDirectory();
    expect(check(join(root, "a/b/out"))).toBe("accepted");
    expect(readdirSync(root)).toEqual([]);
  });
});

describe("discardStaging()", () => {
  test("removes the directories that were made for it, and no others", () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, "kept"));
    const path = join(root, "kept/a/b/out");
    stage(path, "x", "1\n");
    stage(path, "y", "1\n");
    discardStaging(stagingDirectory(path, "e1"));
    expect(readdirSync(join(root, "kept"))).toEqual([]);
    discardStaging(stagingDirectory(path, "e1"));
    expect(readdirSync(root)).toEqual(["kept"]);
  });

  test("keeps a directory that was made for it when something else is in it", () => {
    const root = temporaryDirectory();
    const path = join(root, "a/out");
    stage(path, "x", "1\n");
    writeFileSync(join(root, "a/other"), "");
    discardStaging(stagingDirectory(path, "e1"));
    expect(readdirSync(join(root, "a"))).toEqual(["other"]);
  });
});

describe("StagedFile", () => {
  test("leaves nothing when it is discarded, and stays when it was committed", () => {
    const path = join(temporaryDirectory(), "out");
    const staging = stagingDirectory(path, "e1");
    const file = new StagedFile({ staging, attempt: "a", extension: ".csv" });
    file.write(Buffer.from("x"));
    file.discard();
    expect(readdirSync(staging)).toEqual([]);
    const part = stage(path, "b", "x", ".csv");
    expect(readdirSync(staging)).toEqual([part.name]);
  });
});
