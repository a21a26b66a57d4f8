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
    expect(makeRoom(all, 40, 100)).toEqual({ evicted: ["old"], lackingBytes: 0 });
    expect(makeRoom(all, 51, 100)).toEqual({ evicted: ["old", "middle"], lackingBytes: 0 });
    expect(makeRoom(all, 10, 100)).toEqual({ evicted: [], lackingBytes: 0 });
  });

  test("never gives up what is in use, and nothing in vain", () => {
    const all = [cached("used", 60, 1, true), cached("idle", 40, 2)];
    expect(makeRoom(all, 40, 100)).toEqual({ evicted: ["idle"], lackingBytes: 0 });
    expect(makeRoom(all, 41, 100)).toEqual({ evicted: [], lackingBytes: 1 });
  });

  test("keeps the bound whatever is there", () => {
    const entry = fc.record({ sizeBytes: fc.nat(50), usedAt: fc.nat(9), isInUse: fc.boolean() });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), fc.nat(200), fc.nat(300), (entries, wanted, max) => {
        const all = entries.map((each, i) => ({ key: String(i), ...each }));
        const { evicted, lackingBytes } = makeRoom(all, wanted, max);
        const sum = (some: readonly CachedSize[]) =>
          some.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
        const left = all.filter(({ key }) => !evicted.includes(key));
        const used = all.filter(({ isInUse }) => isInUse);
        expect(used.filter(({ key }) => evicted.includes(key))).toEqual([]);
        expect(lackingBytes > 0).toBe(sum(used) + wanted > max);
        if (lackingBytes === 0) expect(sum(left) + wanted).toBeLessThanOrEqual(max);
        else expect(evicted).toEqual([]);
        const latest = Math.max(
          0,
          ...all.filter(({ key }) => evicted.includes(key)).map(({ usedAt }) => usedAt),
        );
        for (const kept of left)
          if (!kept.isInUse && evicted.length > 0) expect(kept.usedAt).toBeGreaterThanOrEqual(latest);
      }),
    );
  });
});
