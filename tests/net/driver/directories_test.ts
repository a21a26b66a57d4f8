/** Directories of local jobs: whose owner is gone goes, whoever else's stays. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { makeLocalDirectory } from "../../../net/driver/directories.ts";

const { LUCIOLE_DATA } = process.env;
let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "luciole-directories-"));
  process.env.LUCIOLE_DATA = base;
});
afterEach(() => {
  rmSync(base, { recursive: true, force: true });
  if (LUCIOLE_DATA === undefined) delete process.env.LUCIOLE_DATA;
  else process.env.LUCIOLE_DATA = LUCIOLE_DATA;
});

/** A process that has ended, so that its number is free. */
function endedPid(): number {
  return Bun.spawnSync(["true"]).pid;
}

/** Gives a directory to another owner. */
function rename(directory: string, change: (name: string) => string): string {
  const name = change(basename(directory));
  renameSync(directory, join(base, name));
  return name;
}

test("makeLocalDirectory() sweeps what a dead process of this host left, and nothing of other hosts or live ones", () => {
  const pid = endedPid();
  rename(makeLocalDirectory("dead"), (name) => name.replace(`-${process.pid}-`, `-${pid}-`));
  const alive = basename(makeLocalDirectory("alive"));
  // Hosts that share the directory have processes of their own by the same numbers.
  const elsewhere = rename(makeLocalDirectory("elsewhere"), (name) =>
    name.replace(/^local-[0-9a-f]+-\d+/, `local-00000000-${pid}`),
  );
  const own = basename(makeLocalDirectory("own"));
  expect(readdirSync(base).sort()).toEqual([alive, elsewhere, own].sort());
});
