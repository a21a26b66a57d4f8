/** When an agent warns of its disk, and when it takes nothing more. */
import { describe, expect, test } from "bun:test";
import { DiskGuard } from "../../../core/agent/disk_guard.ts";

const MIB = 2 ** 20;
const measure = (guard: DiskGuard, usedMiB: number, freeMiB = 10_000) =>
  guard.measured({ usedBytes: usedMiB * MIB, freeBytes: freeMiB * MIB });

describe("DiskGuard", () => {
  test("measured() warns once from 85% on, and anew after it was below 80%", () => {
    const guard = new DiskGuard(1000 * MIB);
    expect(measure(guard, 849)).toBeUndefined();
    expect(measure(guard, 850)).toMatch(/^warning: 850 .*1000 .* of disk space are used$/);
    expect(measure(guard, 900)).toBeUndefined();
    expect(measure(guard, 820)).toBeUndefined();
    expect(measure(guard, 870)).toBeUndefined();
    expect(measure(guard, 799)).toBeUndefined();
    expect(measure(guard, 860)).toMatch(/^warning/);
  });

  test("measured() refuses from the quota on, and tells when there is room again", () => {
    const guard = new DiskGuard(100 * MIB);
    expect(measure(guard, 100)).toMatch(/^disk full: /);
    expect(guard.refusal).toMatch(/^its disk space is used up: 100 /);
    expect(guard.freeBytes).toBe(0);
    expect(measure(guard, 140)).toBeUndefined();
    expect(measure(guard, 90)).toMatch(/^there is room on the disk again/);
    expect(guard.refusal).toBeUndefined();
    expect(guard.freeBytes).toBe(10 * MIB);
  });

  test("measured() takes a disk that has less than the quota for the bound", () => {
    const guard = new DiskGuard(1000 * MIB);
    expect(measure(guard, 90, 10)).toMatch(/^warning: 90.0 MiB of 100 MiB/);
    expect(measure(guard, 100, 0)).toMatch(/^disk full/);
  });
});
