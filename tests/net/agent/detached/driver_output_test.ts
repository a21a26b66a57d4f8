/** What drivers print, on disk: read back as it came, from any place, bounded, and while it grows. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DriverOutput } from "../../../../net/agent/detached/driver_output.ts";

const home = mkdtempSync(join(tmpdir(), "luciole-test-"));
const directory = join(home, "output");
const signal = new AbortController().signal;
afterEach(() => rmSync(home, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (of: Uint8Array) => new TextDecoder().decode(of);

async function all(output: DriverOutput, from = 0) {
  return await Array.fromAsync(output.read(from, false, signal));
}

describe("DriverOutput", () => {
  test("gives back what came, stream by stream, from any place that it told", async () => {
    const output = new DriverOutput({ directory });
    await output.write("stdout", bytes("a\n"), 1);
    await output.write("stderr", new Uint8Array([0, 255, 10]), 2);
    await output.write("stdout", bytes("b"), 3);
    const items = await all(output);
    expect(items.map((item) => item.kind === "output" && [item.stream, item.time, [...item.bytes]])).toEqual([
      ["stdout", 1, [97, 10]],
      ["stderr", 2, [0, 255, 10]],
      ["stdout", 3, [98]],
    ]);
    for (const [i, { next }] of items.entries()) expect(await all(output, next)).toEqual(items.slice(i + 1));
    await output.delete();
    expect(existsSync(directory)).toBe(false);
  });

  test("keeps the last segments, and tells how much is gone", async () => {
    const output = new DriverOutput({ directory, segmentBytes: 1000, segments: 3 });
    for (let i = 0; i < 200; i++) await output.write("stdout", bytes(`line ${i}\n`), i);
    const [first, ...items] = await all(output);
    expect(first).toMatchObject({ kind: "dropped", count: first?.next });
    const lines = items.map((item) => (item.kind === "output" ? text(item.bytes) : "?"));
    expect(lines).toEqual(Array.from(lines, (_, i) => `line ${200 - lines.length + i}\n`));
    expect(lines.length).toBeGreaterThan(80);
    const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
    expect(sizes.length).toBe(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
    await output.delete();
  });

  test("tells what a disk that was full has not taken, and goes on", async () => {
    const output = new DriverOutput({ directory, segmentBytes: 40 });
    await output.write("stdout", bytes("before\n"), 1);
    const [before] = await all(output);
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "in its place");
    for (const lost of ["lost at once, as it is long", "lost"])
      await expect(output.write("stdout", bytes(lost), 2)).rejects.toThrow();
    const count = 27 + 4 + 2 * 13;
    expect(await all(output, before?.next)).toMatchObject([{ kind: "dropped", count }]);
    rmSync(directory);
    await output.write("stdout", bytes("after\n"), 3);
    const [gap, after, ...more] = await all(output, before?.next);
    expect(gap).toMatchObject({ kind: "dropped", count });
    expect(after?.kind === "output" && text(after.bytes)).toBe("after\n");
    expect(more).toEqual([]);
    await output.delete();
  });

  test("takes nothing any more when it has ended: processes that a driver leaves behind keep its pipes", async () => {
    const output = new DriverOutput({ directory });
    await output.write("stdout", bytes("a\n"), 1);
    await output.delete();
    await output.write("stdout", bytes("b\n"), 2);
    expect(existsSync(directory)).toBe(false);
  });

  test("goes on with a reader that follows until it ends, and cuts what is long", async () => {
    const output = new DriverOutput({ directory });
    const long = "x".repeat(200_000);
    const followed = Array.fromAsync(output.read(0, true, signal));
    await output.write("stdout", bytes("first\n"), 1);
    await output.write("stdout", bytes(long), 2);
    await output.end();
    const pieces = (await followed).map((item) => (item.kind === "output" ? text(item.bytes) : "?"));
    expect(pieces.join("")).toBe(`first\n${long}`);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(64 * 1024);
    await output.delete();
  });

  test("leaves a reader that goes, and comes to an end with one that asks for a place that was never told", async () => {
    const output = new DriverOutput({ directory });
    await output.write("stdout", bytes("abc"), 1);
    const left = new AbortController();
    const reader = output.read(output.position, true, left.signal).next();
    left.abort();
    expect(await reader).toEqual({ done: true, value: undefined });
    for (const from of [1, 5, 14, 1e6]) expect((await all(output, from)).length).toBeLessThan(30);
    await output.delete();
  });
});
