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

async function lineOf(stream: ReadableStream<Uint8Array>): Promise<number[]> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of stream) {
    text += decoder.decode(piece, { stream: true });
    if (text.endsWith("\n")) break;
  }
  return JSON.parse(text);
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

  test("leaves to another process what that has taken since", () => {
    const directory = fresh();
    const owned = ownDirectory(directory);
    rmSync(directory, { recursive: true });
    const other = ownDirectory(directory);
    leave(directory, { pid: 1, host: "elsewhere", space: "", start: "" });
    owned.release();
    expect(existsSync(join(directory, "jobs/j1/shard"))).toBe(true);
    other.release();
  });

  test.each(["new", "left behind"])(
    "gives a directory that is %s to one of two processes that want it at the same moment",
    async (kind) => {
      const [directory, count] = [fresh(), 200];
      const own = ownDirectory(directory);
      const owner = JSON.parse(readFileSync(join(directory, "agent.lock"), "utf8"));
      own.release();
      for (let i = 0; i < count && kind !== "new"; i++)
        leave(join(directory, `${i}`), { ...owner, start: "0" });
      const program = join(import.meta.dir, "own_directories.ts");
      const command = [process.execPath, program, directory, `${count}`, `${Date.now() + 500}`];
      const processes = [1, 2].map(() => Bun.spawn(command, { stdin: "pipe", stdout: "pipe" }));
      const got = await Promise.all(processes.map(({ stdout }) => lineOf(stdout)));
      for (const { stdin } of processes) stdin.end();
      await Promise.all(processes.map(({ exited }) => exited));
      expect(got.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    },
    60_000,
  );

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
