/** Whose an agent's directory is, and what becomes of what another process left in it. */
import { afterEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownDirectory } from "../../../net/agent/directory_lock.ts";

const base = mkdtempSync(join(tmpdir(), "luciole-test-"));
let directories = 0;
const fresh = (): string => join(base, `d${directories++}`);
afterEach(() => rmSync(base, { recursive: true, force: true }));

function leave(directory: string, owner: object): string {
  mkdirSync(join(directory, "jobs/j1"), { recursive: true });
  writeFileSync(join(directory, "jobs/j1/shard"), "x");
  const lock = join(directory, "agent.lock");
  writeFileSync(lock, JSON.stringify(owner));
  return lock;
}

describe("ownDirectory()", () => {
  test("refuses a directory that a live process uses, and names it", () => {
    const directory = fresh();
    const owned = ownDirectory(directory);
    expect(() => ownDirectory(directory)).toThrow(
      `Cannot use the agent's directory ${directory}: process ${process.pid}`,
    );
    owned.release();
    ownDirectory(directory).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("takes the place of a process that is gone, and deletes its jobs only", () => {
    const directory = fresh();
    const own = ownDirectory(directory);
    const owner = JSON.parse(readFileSync(join(directory, "agent.lock"), "utf8"));
    own.release();
    leave(directory, { ...owner, start: "0" });
    mkdirSync(join(directory, "programs"));
    writeFileSync(join(directory, "programs/p"), "p");
    const owned = ownDirectory(directory);
    expect(readdirSync(owned.jobs)).toEqual([]);
    expect(existsSync(join(directory, "programs/p"))).toBe(true);
    owned.release();
  });

  test("waits for the lock of another host or container to be old", () => {
    const directory = fresh();
    const lock = leave(directory, { pid: 1, host: "other", space: "elsewhere", start: "1" });
    expect(() => ownDirectory(directory)).toThrow("process 1 on other uses it");
    const old = new Date(Date.now() - 60_000);
    utimesSync(lock, old, old);
    ownDirectory(directory).release();
  });

  test("takes a lock that was cut short for none", () => {
    const directory = fresh();
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "agent.lock"), '{"pid":');
    ownDirectory(directory).release();
  });

  test("names the directory that it cannot make", () => {
    mkdirSync(base, { recursive: true });
    writeFileSync(join(base, "file"), "");
    expect(() => ownDirectory(join(base, "file/d"))).toThrow(
      `Cannot use the agent's directory ${base}/file/d: ENOTDIR`,
    );
  });
});
