/** What a bounded cache gives up. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type CachedSize, makeRoom } from "../../../core/program_blocks/cache_room.ts";

const cached = (key: string, sizeBytes: number, usedAt: number, isInUse = false): CachedSize => ({
  key,
  sizeBytes,
  usedAt,
  isInUse,
});

describe("makeRoom()", () => {
  test("gives up what was used longest ago, and no more than needed", () => {
    const all = [cached("new", 40, 3), cached("old", 40, 1), cached("middle", 10, 2)];
    expect(makeRoom(all, 60)).toEqual({ evicted: ["old"], lackingBytes: 0 });
    expect(makeRoom(all, 49)).toEqual({ evicted: ["old", "middle"], lackingBytes: 0 });
    expect(makeRoom(all, 90)).toEqual({ evicted: [], lackingBytes: 0 });
  });

  test("keeps a thousand at most, however small", () => {
    const all = Array.from({ length: 1003 }, (_, i) => cached(String(i), 1, i, i === 1));
    expect(makeRoom(all, 2 ** 30)).toEqual({ evicted: ["0", "2", "3"], lackingBytes: 0 });
  });

  test("never gives up what is in use, and nothing in vain", () => {
    const all = [cached("used", 60, 1, true), cached("idle", 40, 2)];
    expect(makeRoom(all, 60)).toEqual({ evicted: ["idle"], lackingBytes: 0 });
    expect(makeRoom(all, 59)).toEqual({ evicted: [], lackingBytes: 1 });
  });

  test("keeps the bound whatever is there", () => {
    const entry = fc.record({ sizeBytes: fc.nat(50), usedAt: fc.nat(9), isInUse: fc.boolean() });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), fc.nat(300), (entries, max) => {
        const all = entries.map((each, i) => ({ key: String(i), ...each }));
        const { evicted, lackingBytes } = makeRoom(all, max);
        const sum = (some: readonly CachedSize[]) =>
          some.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
        const left = all.filter(({ key }) => !evicted.includes(key));
        const gone = all.filter(({ key }) => evicted.includes(key));
        expect(gone.filter(({ isInUse }) => isInUse)).toEqual([]);
        expect(lackingBytes).toBe(Math.max(0, sum(all.filter(({ isInUse }) => isInUse)) - max));
        if (lackingBytes === 0) expect(sum(left)).toBeLessThanOrEqual(max);
        else expect(evicted).toEqual([]);
        const latest = Math.max(0, ...gone.map(({ usedAt }) => usedAt));
        for (const { isInUse, usedAt } of left) {
          if (!isInUse && gone.length > 0) expect(usedAt).toBeGreaterThanOrEqual(latest);
        }
      }),
    );
  });
});
