/** The log of a checkpoint that cannot be put in its place. */
import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogFile } from "../../../net/checkpoint/log_file.ts";

const directory = mkdtempSync(join(tmpdir(), "luciole-test-"));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("LogFile leaves neither a draft nor an open file when it cannot be made", () => {
  const path = join(directory, "log");
  mkdirSync(join(path, "in-its-place"), { recursive: true });
  const openFiles = (): number => readdirSync("/proc/self/fd").length;
  const before = openFiles();
  expect(() => new LogFile(path, [])).toThrow();
  expect({ files: readdirSync(directory), open: openFiles() }).toEqual({ files: ["log"], open: before });
});
