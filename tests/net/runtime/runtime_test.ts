/**
 * Runs the contract of the runtime interface on each runtime.
 */
import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";

const ROOT = join(import.meta.dir, "../../..");
const COMMANDS = {
  bun: [process.execPath],
  deno: [join(ROOT, "node_modules/.bin/deno"), "run", "-A"],
};

describe("currentRuntime()", () => {
  for (const [name, [file = "", ...args]] of Object.entries(COMMANDS)) {
    test(`serves, asks and spawns on ${name}`, () => {
      const script = join(import.meta.dir, "runtime_contract.ts");
      const done = spawnSync(file, [...args, script], { cwd: ROOT, encoding: "utf8", timeout: 30_000 });
      // Deno prints a line for every body that breaks off, so stderr is looked at on failure only.
      expect(done.stdout === `ok ${name}\n` ? "" : `${done.stdout}${done.stderr}`).toBe("");
    }, 60_000);
  }
});
