/** Locks of processes elsewhere: taken from the dead soon, and never from one that touches it, whatever clocks say. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCheckpointDirectory } from "../../../net/checkpoint/checkpoint_directory.ts";
import { LockWatch, takeLockFile } from "../../../net/runtime/lock_file.ts";

const ELSEWHERE = JSON.stringify({ pid: 1, host: "other", space: "other", start: "1" });
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "luciole-test-"));
  path = join(directory, "driver.lock");
  writeFileSync(path, ELSEWHERE);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Looks every half second. */
function watchFor(ms: number, watch: LockWatch, between: (at: number) => void = () => undefined): void {
  for (let at = 0; at <= ms; at += 500) {
    between(at);
    watch.look(at);
  }
}

test("one that nobody touches is taken after 6 s of looking on", () => {
  const watch = new LockWatch(path);
  watchFor(5_500, watch);
  expect(existsSync(path)).toBe(true);
  watch.look(6_000);
  expect(existsSync(path)).toBe(false);
});

test.each([-3_600_000, 0, 3_600_000])("one that is touched by a clock that is %d ms off is not", (offMs) => {
  watchFor(60_000, new LockWatch(path), (at) => {
    const time = new Date(Date.now() + offMs + at);
    if (at % 5_000 === 0) utimesSync(path, time, time);
  });
  expect(existsSync(path)).toBe(true);
});

test("a disk that stood still for all does not count as silence", () => {
  const watch = new LockWatch(path);
  watch.look(0);
  watch.look(60_000);
  watch.look(60_500);
  expect(existsSync(path)).toBe(true);
});

test("what another process has put in its place stays", () => {
  const watch = new LockWatch(path);
  watchFor(5_500, watch);
  rmSync(path);
  const own = takeLockFile(path);
  watch.look(6_000);
  expect("release" in own && own.isHeld()).toBe(true);
  if ("release" in own) own.release();
});

test("--resume goes on from a driver elsewhere within a few seconds, and that one publishes nothing any more", async () => {
  rmSync(path);
  const opened = { kind: "opened", version: "1", program: "p", args: [] } as const;
  const ignore = (): void => undefined;
  const { signal } = new AbortController();
  const options = { path: directory, isResumed: true, opened, log: ignore, warn: ignore, signal };
  const first = await openCheckpointDirectory(options);
  first.checkOwn();
  // As if it was another machine's, which stands still from here on.
  writeFileSync(path, ELSEWHERE);
  const begun = performance.now();
  const second = await openCheckpointDirectory(options);
  expect(performance.now() - begun).toBeGreaterThan(5_000);
  expect(readFileSync(path, "utf8")).not.toBe(ELSEWHERE);
  expect(() => first.checkOwn()).toThrow(/^Cannot publish: this process stood still, and another driver/);
  second.checkOwn();
  second.close(false);
  first.close(true);
  // It has not told of a success that is another's.
  expect(existsSync(join(directory, "log.cborseq"))).toBe(true);
}, 60_000);
